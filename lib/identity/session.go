package identity

import (
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

// maxChunks is far above what a session needs: about 100 KB.
const maxChunks = 32

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
