package page

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"

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
	lightGrounds = []colour.Colour{{0xf7, 0xf5, 0xf0}, {0xff, 0xfe, 0xfb}, {0xfb, 0xea, 0xdd}}
	darkGrounds  = []colour.Colour{{0x12, 0x16, 0x14}, {0x1a, 0x1f, 0x1c}, {0x38, 0x24, 0x19}}
	darkCard     = darkGrounds[1]
	onDarkAccent = colour.Colour{0x10, 0x14, 0x12}
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
	link := readable(accent, colour.Black, append(slices.Clone(lightGrounds), soft))
	light := shades(accent, link, link.Mixed(colour.Black, .3), colour.White, soft)

	softDark := darkCard.Mixed(accent, .2)
	bright := readable(accent, colour.White, append(slices.Clone(darkGrounds), softDark, onDarkAccent))
	dark := shades(bright, bright, bright.Mixed(colour.White, .3), onDarkAccent, softDark)
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
		if least >= colour.Readable {
			return mixed
		}
	}
	return towards
}

// allowed is the source with which a Content-Security-Policy lets this one style pass.
// https://www.w3.org/TR/CSP3/#framework-hash-source
func allowed(style template.HTML) string {
	content := style[len("<style>") : len(style)-len("</style>")]
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
