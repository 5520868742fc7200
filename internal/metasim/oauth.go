package metasim

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const (
	codeLife = 10 * time.Minute
	longLife = 60 * 24 * time.Hour
)

type tokenKind string

const (
	userToken tokenKind = "USER"
	pageToken tokenKind = "PAGE"
	appToken  tokenKind = "APP"
)

// token is one that was handed out, or the app's own. What is exported is for Keep.
type token struct {
	Value   string `json:"-"` // the key of Sim.tokens
	Kind    tokenKind
	Person  string // id
	Page    string // id, of a Page token
	Parent  string // value of the user token that a Page token was fetched with
	Long    bool   // a user token from an upgrade, not from a code
	Issued  time.Time
	Expires time.Time // zero: never
	Ended   int       // the subcode of 190 that ended it; 0 while it lives
}

// code is one that the dialog handed out.
type code struct {
	person, redirectURI string
	issued              time.Time
	used                bool
}

func (s *Sim) issueCode(person, redirectURI string, now time.Time) string {
	value := "AQ" + random(letters, 240)
	s.codes[value] = &code{person: person, redirectURI: redirectURI, issued: now}
	s.secrets = append(s.secrets, value)
	return value
}

// issue hands t out, with a value if it has none.
func (s *Sim) issue(t token) *token {
	if t.Value == "" {
		t.Value = "EAA" + random(letters, 176)
	}
	if s.tokens[t.Value] == nil {
		s.secrets = append(s.secrets, t.Value)
	}
	s.tokens[t.Value] = &t
	return &t
}

// issueLong hands out a 60-day token; its last minute is cut off, so that expires_in is no round
// number to rely on.
func (s *Sim) issueLong(person string, now time.Time) *token {
	expires := now.Truncate(time.Minute).Add(longLife)
	return s.issue(token{Kind: userToken, Person: person, Issued: now, Expires: expires, Long: true})
}

// issuePage hands out the token of a Page, the same one each time for the same user token. It
// never expires if user is long-lived, and with it if not.
func (s *Sim) issuePage(user *token, p *Page, now time.Time) *token {
	for _, t := range s.tokens {
		if t.Page == p.ID && t.Parent == user.Value && (p.Token == "" || p.Token == t.Value) {
			return t
		}
	}
	t := token{Kind: pageToken, Value: p.Token, Person: user.Person, Page: p.ID, Parent: user.Value, Issued: now}
	if !user.Long {
		t.Expires = user.Expires
	}
	return s.issue(t)
}

// tokenAnswer is the answer of oauth/access_token.
func (c *call) tokenAnswer(t *token) object {
	o := object{"access_token": t.Value, "token_type": "bearer"}
	if !c.fault.NoExpiry {
		o["expires_in"] = int64(t.Expires.Sub(c.now) / time.Second)
	}
	return o
}

// exchange turns a code into a short-lived token. Only a success uses the code up. Meta's short
// tokens expire on the full hour, one to two hours ahead.
func (s *Sim) exchange(c *call) (any, error) {
	redirectURI, value := c.param("redirect_uri"), c.param("code")
	known := s.codes[value]
	switch {
	case redirectURI == "":
		return nil, errorf(191, "Missing redirect_uri parameter.")
	case value == "":
		return nil, errorf(1, "Missing authorization code")
	case known == nil:
		return nil, errorf(100, "Invalid verification code format.")
	case known.redirectURI != redirectURI:
		return nil, errorf(100, "Error validating verification code. Please make sure your "+
			"redirect_uri is identical to the one you used in the OAuth dialog request")
	case known.used:
		return nil, &apiError{Code: 100, Subcode: 36009, Message: "This authorization code has been used."}
	case c.now.Sub(known.issued) >= codeLife:
		return nil, &apiError{Code: 100, Subcode: 36007, Message: "This authorization code has expired."}
	}
	known.used = true
	short := s.issue(token{Kind: userToken, Person: known.person, Issued: c.now})
	short.Expires = c.now.Truncate(time.Hour).Add(2 * time.Hour)
	return c.tokenAnswer(short), nil
}

