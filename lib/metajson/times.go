package metajson

import (
	"strconv"
	"strings"
	"time"
)

// Moment is a time in seconds or milliseconds since 1970 as Meta wrote it, as a
// number or a text. What is neither leaves it empty.
type Moment string

// UnmarshalJSON returns no error.
func (m *Moment) UnmarshalJSON(data []byte) error {
	if text, _ := unquoted(data); digits.Match(text) {
		*m = Moment(text)
	}
	return nil
}

// Or returns the time; that of the other Moment where m holds none; zero where
// neither does, or where the time is beyond the year 9999.
func (m Moment) Or(other Moment) time.Time {
	for _, text := range []Moment{m, other} {
		n, err := strconv.ParseInt(string(text), 10, 64)
		switch {
		case err != nil || n <= 0:
		case n < 1e11: // as milliseconds it is before 1973, as seconds before the year 5138
			return Unix(n)
		case n/1000 <= lastSecond:
			return time.UnixMilli(n).UTC()
		default:
			return time.Time{}
		}
	}
	return time.Time{}
}

// ToSecond is the moment in whole seconds, cut off rather than rounded.
func (m Moment) ToSecond() string {
	if n, err := strconv.ParseInt(string(m), 10, 64); err == nil && n >= 1e11 {
		return string(m[:len(m)-3])
	}
	return string(m)
}

// lastSecond ends the year 9999: JSON, and so a table, takes no later time.
const lastSecond = 253402300799

// Unix returns the time that many seconds after 1970, in UTC; zero where it is
// not after 1970 or beyond the year 9999. Meta writes 0 for "never".
func Unix(seconds int64) time.Time {
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Seconds is a length of time in seconds, written as a number or a text. What is
// neither, or negative, counts as 0; ten years are the most.
type Seconds int64

const mostSeconds = int64(10 * 365 * 24 * time.Hour / time.Second) // a Duration holds no 300 years

// UnmarshalJSON returns no error.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 64)
	if err != nil || n < 0 {
		n = 0
	}
	*s = Seconds(min(n, mostSeconds))
	return nil
}

// Duration returns the length of time.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }
