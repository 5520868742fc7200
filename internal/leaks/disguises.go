package leaks

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"strings"
)

// beginning is how much of a cut secret is still one.
const beginning = 24

// needle is one form of a secret.
type needle struct {
	secret, form string
	text         []byte
}

// disguises returns the forms in which a secret could stand in a text: as it
// is, as URLs, JSON and HTML spell it, in hex, and in base64 whatever stands
// before it there; and the beginning of a long one, which a length limit may
// have left. What looks the same is one form.
func disguises(secret string) []needle {
	quoted, _ := json.Marshal(secret)
	forms := []needle{
		{form: "plain", text: []byte(secret)},
		{form: "URL query", text: []byte(url.QueryEscape(secret))},
		{form: "URL query, lower case", text: []byte(lowerEscapes(url.QueryEscape(secret)))},
		{form: "URL path", text: []byte(url.PathEscape(secret))},
		{form: "JSON", text: quoted[1 : len(quoted)-1]},
		{form: "HTML", text: []byte(html.EscapeString(secret))},
		{form: "hex", text: []byte(hex.EncodeToString([]byte(secret)))},
		{form: "hex, upper case", text: []byte(strings.ToUpper(hex.EncodeToString([]byte(secret))))},
	}
	if len(secret) >= 2*beginning && !strings.Contains(secret, ".") { // all JWTs begin alike
		forms = append(forms, needle{form: "its beginning", text: []byte(secret[:beginning])})
	}
	forms = append(forms, inBase64("base64", base64.RawStdEncoding, secret)...)
	forms = append(forms, inBase64("base64url", base64.RawURLEncoding, secret)...)

	seen := map[string]bool{}
	distinct := forms[:0]
	for _, form := range forms {
		if !seen[string(form.text)] {
			seen[string(form.text)] = true
			distinct = append(distinct, form)
		}
	}
	return distinct
}

// inBase64 returns what the encoded secret looks like behind 0, 1 or 2 other
// bytes. Only whole groups of three bytes encode alike in any company: those
// that share a group with a neighbour are left out.
func inBase64(name string, encoding *base64.Encoding, secret string) []needle {
	var forms []needle
	for _, skip := range []int{0, 2, 1} {
		whole := secret[skip : skip+(len(secret)-skip)/3*3]
		forms = append(forms, needle{form: name, text: []byte(encoding.EncodeToString([]byte(whole)))})
	}
	return forms
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(escaped string) string {
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		if escaped[i] == '%' && i+2 < len(escaped) {
			b.WriteString(strings.ToLower(escaped[i : i+3]))
			i += 2
			continue
		}
		b.WriteByte(escaped[i])
	}
	return b.String()
}