// SetRenewalExtends says whether upgrading a token that is long-lived already gives 60 days from
// now, as it does by default, or a new string for the time that is left. Which of them Meta does
// is unconfirmed.
func (s *Sim) SetRenewalExtends(on bool) { s.locked(func() { s.renewalKeepsExpiry = !on }) }

// upgrade turns a live user token, short or long, into a new long-lived one. The old one stays
// valid.
func (s *Sim) upgrade(c *call) (any, error) {
	value := c.param("fb_exchange_token")
	if value == "" {
		return nil, errorf(1, "fb_exchange_token parameter not specified")
	}
	t := s.tokens[value]
	if t != nil && t.Kind != userToken {
		return nil, errUnknownToken
	}
	if err := s.tokenError(t, c.now); err != nil {
		return nil, err
	}
	renewed := s.issueLong(cmp.Or(c.fault.Person, t.Person), c.now)
	if t.Long && s.renewalKeepsExpiry {
		renewed.Expires = t.Expires
	}
	return c.tokenAnswer(renewed), nil
}

func (s *Sim) debugToken(c *call) (any, error) {
	if c.token.Kind != appToken {
		return nil, errorf(100, "(#100) You must provide an app access token, or a user access token "+
			"that is an owner or developer of the app")
	}
	input := c.query.Get("input_token")
	if input == "" {
		return nil, errorf(100, "(#100) The parameter input_token is required.")
	}
	t, o := s.tokens[input], object{"is_valid": true, "scopes": []string{}}
	if err := s.tokenError(t, c.now); err != nil {
		e := err.(*apiError)
		problem := object{"code": e.Code, "message": e.Message}
		if e.Subcode != 0 {
			problem["subcode"] = e.Subcode
		}
		o["is_valid"], o["error"] = false, problem
	}
	if t != nil {
		s.describeToken(t, o)
	}
	return object{"data": o}, nil
}

// describeToken adds debug_token's view of t to o.
func (s *Sim) describeToken(t *token, o object) {
	o["app_id"], o["application"], o["type"], o["user_id"] = s.cfg.AppID, "Simulated app", t.Kind, t.Person
	o["issued_at"], o["expires_at"] = t.Issued.Unix(), 0
	if !t.Expires.IsZero() {
		o["expires_at"] = t.Expires.Unix()
	}
	if t.Kind == pageToken {
		o["profile_id"] = t.Page
	}
	consent := s.consents[t.Person]
	if consent != nil {
		o["data_access_expires_at"] = consent.dataAccessEnds().Unix()
	}
	if o["is_valid"] == false {
		return
	}
	o["scopes"] = consent.granted()
	if scopes := granularScopes(s.person(t.Person), consent); len(scopes) > 0 {
		o["granular_scopes"] = scopes
	}
}

// granularScopes names, for each permission granted, the Pages or Instagram accounts it was
// granted for: those shared, an account also without its Page, whether /me/accounts lists them or
// not. Who shares all Pages, present and future, gets no target_ids.
func granularScopes(person *Person, consent *consent) []object {
	var pages, accounts []string
	for _, page := range person.Pages {
		if consent.All || !consent.shares(page.ID) {
			continue
		}
		pages = append(pages, page.ID)
		if page.Instagram != nil {
			accounts = append(accounts, page.Instagram.ID)
		}
	}
	if consent != nil && !consent.All {
		for _, id := range consent.Accounts {
			if !slices.Contains(accounts, id) {
				accounts = append(accounts, id)
			}
		}
	}
	var scopes []object
	for _, name := range consent.granted() {
		ids := pages
		switch kind, _, _ := strings.Cut(name, "_"); kind {
		case "pages":
		case "instagram":
			ids = accounts
		default:
			continue // granted for no Page in particular
		}
		scope := object{"scope": name}
		if ids != nil {
			scope["target_ids"] = ids
		}
		scopes = append(scopes, scope)
	}
	return scopes
}
