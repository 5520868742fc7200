package connect

import (
	"fmt"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// Grant is what a person has granted in a login: with it accounts are saved
// without another dialog. It waits in the browser, sealed, while the person
// chooses or Supabase recovers.
type Grant struct {
	Flow    string
	User    string
	Options LoginOptions
	Token   graph.Token
	Begun   time.Time // when Meta granted it: it lasts ten minutes, however often it is sealed again
	Chosen  []string  // Instagram ids; none before the person has chosen
}

// NewGrant is the grant of a login that Meta has just confirmed.
func (s *Service) NewGrant(state State, token graph.Token) Grant {
	return Grant{Flow: state.Flow(), User: state.User, Options: state.LoginOptions, Token: token, Begun: s.Now()}
}

// sealedGrant is a Grant as the cookie holds it: the one place where its token
// is written out.
type sealedGrant struct {
	User    string   `json:"user"`
	Token   string   `json:"token"`
	Expires int64    `json:"expires,omitempty"` // Unix seconds
	Begun   int64    `json:"begun"`             // Unix seconds
	Chosen  []string `json:"chosen,omitempty"`
	LoginOptions
}

// keepGrant leaves the grant in the browser, sealed.
func (s *Service) keepGrant(jar *sealed.Jar, g Grant) error {
	kept := sealedGrant{User: g.User, LoginOptions: g.Options, Token: g.Token.Value.Reveal(), Begun: g.Begun.Unix(), Chosen: g.Chosen}
	if !g.Token.Expires.IsZero() {
		kept.Expires = g.Token.Expires.Unix()
	}
	return s.grants.Set(jar, g.Flow, kept)
}

// OpenGrant opens the grant that waits for the named login in this browser, or
// the newest one where flow is empty. The error is [ErrState] or [ErrExpired].
func (s *Service) OpenGrant(jar *sealed.Jar, flow string) (Grant, error) {
	var (
		kept sealedGrant
		err  error
	)
	if flow == "" {
		flow, kept, err = s.grants.Newest(jar)
	} else {
		kept, err = s.grants.Get(jar, flow)
	}
	if err != nil {
		return Grant{}, unsealing(err)
	}
	g := Grant{
		Flow: flow, User: kept.User, Options: kept.LoginOptions, Token: graph.Token{Value: secret.New(kept.Token)},
		Begun: time.Unix(kept.Begun, 0), Chosen: kept.Chosen,
	}
	if kept.Expires != 0 {
		g.Token.Expires = time.Unix(kept.Expires, 0)
	}
	if s.Now().Sub(g.Begun) > sealed.Lifetime {
		return Grant{}, fmt.Errorf("%w: the grant has waited too long", ErrExpired)
	}
	return g, nil
}
