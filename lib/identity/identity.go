// Package identity finds out who the app's user is, by what a request brought
// along. It decides nothing else: what the user may do is the flows' business,
// and who operates the deployment is lib/web's. Start at [Supabase.CurrentUser].
package identity

import (
	"context"
	"errors"
	"net/http"

	"igconnect/lib/secret"
)

// ErrSignedOut says that a request brought no session, or one that is nobody's:
// expired, forged, or its user is gone or banned.
var ErrSignedOut = errors.New("signed out")

// Credentials are what a request brought along to say whose it is. Nothing else
// in a request says who somebody is: an id or an e-mail address in a query never
// does.
type Credentials struct {
	Bearer  *secret.String // of a script's Authorization header, which a browser never sends by itself; else nil
	Form    *secret.String // the form field access_token of a POST; nil for other methods
	Cookies []*http.Cookie
}

// Supabase knows the users of a Supabase project by their sessions.
type Supabase struct {
	// CookieName is the cookie of @supabase/ssr.
	CookieName string
	// Verify asks Supabase Auth whose session a token is, and returns the user's
	// id, or [ErrSignedOut]. It must be set.
	Verify func(ctx context.Context, token secret.String) (user string, err error)
}

// CurrentUser returns the id of the user whose verified session came along: as a
// script's Bearer, else in the form of a POST, else in the cookie. The error is
// [ErrSignedOut], or that of Verify.
func (s Supabase) CurrentUser(ctx context.Context, c Credentials) (string, error) {
	var token secret.String
	switch {
	case c.Bearer != nil:
		token = *c.Bearer
	case c.Form != nil:
		token = *c.Form
	default:
		token, _ = SessionToken(c.Cookies, s.CookieName)
	}
	if token.Empty() {
		return "", ErrSignedOut
	}
	return s.Verify(ctx, token)
}

// BrowserUser returns the user of the session cookie without verifying it, and
// reports whether there is one: good for noticing that somebody else has signed
// in meanwhile, and for nothing else.
func (s Supabase) BrowserUser(cookies []*http.Cookie) (user string, ok bool) {
	token, ok := SessionToken(cookies, s.CookieName)
	if !ok {
		return "", false
	}
	return Subject(token)
}
