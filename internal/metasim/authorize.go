package metasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// proofTimeLimit is how far appsecret_time may be from the clock.
const proofTimeLimit = 5 * time.Minute

// Subcodes of error 190.
const (
	subcodeAppRemoved      = 458
	subcodeCheckpointed    = 459
	subcodePasswordChanged = 460
	subcodeExpired         = 463
	subcodeUnconfirmed     = 464
	subcodeLostRole        = 492
	subcodeDataAccess      = 493
)

var (
	errUnknownToken = &fault{code: 190, message: "Invalid OAuth access token - Cannot parse access token"}
	errWrongSecret  = &fault{code: 190, message: "Invalid OAuth access token signature."}
)

// authorize returns the live token that c carries, with its appsecret_proof
// checked.
func (s *Sim) authorize(c *call) (view, error) {
	t, err := s.carried(c)
	if err != nil {
		return view{}, err
	}
	if !c.query.Has("appsecret_proof") && !c.form.Has("appsecret_proof") {
		return view{}, &fault{code: 100, kind: "GraphMethodException", message: "API calls from the server require an appsecret_proof argument"}
	}
	if err := s.checkProof(c, t); err != nil {
		return view{}, err
	}
	return view{call: c, token: t, consent: s.consents[t.person]}, nil
}

// authorizeUser is authorize for user tokens, with their person.
func (s *Sim) authorizeUser(c *call) (view, *Person, error) {
	v, err := s.authorize(c)
	if err != nil {
		return view{}, nil, err
	}
	p := s.person(v.token.person)
	if v.token.kind != userToken || p == nil {
		return view{}, nil, c.missingObject()
	}
	return v, p, nil
}

// userOf is authorizeUser for calls on the person himself.
func (s *Sim) userOf(c *call) (view, *Person, error) {
	v, p, err := s.authorizeUser(c)
	if err == nil && c.id != "me" && c.id != p.ID {
		err = c.missingObject()
	}
	return v, p, err
}

// authorizeApp returns the live token of a call that only the app's own may
// make; which kind it is, the caller checks. An appsecret_proof is checked if
// there is one, but not asked for: the app's token holds the secret.
func (s *Sim) authorizeApp(c *call) (*token, error) {
	t, err := s.carried(c)
	if err == nil && c.query.Has("appsecret_proof") {
		err = s.checkProof(c, t)
	}
	return t, err
}

// carried returns the live token that c carries, from the Authorization header
// or the parameter access_token.
func (s *Sim) carried(c *call) (*token, error) {
	value, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		value = c.param("access_token")
	}
	if value == "" {
		if c.id == "me" {
			return nil, &fault{code: 2500, message: "An active access token must be used to query information about the current user."}
		}
		return nil, &fault{code: 104, message: "An access token is required to request this resource."}
	}
	if value == s.cfg.AppID+"|"+s.cfg.AppSecret {
		return &token{value: value, kind: appToken}, nil
	}
	if strings.HasPrefix(value, s.cfg.AppID+"|") {
		return nil, errWrongSecret
	}
	t := s.tokens[value]
	if t == nil {
		return nil, errUnknownToken
	}
	if subcode := s.subcode(t, c.now); subcode != 0 {
		return nil, s.tokenFault(t, subcode, c.now)
	}
	return t, nil
}

// subcode returns the subcode of 190 that t is refused with, 0 if it is good.
func (s *Sim) subcode(t *token, now time.Time) int {
	switch {
	case t.ended != 0:
		return t.ended
	case t.parent != nil && t.parent.ended != 0:
		return t.parent.ended
	case !t.expires.IsZero() && !now.Before(t.expires):
		return subcodeExpired
	case t.kind == pageToken && (s.person(t.person) == nil || s.person(t.person).page(t.page) == nil):
		return subcodeLostRole
	}
	return 0
}

// tokenFault is the error 190 of that subcode.
func (s *Sim) tokenFault(t *token, subcode int, now time.Time) *fault {
	text := "The session has been invalidated."
	switch subcode {
	case subcodeAppRemoved:
		text = "The user has not authorized application " + s.cfg.AppID + "."
	case subcodeCheckpointed:
		text = "The user is enrolled in a blocking, logged-in checkpoint."
	case subcodeUnconfirmed:
		text = "Sessions for the user are not allowed because the user is not a confirmed user."
	case subcodePasswordChanged:
		text = "The session has been invalidated because the user changed their password or Facebook has changed the session for security reasons."
	case subcodeExpired:
		const layout = "Monday, 02-Jan-06 15:04:05 MST"
		text = fmt.Sprintf("Session has expired on %s. The current time is %s.",
			t.expires.UTC().Format(layout), now.UTC().Format(layout))
	case subcodeLostRole:
		text = "The user must be an administrator, editor, or moderator of the page in order to impersonate it."
	}
	return &fault{status: http.StatusUnauthorized, code: 190, subcode: subcode, message: "Error validating access token: " + text}
}

// checkProof checks the proof in either documented form: HMAC(token), or
// HMAC(token|time) along with appsecret_time, good for five minutes.
func (s *Sim) checkProof(c *call, t *token) error {
	text, good := t.value, true
	if stamp := c.param("appsecret_time"); stamp != "" {
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		good = err == nil && c.now.Sub(time.Unix(seconds, 0)).Abs() <= proofTimeLimit
		text += "|" + stamp
	}
	mac := hmac.New(sha256.New, []byte(s.cfg.AppSecret))
	mac.Write([]byte(text))
	if !good || c.param("appsecret_proof") != hex.EncodeToString(mac.Sum(nil)) {
		return &fault{code: 100, kind: "GraphMethodException", message: "Invalid appsecret_proof provided in the API argument"}
	}
	return nil
}

// missingObject is Meta's answer for an id that does not exist or may not be
// seen: it does not say which.
func (c *call) missingObject() error {
	return &fault{code: 100, subcode: 33, kind: "GraphMethodException", message: fmt.Sprintf(
		"Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
		strings.ToLower(c.r.Method), c.id)}
}
