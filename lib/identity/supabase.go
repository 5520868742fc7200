package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
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

// CurrentUser implements [Source]: the session is a script's Bearer, else in the form of a
// POST, else in the cookie.
func (s Supabase) CurrentUser(ctx context.Context, c Credentials) (user string, err error) {
	return oneUser(ctx, c.tokens(s.inCookie), Subject, s.Verify)
}

// OnlyOthers implements [Source].
func (s Supabase) OnlyOthers(cookies []*http.Cookie, user string) bool {
	return onlyOthers(s.inCookie(cookies), Subject, user)
}

func (s Supabase) inCookie(cookies []*http.Cookie) []secret.String {
	return SessionTokens(cookies, s.CookieName)
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
	return latestFirst(tokens)
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

// Subject reads the user's id from a session token without verifying anything,
// and reports whether there is one.
func Subject(token secret.String) (string, bool) {
	text, _ := unverified(token).text("sub")
	user, err := uuid.Parse(text)
	if err != nil || user == uuid.Nil {
		return "", false
	}
	return user.String(), true
}
