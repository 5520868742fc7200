package store

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"igconnect/lib/secret"
)

// maxChunks is far above what a session needs: about 100 KB.
const maxChunks = 32

// Session finds the access token in the cookie that @supabase/ssr writes under
// the given name: base64url of JSON behind "base64-", or the percent-encoded
// JSON itself (cookieEncoding "raw"), whole or in chunks name.0, name.1… A
// cookie that cannot be read is as if absent.
//
// Nothing is checked here but that the browser knows one person: a page of
// another subdomain can set a cookie of the same name for the whole domain, and
// browsers may send that one first. Where two cookies name two users there is no
// session.
func Session(r *http.Request, name string) (secret.String, bool) {
	whole := values(r, name)
	inChunks, ok := joined(r, name)
	if !ok {
		return secret.String{}, false
	}
	var tokens []secret.String // that the first of them counts is settled; the others are compared with it
	for i, value := range append(whole, inChunks) {
		counts := i < len(whole) || len(whole) == 0 || len(tokens) > 0 // a whole one hides the chunks, even if it is junk
		if token, ok := tokenIn(value); ok && counts {
			tokens = append(tokens, token)
		}
	}
	if len(tokens) == 0 || !ofOneUser(tokens) {
		return secret.String{}, false
	}
	return tokens[0], true
}

func ofOneUser(tokens []secret.String) bool {
	if len(tokens) == 1 {
		return true
	}
	first, _ := Subject(tokens[0])
	return !slices.ContainsFunc(tokens[1:], func(token secret.String) bool {
		user, _ := Subject(token)
		return user != first
	})
}

// tokenIn reads the value of a whole cookie.
func tokenIn(value string) (secret.String, bool) {
	var session struct {
		Token secret.String `json:"access_token"`
	}
	text, encoded := strings.CutPrefix(value, "base64-")
	if encoded {
		plain, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil {
			return secret.String{}, false
		}
		text = string(plain)
	} else if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	if json.Unmarshal([]byte(text), &session) != nil || session.Token.Empty() {
		return secret.String{}, false
	}
	return session.Token, true
}

// joined returns the chunks up to the first gap; not if one comes twice with
// different values.
func joined(r *http.Request, name string) (string, bool) {
	var value strings.Builder
	for i := range maxChunks {
		chunk := values(r, name+"."+strconv.Itoa(i))
		if len(chunk) > 1 {
			return "", false
		}
		if len(chunk) == 0 {
			break
		}
		value.WriteString(chunk[0])
	}
	return value.String(), true
}

// values are the different values, other than empty ones, of a cookie.
func values(r *http.Request, name string) []string {
	var all []string
	for _, cookie := range r.CookiesNamed(name) {
		if cookie.Value != "" && !slices.Contains(all, cookie.Value) {
			all = append(all, cookie.Value)
		}
	}
	return all
}
