package app

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// Wish is what a person asked a login for.
type Wish struct {
	ReturnTo string `json:"return_to,omitempty"` // where to be afterwards, checked; "" if nowhere in particular
	Explain  bool   `json:"explain,omitempty"`   // show afterwards which Pages gave no account, and why
	Account  string `json:"account,omitempty"`   // Instagram id of the one account to reconnect
}

// State is what a login remembers until Meta sends the browser back.
type State struct {
	State string    `json:"state"` // 32 random bytes; Meta returns it
	User  uuid.UUID `json:"user"`
	Wish
}

// Flow names the login, and what belongs to it, in cookies and forms.
func (s State) Flow() string { return sealed.Flow(s.State) }

// Grant is what waits in the browser, sealed, while the person chooses or
// Supabase recovers: with it an account is saved without another dialog.
type Grant struct {
	User   uuid.UUID
	Wish   Wish
	Token  graph.Token
	Begun  time.Time // when Meta granted it: a grant waits ten minutes, however often it is sealed again
	Chosen []string  // Instagram ids; none before the person has chosen
}

// Granted is the grant of a login that Meta has just confirmed.
func (c *Call) Granted(state State, token graph.Token) Grant {
	return Grant{User: state.User, Wish: state.Wish, Token: token, Begun: c.now()}
}

// sealedGrant is a Grant as the cookie holds it: the one place where the token
// is written out.
type sealedGrant struct {
	User    uuid.UUID `json:"user"`
	Token   string    `json:"token"`
	Expires int64     `json:"expires,omitempty"` // Unix seconds
	Begun   int64     `json:"begun"`             // Unix seconds
	Chosen  []string  `json:"chosen,omitempty"`
	Wish
}

// KeepGrant leaves the grant in the browser, sealed.
func (c *Call) KeepGrant(flow string, g Grant) error {
	kept := sealedGrant{User: g.User, Wish: g.Wish, Token: g.Token.Value.Reveal(), Begun: g.Begun.Unix(), Chosen: g.Chosen}
	if !g.Token.Expires.IsZero() {
		kept.Expires = g.Token.Expires.Unix()
	}
	return c.Grants.Set(c.W, c.R, flow, kept)
}

// OpenGrant opens the grant that waits for the named login in this browser, or
// the newest one. What it was asked for is the call's wish then.
func (c *Call) OpenGrant(flow string) (string, Grant, error) {
	var (
		kept sealedGrant
		err  error
	)
	if flow == "" {
		flow, kept, err = c.Grants.Newest(c.R)
	} else {
		kept, err = c.Grants.Get(c.R, flow)
	}
	switch {
	case err == nil && c.now().Sub(time.Unix(kept.Begun, 0)) > sealed.Lifetime:
		return "", Grant{}, Fail(StateExpired, errors.New("the grant has waited too long"))
	case errors.Is(err, sealed.ErrExpired):
		return "", Grant{}, Fail(StateExpired, err)
	case err != nil:
		return "", Grant{}, Fail(StateMismatch, err)
	}
	c.Wish = kept.Wish
	g := Grant{
		User: kept.User, Wish: kept.Wish, Token: graph.Token{Value: secret.New(kept.Token)},
		Begun: time.Unix(kept.Begun, 0), Chosen: kept.Chosen,
	}
	if kept.Expires != 0 {
		g.Token.Expires = time.Unix(kept.Expires, 0)
	}
	return flow, g, nil
}
