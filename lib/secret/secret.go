// Package secret holds values that must not be printed by accident: [String] for
// those that we know, [Mask] for texts of others that may contain some. It does
// not protect memory, and what [String.Reveal] returns is in the caller's hands.
package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

const mask = "[secret]"

// String is a token, key, code or password. Formatting, logging and encoding
// it shows only a mask; Reveal is the one way to the value. The zero String is
// empty. The value sits behind a pointer, because fmt prints unexported fields
// of other structs without asking their methods: it then finds an address.
type String struct {
	_     [0]func() // == would compare addresses: use Equal
	value *string
}

// New wraps value.
func New(value string) String { return String{value: &value} }

// Reveal returns the value itself, for the request or row that needs it.
func (s String) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s String) Empty() bool { return s.Reveal() == "" }

// Equal reports whether somebody sent the same value, in constant time. An empty secret
// equals nothing, not even an empty value: a missing setting lets nobody in.
func (s String) Equal(sent string) bool {
	return !s.Empty() && subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(sent)) == 1
}

// MAC returns the HMAC-SHA256 of the message, keyed with the secret.
func (s String) MAC(message []byte) []byte {
	h := hmac.New(sha256.New, []byte(s.Reveal()))
	h.Write(message)
	return h.Sum(nil)
}

func (String) String() string               { return mask }
func (String) LogValue() slog.Value         { return slog.StringValue(mask) }
func (String) MarshalText() ([]byte, error) { return []byte(mask), nil }

// Format serves every verb of fmt, so that %x or %q show the mask as well.
func (String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// UnmarshalJSON takes a JSON string, so that answers decode straight into a
// String; null leaves it empty.
func (s *String) UnmarshalJSON(data []byte) error {
	var value string
	if err := json.Unmarshal(data, &value); err != nil {
		return fmt.Errorf("decoding a secret: not a JSON string") // err quotes the input
	}
	*s = New(value)
	return nil
}

// longWord is a run too long for a word: it may be a token, a key or a code.
var longWord = regexp.MustCompile(`[A-Za-z0-9_|%.~+/=-]{32,}`)

// Mask makes a text that somebody else wrote fit for a log: it takes out the known
// secrets, also URL-encoded, and whatever else looks like a token (Meta is known
// to answer "Malformed access token …"), turns control characters into spaces, so
// that nobody can forge a line, and keeps 300 bytes.
func Mask(text string, known ...String) string {
	for _, s := range known {
		if !s.Empty() {
			text = strings.ReplaceAll(text, s.Reveal(), mask)
			text = strings.ReplaceAll(text, url.QueryEscape(s.Reveal()), mask)
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	text = longWord.ReplaceAllString(text, "[…]")
	if len(text) > 300 {
		text = text[:300] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
