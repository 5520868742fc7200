// Package leaks searches what a run put out for the secrets that went into it: as they are, and
// in each encoding that anybody can undo. It finds secrets that are known to the caller; it
// doesn't recognise a secret by its looks.
//
// Start with [Find] to search a text, or [NewSearch] to search many. A test starts with
// [NewWatch], a package of tests with [Main]:
//
//	func TestMain(m *testing.M) { os.Exit(leaks.Main(m.Run)) }
//
//	func TestLogin(t *testing.T) {
//		t.Parallel()
//		watch := leaks.NewWatch(t)
//		watch.Know(map[string]string{"FB_APP_SECRET": appSecret})
//		app.Log = slog.New(slog.NewJSONHandler(watch.LogWriter(), nil))
//		server := httptest.NewServer(watch.Responses(handler))
package leaks

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Leak is one place where a secret stands.
type Leak struct {
	Secret string // its name
	Form   string // its encoding: "plain", "hex", ...
	At     int    // offset in the text, in bytes

	around string
}

// String shows the text next to the secret, without the secret.
func (l Leak) String() string {
	return fmt.Sprintf("%s (%s) at %d: %q", l.Secret, l.Form, l.At, l.around)
}

// Find returns where in text the secrets stand, given by name: the first place of each encoding
// of each secret. It panics as [NewSearch] does.
func Find(text []byte, secrets map[string]string) []Leak { return NewSearch(secrets).In(text) }

// Numbered names secrets of one kind: "token 1", "token 2".
func Numbered(kind string, values []string) map[string]string {
	secrets := make(map[string]string, len(values))
	for i, value := range values {
		secrets[fmt.Sprint(kind, " ", i+1)] = value
	}
	return secrets
}

// Search looks for the same secrets in many texts, in one pass over each.
type Search struct {
	needles []needle
	byStart map[uint64][]int // indexes of needles by their first eight bytes
	begins  [1 << 16]bool    // whether a needle begins with bytes of this hash
}

// NewSearch prepares a search for secrets, given by name. It panics if a secret has fewer than
// eight bytes: it would be found by chance.
func NewSearch(secrets map[string]string) *Search {
	s := &Search{byStart: map[uint64][]int{}}
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		if len(secrets[name]) < startLength {
			panic("leaks: " + name + " is too short to be searched for")
		}
		known := map[string]bool{}
		for _, n := range encodings(secrets[name]) {
			if known[n.text] { // encodings that look the same are one form
				continue
			}
			known[n.text], n.secret = true, name
			first := binary.LittleEndian.Uint64([]byte(n.text))
			s.byStart[first] = append(s.byStart[first], len(s.needles))
			s.begins[hash(first)] = true
			s.needles = append(s.needles, n)
		}
	}
	return s
}

// startLength is how many bytes of a needle are looked up at once.
const startLength = 8

// hash is a quick one: at most places of a text no needle begins.
func hash(first uint64) uint16 { return uint16(first * 0x9E3779B97F4A7C15 >> 48) }

// In returns where in text the secrets stand: the first place of each encoding of each secret.
func (s *Search) In(text []byte) []Leak {
	var found []Leak
	seen := map[int]bool{}
	for at := 0; at+startLength <= len(text); at++ {
		first := binary.LittleEndian.Uint64(text[at:])
		if !s.begins[hash(first)] {
			continue
		}
		for _, i := range s.byStart[first] {
			n := s.needles[i]
			end := at + len(n.text)
			if seen[i] || end > len(text) || string(text[at:end]) != n.text {
				continue
			}
			seen[i] = true
			const width = 40
			around := string(text[max(0, at-width):at]) + "[…]" + string(text[end:min(len(text), end+width)])
			found = append(found, Leak{n.secret, n.form, at, around})
		}
	}
	return found
}

// needle is a secret in one encoding.
type needle struct{ secret, form, text string }

// prefixLength is how many bytes of a truncated secret still count as the secret.
const prefixLength = 24

var escapes = regexp.MustCompile("%[0-9A-F]{2}")

// encodings returns the forms in which a secret can stand in a text: as it is, as URLs, JSON and
// HTML write it, in hex, in base64 whatever stands before it there, and the first bytes of a long
// one, which a length limit may have left.
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
	return forms
}
