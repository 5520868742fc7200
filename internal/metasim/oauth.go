package metasim

import (
	"cmp"
	"time"
)

const codeLife = 10 * time.Minute

// code is one that the dialog gave out.
type code struct {
	person, redirectURI string
	issued              time.Time
	used                bool
}

// tokenAnswer is the answer of oauth/access_token.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   *int64 `json:"expires_in,omitempty"`
}

func (c *call) tokenAnswer(t *token) tokenAnswer {
	a := tokenAnswer{AccessToken: t.value, TokenType: "bearer"}
	if !c.noExpiry {
		seconds := int64(t.expires.Sub(c.now) / time.Second)
		a.ExpiresIn = &seconds
	}
	return a
}

// newCode gives out a code for person.
func (s *Sim) newCode(person, redirectURI string, now time.Time) string {
	value := "AQ" + randomText(240)
	s.codes[value] = &code{person: person, redirectURI: redirectURI, issued: now}
	s.keepSecret(value)
	return value
}

// checkApp checks client_id and client_secret.
func (s *Sim) checkApp(c *call) error {
	switch {
	case c.param("client_id") == "":
		return &fault{code: 101, message: "Missing client_id parameter."}
	case c.param("client_id") != s.cfg.AppID:
		return &fault{code: 101, message: "Error validating application. Invalid application ID."}
	case c.param("client_secret") == "":
		return &fault{code: 1, message: "Missing client_secret parameter."}
	case c.param("client_secret") != s.cfg.AppSecret:
		return &fault{code: 1, message: "Error validating client secret."}
	}
	return nil
}

// exchange turns a code into a short-lived token. Only a success uses the code
// up.
func (s *Sim) exchange(c *call) (any, error) {
	if err := s.checkApp(c); err != nil {
		return nil, err
	}
	redirectURI, value := c.param("redirect_uri"), c.param("code")
	if redirectURI == "" {
		return nil, &fault{code: 191, message: "Missing redirect_uri parameter."}
	}
	if value == "" {
		return nil, &fault{code: 1, message: "Missing authorization code"}
	}
	known := s.codes[value]
	switch {
	case known == nil:
		return nil, &fault{code: 100, message: "Invalid verification code format."}
	case known.redirectURI != redirectURI:
		return nil, &fault{code: 100, message: "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"}
	case known.used:
		return nil, &fault{code: 100, subcode: 36009, message: "This authorization code has been used."}
	case c.now.Sub(known.issued) >= codeLife:
		return nil, &fault{code: 100, subcode: 36007, message: "This authorization code has expired."}
	}
	known.used = true
	return c.tokenAnswer(s.handShort(known.person, c.now)), nil
}

// SetRenewalExtends says whether upgrading a token that is long-lived already
// gives 60 days from now, as it does by default, or a new string for the time
// that is left. Which of them Meta does is unconfirmed.
func (s *Sim) SetRenewalExtends(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepsExpiry = !on
}

// upgrade turns a live user token, short or long, into a new long-lived one.
// The old one stays valid.
func (s *Sim) upgrade(c *call) (any, error) {
	if err := s.checkApp(c); err != nil {
		return nil, err
	}
	value := c.param("fb_exchange_token")
	if value == "" {
		return nil, &fault{code: 1, message: "fb_exchange_token parameter not specified"}
	}
	t := s.tokens[value]
	if t == nil || t.kind != userToken {
		return nil, errUnknownToken
	}
	if subcode := s.subcode(t, c.now); subcode != 0 {
		return nil, s.tokenFault(t, subcode, c.now)
	}
	renewed := s.handLong(cmp.Or(c.renewAs, t.person), c.now)
	if t.long && s.keepsExpiry {
		renewed.expires = t.expires
	}
	return c.tokenAnswer(renewed), nil
}
