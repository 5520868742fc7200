package store

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"igconnect/lib/secret"
)

// maxChunks is far above what a session needs: about 100 KB.
const maxChunks = 32

// Session finds the access token in the cookie that @supabase/ssr writes under
// the given name: base64url of JSON behind "base64-", or the percent-encoded
// JSON itself (cookieEncoding "raw"), whole or in chunks name.0, name.1… A
// cookie that cannot be read is as if absent. Nothing is checked here.
func Session(r *http.Request, name string) (secret.String, bool) {
	var session struct {
		Token secret.String `json:"access_token"`
	}
	value := joined(r, name)
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

// joined returns the cookie's value: the whole one if it is not empty, else
// the chunks up to the first gap.
func joined(r *http.Request, name string) string {
	if cookie, err := r.Cookie(name); err == nil && cookie.Value != "" {
		return cookie.Value
	}
	var value strings.Builder
	for i := range maxChunks {
		chunk, err := r.Cookie(name + "." + strconv.Itoa(i))
		if err != nil || chunk.Value == "" {
			break
		}
		value.WriteString(chunk.Value)
	}
	return value.String()
}
