package graph

import (
	"math/big"
	"strconv"
	"strings"
	"time"
)

// wireID is an id in a webhook delivery: a text or a whole number, also one
// that was written as a float. Anything else is as if absent: one bad event
// must not cost the others.
type wireID string

func (i *wireID) UnmarshalJSON(data []byte) error {
	text, quoted := unquoted(data)
	switch {
	case digits(text) || quoted && plainText.Match(text):
		*i = wireID(text)
	case !quoted:
		*i = wireID(wholeFloat(string(text)))
	}
	return nil
}

// unquoted takes the quotes off a JSON text.
func unquoted(data []byte) (text []byte, quoted bool) {
	if len(data) > 1 && data[0] == '"' {
		return data[1 : len(data)-1], true
	}
	return data, false
}

// digits tells whether there are 1 to 64 digits and nothing else.
func digits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0 && len(text) <= 64
}

// wholeFloat is the whole number that a float stands for, or "".
func wholeFloat(text string) string {
	_, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if len(text) > 40 || len(strings.TrimLeft(exponent, "+-0")) > 2 { // a larger one would be a large number to write down
		return ""
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok || !number.IsInt() {
		return ""
	}
	if whole := number.Num().String(); digits([]byte(whole)) {
		return whole
	}
	return ""
}

// moment is a time in seconds or milliseconds since 1970, as written: a number
// or a text.
type moment string

func (m *moment) UnmarshalJSON(data []byte) error {
	if text, _ := unquoted(data); digits(text) {
		*m = moment(text)
	}
	return nil
}

// or returns the time, or that of the other moment, or zero.
func (m moment) or(other moment) time.Time {
	for _, text := range []moment{m, other} {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && n > 0 {
			return instant(n)
		}
	}
	return time.Time{}
}

// instant tells seconds from milliseconds: 10^11 ms were in 1973, and 10^11 s
// are in the year 5138.
func instant(n int64) time.Time {
	switch {
	case n < 1e11:
		return time.Unix(n, 0).UTC()
	case n/1000 <= lastSecond:
		return time.UnixMilli(n).UTC()
	}
	return time.Time{}
}
