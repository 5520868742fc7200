package page

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"os"
	"regexp"
	"strings"
	"testing"

	"igconnect/lib/colour"
)

var aurora = Brand{
	Name: "Aurora", URL: "https://app.example/home", LogoURL: "https://cdn.example/logo.svg", Accent: "#b3261e",
	SupportURL: "mailto:help@app.example", PrivacyURL: "https://app.example/privacy",
}

func TestBrandIsOnEveryPage(t *testing.T) {
	t.Parallel()
	for name, p := range variants() {
		document, err := Render(Look{Language: English, Brand: aurora}, Policy{Images: []string{"https://cdn.example"}}, p)
		if err != nil {
			t.Fatal(err)
		}
		body := string(document.Body)
		for _, part := range []string{
			" · Aurora</title>", `href="https://app.example/home"><img src="https://cdn.example/logo.svg" alt="" height="28"><bdi>Aurora</bdi></a>`,
			"--accent:#b3261e;", `<a href="mailto:help@app.example">Get help</a>`, `<a href="https://app.example/privacy">Privacy</a>`,
		} {
			if !strings.Contains(body, part) {
				t.Errorf("%s lacks %s:\n%s", name, part, body)
			}
		}
		_, style, _ := strings.Cut(body, "<style>")
		style, _, _ = strings.Cut(style, "</style>")
		sum := sha256.Sum256([]byte(style))
		want := "style-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; "
		if policy := document.ContentSecurityPolicy; !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy %q lacks %q", name, policy, want)
		}

		neutral := draw(t, p)
		if !strings.Contains(neutral, `href="/"><img src="/igconnect/favicon.svg" alt="" width="28" height="28"><bdi>Instagram connection</bdi></a>`) ||
			strings.Contains(neutral, "<style") || regexp.MustCompile(`(?i)igconnect`).MatchString(visible(neutral)) {
			t.Errorf("%s without a brand:\n%s", name, neutral)
		}
	}
}

// visible is what people read of a page: its texts, without tags.
func visible(body string) string { return regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ") }

func TestHostileBrandStaysText(t *testing.T) {
	t.Parallel()
	for _, s := range hostile {
		document, err := Render(Look{Brand: Brand{s, s, s, s, s, s}}, Policy{Images: []string{s}}, Error{Code: "internal"})
		if err != nil {
			t.Fatal(err)
		}
		checkHarmless(t, "error", s, string(document.Body))
		if strings.Contains(string(document.Body), "<style") || strings.Contains(document.ContentSecurityPolicy, "sha256") {
			t.Errorf("%q is a colour", s)
		}
	}
}

// grounds are the colours of style.css, by its names for them.
func grounds(t *testing.T) (light, dark map[string]colour.Colour) {
	t.Helper()
	text, err := os.ReadFile("../../public/igconnect/style.css")
	if err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(string(text), "@media (prefers-color-scheme: dark)")
	return declared(first), declared(second)
}

func declared(style string) map[string]colour.Colour {
	style, _, _ = strings.Cut(style, "}")
	colours := map[string]colour.Colour{}
	for _, found := range regexp.MustCompile(`--([a-z-]+): ?(#[0-9a-f]{3,6});?`).FindAllStringSubmatch(style, -1) {
		colours[found[1]], _ = colour.Parse(found[2])
	}
	return colours
}

// Whatever the accent is, all that stands in it or on its shades can be read, in both schemes,
// and in the light one the buttons have just this colour.
func TestAccentCanBeRead(t *testing.T) {
	t.Parallel()
	tried := 0
	light, dark := grounds(t)
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				accent := colour.Colour{uint8(r), uint8(g), uint8(b)}
				if colour.Contrast(accent, colour.White) < 4.5 {
					continue
				}
				tried++
				checkAccent(t, accent, light, dark)
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d accents were tried", tried)
	}
}

func checkAccent(t *testing.T, accent colour.Colour, light, dark map[string]colour.Colour) {
	t.Helper()
	first, second, _ := strings.Cut(string(Brand{Accent: accent.String()}.style()), "@media (prefers-color-scheme:dark){")
	for scheme, pair := range map[string]struct {
		shades string
		base   map[string]colour.Colour
	}{"light": {first, light}, "dark": {second, dark}} {
		shades := declared(pair.shades)
		if scheme == "light" && shades["accent"] != accent {
			t.Errorf("%s became %s", accent, shades["accent"])
		}
		for name, shade := range shades {
			pair.base[name] = shade
		}
		for front, backs := range map[string]string{
			"link": "paper card soft warn-soft", "accent-strong": "paper card", "on-accent": "accent accent-strong",
			"ink": "soft", "quiet": "soft", "warn": "soft",
		} {
			for back := range strings.FieldsSeq(backs) {
				if ratio := colour.Contrast(pair.base[front], pair.base[back]); ratio < 4.5 {
					t.Errorf("%s, %s: %s on %s has a contrast of %.2f", accent, scheme, front, back, ratio)
				}
			}
		}
	}
}

// Without an accent, or with one that is none, style.css's own colours stay.
func TestNoAccent(t *testing.T) {
	t.Parallel()
	for _, accent := range []string{"", "red;}", "#12345"} {
		if got := (Brand{Accent: accent}).style(); got != template.HTML("") {
			t.Errorf("accent %q gives %q", accent, got)
		}
	}
}
