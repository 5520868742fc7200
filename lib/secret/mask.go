package secret

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// longWord is a run too long for a word: it may be a token, a key or a code.
var longWord = regexp.MustCompile(`[A-Za-z0-9_|%.~+/=-]{32,}`)

// Mask makes a text that somebody else wrote fit for a log: it takes out the
// given secrets, also URL-encoded, and whatever else looks like a token
// (Meta is known to answer "Malformed access token …"), turns
// control characters into spaces, and keeps 300 bytes.
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
