package metasim

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
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
	subcodeEnrolled        = 490 // in a checkpoint, too
	subcodeDataAccess      = 493
)

var subcodesOfCheckpoints = []int{subcodeCheckpointed, subcodeUnconfirmed, subcodeEnrolled}

var errUnknownToken = &apiError{Code: 190, Message: "Invalid OAuth access token - Cannot parse access token"}

// checkToken needs a live token of any kind but the app's, with its appsecret_proof. It sets the
// call's token, person and consent.
func (s *Sim) checkToken(c *call) (err error) {
	if c.token, err = s.carriedToken(c); err != nil {
		return err
	}
	c.person, c.consent = s.person(c.token.Person), s.consents[c.token.Person]
	if !c.query.Has("appsecret_proof") && !c.form.Has("appsecret_proof") {
		return methodError(0, "API calls from the server require an appsecret_proof argument")
	}
	return s.checkProof(c)
}

// checkUser needs a person's token.
func (s *Sim) checkUser(c *call) error {
	err := s.checkToken(c)
	if err == nil && (c.token.Kind != userToken || c.person == nil) {
		err = c.missingObject()
	}
	return err
}

// checkSelf needs the token of the person that the path names.
func (s *Sim) checkSelf(c *call) error {
	err := s.checkUser(c)
	if err == nil && c.id != "me" && c.id != c.person.ID {
		err = c.missingObject()
	}
	return err
}

// checkBusinessUser needs the token of a person who granted business_management.
func (s *Sim) checkBusinessUser(c *call) error {
	err := s.checkUser(c)
	if err == nil {
		err = c.checkDataAccess()
	}
	if err == nil && !c.consent.has("business_management") {
		err = errorf(200, "(#200) Requires business_management permission to manage the object")
	}
	return err
}

// checkPage needs a token of the Page that the path names, and sets c.id to the Page's.
func (s *Sim) checkPage(c *call) error {
	err := s.checkToken(c)
	switch {
	case err != nil:
		return err
	case c.token.Kind != pageToken:
		return errorf(210, "(#210) A page access token is required to request this resource.")
	case c.token.Page != c.id && c.id != "me", slices.Contains(s.deleted, c.token.Page):
		return c.missingObject()
	}
	c.id = c.token.Page
	return c.checkDataAccess()
}

// checkPageManager is checkPage for calls that read or change the Page's subscription.
func (s *Sim) checkPageManager(c *call) error {
	err := s.checkPage(c)
	if err == nil && (!c.consent.has("pages_manage_metadata") || !c.consent.shares(c.id)) {
		err = errorf(200, "(#200) Requires pages_manage_metadata permission to manage the object")
	}
	return err
}

// checkAppToken needs a live token; that it is the app's own, the endpoint checks, which has its
// own error for that. An appsecret_proof is checked if there is one, but not needed: the app's
// token holds the secret.
func (s *Sim) checkAppToken(c *call) (err error) {
	if c.token, err = s.carriedToken(c); err == nil && c.query.Has("appsecret_proof") {
		err = s.checkProof(c)
	}
	return err
}

// checkAppSecret needs client_id and client_secret.
func (s *Sim) checkAppSecret(c *call) error {
	switch id, secret := c.param("client_id"), c.param("client_secret"); {
	case id == "":
		return errorf(101, "Missing client_id parameter.")
	case id != s.cfg.AppID:
		return errorf(101, "Error validating application. Invalid application ID.")
	case secret == "":
		return errorf(1, "Missing client_secret parameter.")
	case secret != s.cfg.AppSecret:
		return errorf(1, "Error validating client secret.")
	}
	return nil
}

