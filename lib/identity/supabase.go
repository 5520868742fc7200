package identity

import (
	"cmp"
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

// Supabase knows the users of a Supabase project by their sessions.
type Supabase struct {
	// CookieName is the cookie of @supabase/ssr.
	CookieName string
	// Verify asks Supabase Auth whose session a token is, and returns the user's
	// id, or [ErrSignedOut]. It must be set.
	Verify func(ctx context.Context, token secret.String) (user string, err error)
}

// maxAsked bounds the calls for one request: more cookies than that are an attack.
const maxAsked = 4

// CurrentUser returns the id of the user whose verified session came along: as a
// script's Bearer, else in the form of a POST, else in the cookie. A session that
// Supabase Auth refuses costs only itself: of several in the cookie the others are
// tried. But a page of another subdomain can set a cookie of the same name for the
// whole domain, so valid sessions of two users are none. The error is
// [ErrSignedOut], or that of Verify.
func (s Supabase) CurrentUser(ctx context.Context, c Credentials) (user string, err error) {
	var sessions []secret.String
	switch {
	case c.Bearer != nil:
		sessions = []secret.String{*c.Bearer}
	case c.Form != nil:
		sessions = []secret.String{*c.Form}
	default:
		sessions = SessionTokens(c.Cookies, s.CookieName)
	}
	asked := 0
	for _, token := range sessions {
		if named, ok := Subject(token); token.Empty() || user != "" && (!ok || named == user) {
			continue
		}
		if asked++; asked > maxAsked {
			return "", ErrSignedOut
		}
		verified, err := s.Verify(ctx, token)
		switch {
		case errors.Is(err, ErrSignedOut):
			continue
		case err != nil:
			return "", err
		case user != "" && user != verified:
			return "", ErrSignedOut
		}
		user = verified
	}
	if user == "" {
		return "", ErrSignedOut
	}
	return user, nil
}

// OnlyOthers reports whether the session cookie names users, and none of them this
// one. Nothing is verified: it is good for noticing that somebody else has signed in
// meanwhile, and for nothing else.
func (s Supabase) OnlyOthers(cookies []*http.Cookie, user string) bool {
	others := false
	for _, token := range SessionTokens(cookies, s.CookieName) {
		named, ok := Subject(token)
		if named == user {
			return false
		}
		others = others || ok
	}
	return others
}

const (
	maxChunks = 32 // about 100 KB, far above what a session needs
	maxJoined = 16 // ways to join chunks: two cookies of four chunks each
)

// SessionTokens returns the access tokens in the cookie that @supabase/ssr writes
// under the given name, those that end last first. The cookie holds base64url of
// JSON behind "base64-", or the percent-encoded JSON itself (cookieEncoding
// "raw"), whole or in chunks name.0, name.1… Nothing is verified, and what can't
// be read counts as absent.
//
// There may be several: browsers keep cookies for the host and for its domain
// apart and send both, in either order, and chunks of an older session may be left
// beside a newer one's.
// https://github.com/supabase/ssr
func SessionTokens(cookies []*http.Cookie, name string) []secret.String {
	var tokens []secret.String
	for _, value := range append(values(cookies, name), joined(cookies, name)...) {
		token := tokenIn(value)
		known := func(other secret.String) bool { return token.Equal(other.Reveal()) }
		if !token.Empty() && !slices.ContainsFunc(tokens, known) {
			tokens = append(tokens, token)
		}
	}
	slices.SortStableFunc(tokens, func(a, b secret.String) int { return cmp.Compare(ends(b), ends(a)) })
	return tokens
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

// joined returns what the chunks, up to the first gap, may be together. Where one
// came with several values each is tried, and any of them may be the last one.
func joined(cookies []*http.Cookie, name string) (all []string) {
	begun := []string{""}
	for i := range maxChunks {
		chunk := values(cookies, name+"."+strconv.Itoa(i))
		if len(begun)*len(chunk) > maxJoined {
			break
		}
		var longer []string
		for _, value := range chunk {
			for _, before := range begun {
				longer = append(longer, before+value)
			}
		}
		all, begun = append(all, longer...), longer // none after a gap
	}
	return all
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
	var claims struct {
		Subject uuid.UUID `json:"sub"`
	}
	if !readClaims(token, &claims) || claims.Subject == uuid.Nil {
		return "", false
	}
	return claims.Subject.String(), true
}

// ends is when a session token ends, in Unix seconds; 0 where it does not say so.
func ends(token secret.String) float64 {
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if !readClaims(token, &claims) {
		return 0
	}
	return claims.Expires
}

func readClaims(token secret.String, claims any) bool {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Unmarshal(payload, claims) == nil
}
