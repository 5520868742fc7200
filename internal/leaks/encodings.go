package leaks

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// needle is a secret in one encoding.
type needle struct{ secret, form, text string }

// prefixLength is how many bytes of a truncated secret still count as the secret.
const prefixLength = 24

var escapes = regexp.MustCompile("%[0-9A-F]{2}")

// encodings returns the forms in which a secret can stand in a text: as it is, as URLs, JSON and
// HTML write it, in hex, in base64 whatever stands before it there, and the first bytes of a long
// one, which a length limit may have left. Encodings that look the same are one form.
func encodings(secret string) []needle {
	query, hexed := url.QueryEscape(secret), hex.EncodeToString([]byte(secret))
	quoted, _ := json.Marshal(secret)
	forms := []needle{
		{form: "plain", text: secret},
		{form: "URL query", text: query},
		{form: "URL query, lower case", text: escapes.ReplaceAllStringFunc(query, strings.ToLower)},
		{form: "URL path", text: url.PathEscape(secret)},
		{form: "JSON", text: string(quoted[1 : len(quoted)-1])},
		{form: "HTML", text: html.EscapeString(secret)},
		{form: "hex", text: hexed},
		{form: "hex, upper case", text: strings.ToUpper(hexed)},
	}
	if len(secret) >= 2*prefixLength && !strings.Contains(secret, ".") { // all JWTs begin alike
		forms = append(forms, needle{form: "its beginning", text: secret[:prefixLength]})
	}
	// Behind 0, 1 or 2 other bytes. Only whole groups of three bytes encode alike whatever stands
	// beside them: bytes that share a group with a neighbour are left out.
	for _, skip := range []int{0, 2, 1} {
		whole := []byte(secret[skip : skip+(len(secret)-skip)/3*3])
		forms = append(forms, needle{form: "base64", text: base64.RawStdEncoding.EncodeToString(whole)},
			needle{form: "base64url", text: base64.RawURLEncoding.EncodeToString(whole)})
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(forms, func(n needle) bool {
		again := seen[n.text]
		seen[n.text] = true
		return again
	})
}