// carriedToken returns the live token that c carries, in the Authorization header or the
// parameter access_token.
func (s *Sim) carriedToken(c *call) (*token, error) {
	value, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		value = c.param("access_token")
	}
	switch {
	case value == "" && c.id == "me":
		return nil, errorf(2500, "An active access token must be used to query information about the current user.")
	case value == "":
		return nil, errorf(104, "An access token is required to request this resource.")
	case value == s.cfg.AppID+"|"+s.cfg.AppSecret:
		return &token{Value: value, Kind: appToken}, nil
	case strings.HasPrefix(value, s.cfg.AppID+"|"):
		return nil, errorf(190, "Invalid OAuth access token signature.")
	}
	t := s.tokens[value]
	return t, s.tokenError(t, c.now)
}

// tokenError returns the error 190 that t, nil if unknown, is refused with, and nil if it is good.
func (s *Sim) tokenError(t *token, now time.Time) error {
	subcode := 0
	switch {
	case t == nil:
		return errUnknownToken
	case t.Ended != 0:
		subcode = t.Ended
	case t.Parent != "" && s.tokens[t.Parent].Ended != 0:
		subcode = s.tokens[t.Parent].Ended
	case !t.Expires.IsZero() && !now.Before(t.Expires):
		subcode = subcodeExpired
	case t.Kind == pageToken && !slices.Contains(s.deleted, t.Page) && (s.person(t.Person) == nil || s.person(t.Person).page(t.Page) == nil):
		subcode = subcodeLostRole
	default:
		return nil
	}
	const layout = "Monday, 02-Jan-06 15:04:05 MST"
	text := cmp.Or(map[int]string{
		subcodeAppRemoved:   "The user has not authorized application " + s.cfg.AppID + ".",
		subcodeCheckpointed: "You cannot access the app till you log in to www.facebook.com and follow the instructions given.",
		subcodeEnrolled:     "The user is enrolled in a blocking, logged-in checkpoint",
		subcodeUnconfirmed:  "Sessions for the user are not allowed because the user is not a confirmed user.",
		subcodePasswordChanged: "The session has been invalidated because the user changed their password or " +
			"Facebook has changed the session for security reasons.",
		subcodeExpired: fmt.Sprintf("Session has expired on %s. The current time is %s.",
			t.Expires.UTC().Format(layout), now.UTC().Format(layout)),
		subcodeLostRole: "The user must be an administrator, editor, or moderator of the page in order to impersonate it.",
	}[subcode], "The session has been invalidated.")
	const message = "Error validating access token: "
	return &apiError{status: http.StatusUnauthorized, Code: 190, Subcode: subcode, Message: message + text}
}

// checkProof checks the proof in either documented form: HMAC(token), or HMAC(token|time) along
// with appsecret_time, good for five minutes.
func (s *Sim) checkProof(c *call) error {
	text, good := c.token.Value, true
	if stamp := c.param("appsecret_time"); stamp != "" {
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		good = err == nil && c.now.Sub(time.Unix(seconds, 0)).Abs() <= proofTimeLimit
		text += "|" + stamp
	}
	proof := hex.EncodeToString(mac(sha256.New, s.cfg.AppSecret, []byte(text)))
	if !good || c.param("appsecret_proof") != proof {
		return methodError(0, "Invalid appsecret_proof provided in the API argument")
	}
	return nil
}

// checkDataAccess refuses what needs data access once 90 days have passed since the consent. From
// then on the person is still known (debug_token says is_valid; GET /me, /me/permissions, an
// upgrade and a revocation work), but businesses, Pages, their subscriptions and messages are
// closed, to Page tokens too: see "Authentication Versus Data Access" in Meta's documentation. It
// names no error; 190/493 with this message is what developers report.
func (c *call) checkDataAccess() error {
	if c.consent == nil || c.now.Before(c.consent.dataAccessEnds()) {
		return nil
	}
	const message = "The access token is invalid since the user hasn't engaged the app in longer than 90 days."
	return &apiError{Code: 190, Subcode: subcodeDataAccess, Message: message}
}

// missingObject is Meta's answer for an id that does not exist or may not be seen: it does not
// say which.
func (c *call) missingObject() error {
	const format = "Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing " +
		"permissions, or does not support this operation"
	return methodError(33, format, strings.ToLower(c.r.Method), c.id)
}
