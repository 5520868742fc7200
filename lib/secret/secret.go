// Package secret holds values that must not be printed by accident.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// mask is what every printing of a String shows.
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

// Empty tells whether there is no value.
func (s String) Empty() bool { return s.Reveal() == "" }

// Equal compares with what somebody sent, in constant time. An empty secret
// equals nothing, not even an empty value: a missing setting opens no door.
func (s String) Equal(sent string) bool {
	return !s.Empty() && subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(sent)) == 1
}

func (String) String() string               { return mask }
func (String) GoString() string             { return mask }
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
