// Package identity finds out who the app's user is, by what a request brought
// along. It decides nothing else: what the user may do is the flows' business,
// and who operates the deployment is lib/web's. Start at [Supabase.CurrentUser].
package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

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

const maxChunks = 32 // about 100 KB, far above what a session needs

// SessionToken returns the access token in the cookie that @supabase/ssr writes
// under the given name, and reports whether there is one. The cookie holds base64url of
// JSON behind "base64-", or the percent-encoded JSON itself (cookieEncoding
// "raw"), whole or in chunks name.0, name.1… One that can't be read counts as
// absent.
//
// Nothing is verified but that the browser knows one person: a page of another
// subdomain can set a cookie of the same name for the whole domain, and browsers
// may send that one first. Where two cookies name two users there is no session.
// https://github.com/supabase/ssr
func SessionToken(cookies []*http.Cookie, name string) (secret.String, bool) {
	whole := values(cookies, name)
	inChunks, ok := joined(cookies, name)
	if !ok {
		return secret.String{}, false
	}
	// The first token counts; the others are only compared with it. A whole
	// cookie hides the chunks, even one that can't be read.
	var tokens []secret.String
	for i, value := range append(whole, inChunks) {
		counts := i < len(whole) || len(whole) == 0 || len(tokens) > 0
		if token := tokenIn(value); counts && !token.Empty() {
			tokens = append(tokens, token)
		}
	}
	if len(tokens) == 0 {
		return secret.String{}, false
	}
	first, _ := Subject(tokens[0])
	ofAnother := func(token secret.String) bool { user, _ := Subject(token); return user != first }
	if slices.ContainsFunc(tokens[1:], ofAnother) {
		return secret.String{}, false
	}
	return tokens[0], true
}

// tokenIn returns the access token in the value of a whole cookie; empty where
// it can't be read.
func tokenIn(value string) secret.String {
	text, encoded := strings.CutPrefix(value, "base64-")
	if encoded {
		plain, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil {
			return secret.String{}
		}
		text = string(plain)
	} else if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	var session struct {
		Token secret.String `json:"access_token"`
	}
	if json.Unmarshal([]byte(text), &session) != nil {
		return secret.String{}
	}
	return session.Token
}

// joined returns the chunks up to the first gap; not if one comes twice with
// different values.
func joined(cookies []*http.Cookie, name string) (string, bool) {
	var value strings.Builder
	for i := range maxChunks {
		chunk := values(cookies, name+"."+strconv.Itoa(i))
		if len(chunk) != 1 {
			return value.String(), len(chunk) == 0
		}
		value.WriteString(chunk[0])
	}
	return value.String(), true
}

// values returns the different values, other than empty ones, of a cookie.
func values(cookies []*http.Cookie, name string) []string {
	var all []string
	for _, cookie := range cookies {
		if cookie.Name == name && cookie.Value != "" && !slices.Contains(all, cookie.Value) {
			all = append(all, cookie.Value)
		}
	}
	return all
}

// Subject reads the user's id from a session token without verifying anything,
// and reports whether there is one.
func Subject(token secret.String) (string, bool) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return "", false
	}
	var claims struct {
		Subject uuid.UUID `json:"sub"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Subject == uuid.Nil {
		return "", false
	}
	return claims.Subject.String(), true
}
