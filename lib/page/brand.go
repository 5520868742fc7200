package page

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"

	"igconnect/lib/colour"
)

// Brand is whose pages these are. What is empty is left out, or put in neutral words.
type Brand struct {
	Name       string // the app's
	URL        string // where the app is; "" is our own landing page
	LogoURL    string
	Accent     string // #rrggbb: white text can be read on it; "" is the colours of style.css
	SupportURL string
	PrivacyURL string
}

// Top is where the name at the top leads.
func (b Brand) Top() string {
	if b.URL == "" {
		return "/"
	}
	return b.URL
}

// The grounds of public/igconnect/style.css that the accent stands on.
var (
	lightGrounds = []string{"#f7f5f0", "#fffefb", "#fbeadd"}
	darkGrounds  = []string{"#121614", "#1a1f1c", "#382419"}
	darkCard     = darkGrounds[1]
	onDarkAccent = "#101412"
)

// style is the element that puts the accent in the place of style.css's colours; "" without
// one. White stands on the accent itself; where it is text, or on a dark page, a shade of it
// that can be read is taken.
func (b Brand) style() template.HTML {
	accent, ok := colour.Parse(b.Accent)
	if !ok {
		return ""
	}
	soft := accent.Mixed(colour.White, .88)
	link := readable(accent, colour.Black, append(parsed(lightGrounds), soft))
	light := shades(accent, link, link.Mixed(colour.Black, .3), colour.White, soft)

	softDark := hex(darkCard).Mixed(accent, .2)
	bright := readable(accent, colour.White, append(parsed(darkGrounds), softDark, hex(onDarkAccent)))
	dark := shades(bright, bright, bright.Mixed(colour.White, .3), hex(onDarkAccent), softDark)
	return template.HTML("<style>" + light + "@media (prefers-color-scheme:dark){" + dark + "}</style>")
}

func shades(accent, link, strong, on, soft colour.Colour) string {
	return fmt.Sprintf(":root{--accent:%s;--link:%s;--accent-strong:%s;--on-accent:%s;--soft:%s}",
		accent, link, strong, on, soft)
}

// readable is the nearest shade of a colour, towards black or white, that can be read on
// each of the grounds.
func readable(shade, towards colour.Colour, grounds []colour.Colour) colour.Colour {
	for share := 0.0; share <= 1; share += .02 {
		mixed, least := shade.Mixed(towards, share), 21.0
		for _, ground := range grounds {
			least = min(least, colour.Contrast(mixed, ground))
		}
		if least >= 4.5 {
			return mixed
		}
	}
	return towards
}

func parsed(colours []string) []colour.Colour {
	list := make([]colour.Colour, len(colours))
	for i, text := range colours {
		list[i] = hex(text)
	}
	return list
}

// hex is a colour that is written in this file.
func hex(text string) colour.Colour {
	c, _ := colour.Parse(text)
	return c
}

// allowed is the source with which a Content-Security-Policy lets this one style pass.
// https://www.w3.org/TR/CSP3/#framework-hash-source
func allowed(style template.HTML) string {
	content := style[len("<style>") : len(style)-len("</style>")]
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
