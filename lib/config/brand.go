package config

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"igconnect/lib/colour"
)

// maxName bounds the app's name, in letters: it stands in one line of each page.
const maxName = 60

// appName reads the name of the app. It is text, so markup is no problem; what could turn
// around or hide the words beside it is.
func (l *loader) appName() string {
	const variable = "APP_NAME"
	name := l.get(variable)
	switch {
	case utf8.RuneCountInString(name) > maxName:
		l.problem(variable, "is longer than 60 letters")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unseen):
		l.problem(variable, "has a character that nobody sees, such as one that turns the writing around")
	default:
		return name
	}
	return ""
}

// unseen reports whether a character controls the text around it instead of being shown:
// control and format characters and ends of lines. Emoji need their joiner.
func unseen(r rune) bool {
	const joiner = '\u200d'
	return r != joiner && unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
}

// logo reads the address of a picture. Browsers load none over http into a page over https.
func (l *loader) logo(origin string, simulated bool) string {
	const variable = "APP_LOGO_URL"
	address := l.link(variable, origin)
	if strings.HasPrefix(address, "http:") && !simulated {
		l.problem(variable, "must start with https://")
		return ""
	}
	return address
}

// accent reads the colour of buttons, whose text is white.
func (l *loader) accent() string {
	const variable = "APP_ACCENT"
	value := l.get(variable)
	accent, ok := colour.Parse(value)
	switch {
	case value == "":
	case !ok:
		l.problem(variable, "is not a colour like #0c5c4c")
	case colour.Contrast(accent, colour.White) < colour.Readable:
		l.problem(variable, "is too light: white text on it needs a contrast of 4.5")
	default:
		return accent.String()
	}
	return ""
}
