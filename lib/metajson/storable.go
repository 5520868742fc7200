package metajson

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLevels is how deep a body is read. encoding/json refuses 10,000 levels, PostgreSQL some
// thousands, and with them all that stands beside them.
const maxLevels = 128

// Storable replaces what PostgreSQL's jsonb refuses, wherever it stands in the
// body: bad UTF-8, an escaped NUL, half a surrogate pair, numbers beyond its
// range, and what is nested deeper than 128 levels, which becomes "". Without it
// one odd event would cost the whole delivery, again and again. The body passed in
// stays as it is.
// https://www.postgresql.org/docs/current/datatype-json.html
func Storable(body []byte) []byte {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	s := scanner{body: body}
	for s.at < len(s.body) {
		switch c := s.body[s.at]; {
		case s.quoted && c == '\\':
			s.escape()
		case c == '"':
			s.quoted = !s.quoted
			s.at++
		case !s.quoted && (c == '-' || c >= '0' && c <= '9'):
			s.number()
		case !s.quoted && (c == '[' || c == '{'):
			if s.depth++; s.depth == maxLevels+1 {
				s.tooDeep = s.at
			}
			s.at++
		case !s.quoted && (c == ']' || c == '}'):
			if s.depth--; s.depth == maxLevels {
				s.overwrite(s.tooDeep, s.at+1, `""`)
			}
			s.at++
		default:
			s.at++
		}
	}
	return s.body
}

// scanner walks through JSON and overwrites, in a copy, what cannot be stored.
// Each replacement is as long as what it replaces.
type scanner struct {
	body    []byte
	at      int
	quoted  bool // inside a string
	depth   int
	tooDeep int // where the part begins that is nested too deep
	copied  bool
}

// overwrite puts a replacement and blanks into the place of a part.
func (s *scanner) overwrite(from, to int, replacement string) {
	if !s.copied {
		s.body, s.copied = bytes.Clone(s.body), true
	}
	for i := from + copy(s.body[from:to], replacement); i < to; i++ {
		s.body[i] = ' '
	}
}

// escape looks at a backslash and what follows.
func (s *scanner) escape() {
	unit, ok := s.unit(s.at)
	if !ok {
		s.at = min(s.at+2, len(s.body))
		return
	}
	if next, ok := s.unit(s.at + 6); ok && utf16.DecodeRune(unit, next) != utf8.RuneError {
		s.at += 12
		return
	}
	if unit == 0 || utf16.IsSurrogate(unit) {
		s.overwrite(s.at, s.at+6, `\ufffd`)
	}
	s.at += 6
}

// unit reads an escape of four hexadecimal digits.
func (s *scanner) unit(at int) (rune, bool) {
	if at+6 > len(s.body) || s.body[at] != '\\' || s.body[at+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.body[at+2:at+6]), 16, 32)
	return rune(n), err == nil
}

// number looks at a number: one of more than 1,000 digits, or with an exponent
// of more than three, becomes null.
func (s *scanner) number() {
	end := s.at
	for end < len(s.body) && strings.IndexByte("+-.eE0123456789", s.body[end]) >= 0 {
		end++
	}
	text := s.body[s.at:end]
	exponent := bytes.IndexAny(text, "eE")
	if len(text) > 1000 || exponent >= 0 && len(bytes.TrimLeft(text[exponent+1:], "+-0")) > 3 {
		s.overwrite(s.at, end, "null")
	}
	s.at = end
}

// Depth is how many levels of lists and objects there are in valid JSON, one
// inside the other: 0 for a text or a number.
func Depth(valid []byte) int {
	depth, deepest, quoted := 0, 0, false
	for at := 0; at < len(valid); at++ {
		switch c := valid[at]; {
		case quoted && c == '\\':
			at++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}
