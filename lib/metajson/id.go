// Package metajson reads JSON as Meta writes it, in answers of the Graph API and
// in webhook deliveries: ids as texts or as numbers beyond 2^53, times in seconds
// or milliseconds, one thing in several shapes, and text that PostgreSQL refuses.
//
// The types are for fields of structs that [encoding/json] decodes into. Start
// with [ID] and [Storable].
package metajson

import (
	"encoding/json"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ID is an id that comes as a text or as a whole number. Ids go into paths and
// names, so decoding anything else is an error; null leaves the ID empty.
type ID string

var (
	plainID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	digits  = regexp.MustCompile(`^[0-9]{1,64}$`)
)

// UnmarshalJSON takes 1 to 64 letters, digits, "_" and "-", or digits alone.
func (i *ID) UnmarshalJSON(data []byte) error {
	var text string
	switch {
	case string(data) == "null":
		return nil
	case digits.Match(data):
		text = string(data)
	case json.Unmarshal(data, &text) != nil || !plainID.MatchString(text):
		return errors.New("not an id")
	}
	*i = ID(text)
	return nil
}

// LenientID is an [ID], also one that was written as a float. Anything else is
// as if absent: one bad event of a webhook delivery must not cost the others.
type LenientID string

// UnmarshalJSON returns no error.
func (i *LenientID) UnmarshalJSON(data []byte) error {
	text, quoted := unquoted(data)
	switch {
	case digits.Match(text) || quoted && plainID.Match(text):
		*i = LenientID(text)
	case !quoted:
		*i = LenientID(wholeFloat(string(text)))
	}
	return nil
}

func unquoted(data []byte) (text []byte, quoted bool) {
	if len(data) > 1 && data[0] == '"' {
		return data[1 : len(data)-1], true
	}
	return data, false
}

// wholeFloat is the whole number that a float stands for, or "".
func wholeFloat(text string) string {
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if len(text) > 40 || len(strings.TrimLeft(exponent, "+-0")) > 2 {
		return "" // it would take long to write down
	}
	number, ok := new(big.Rat).SetString(text)
	if ok && number.IsInt() && digits.MatchString(number.Num().String()) {
		return number.Num().String()
	}
	return ""
}

// List is a list of which each entry is decoded by itself: an odd one costs no
// other. Entries is nil where there was no list.
type List[T any] struct {
	Entries []T
	Odd     int // how many could not be decoded, and were left out
}

// UnmarshalJSON returns an error for anything but a list or null.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil || raw == nil {
		return err
	}
	l.Entries = make([]T, 0, len(raw))
	for _, entry := range raw {
		var decoded T
		if json.Unmarshal(entry, &decoded) != nil {
			l.Odd++
			continue
		}
		l.Entries = append(l.Entries, decoded)
	}
	return nil
}

// Code is a number that says what an error is, written as a number or a text.
// What is neither counts as 0.
type Code int

// UnmarshalJSON returns no error.
func (c *Code) UnmarshalJSON(data []byte) error {
	text, _ := unquoted(data)
	n, _ := strconv.Atoi(string(text))
	*c = Code(n)
	return nil
}

var plainName = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// PlainNames drops what is not the name of a permission or a webhook field, for
// such names go into tables. It changes the slice that it is given.
func PlainNames(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !plainName.MatchString(name) })
}

// FieldName is the name of a webhook field, which Meta writes as a text or as an
// object with a version.
type FieldName string

// UnmarshalJSON returns an error for anything else.
func (f *FieldName) UnmarshalJSON(data []byte) error {
	var named struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(data, &named) == nil {
		*f = FieldName(named.Name)
		return nil
	}
	return json.Unmarshal(data, (*string)(f))
}

// Confirmation is how Meta says yes: {"success":true} or a bare true.
type Confirmation bool

// UnmarshalJSON returns an error for any other shape.
func (c *Confirmation) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, (*bool)(c)) == nil {
		return nil
	}
	var answer struct {
		Success bool `json:"success"`
	}
	err := json.Unmarshal(data, &answer)
	*c = Confirmation(answer.Success)
	return err
}
