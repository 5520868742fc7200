package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brandOf is all that the settings of a brand come to.
func brandOf(c *Config) map[string]string {
	found := map[string]string{
		"APP_NAME": c.AppName, "APP_URL": c.AppURL, "APP_LOGO_URL": c.LogoURL, "APP_ACCENT": c.Accent,
		"SUPPORT_URL": c.SupportURL, "PRIVACY_URL": c.PrivacyURL,
	}
	for variable, value := range found {
		if value == "" {
			delete(found, variable)
		}
	}
	return found
}

func TestBrand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ variable, value, want string }{
		{"APP_NAME", " Aurora \n", "Aurora"},
		{"APP_NAME", "<b>Aurora</b> & \"Söhne\"", "<b>Aurora</b> & \"Söhne\""},
		{"APP_NAME", "מאפייה", "מאפייה"},
		{"APP_NAME", "👩‍🍳 Aurora", "👩‍🍳 Aurora"},
		{"APP_NAME", strings.Repeat("ß", 60), strings.Repeat("ß", 60)},
		{"APP_URL", "https://app.example/home?x=1#y", "https://app.example/home?x=1#y"},
		{"APP_URL", "/home", "https://app.example.com/home"},
		{"APP_LOGO_URL", "https://cdn.example/logo.svg", "https://cdn.example/logo.svg"},
		{"APP_LOGO_URL", "/logo.png", "https://app.example.com/logo.png"},
		{"APP_ACCENT", "#0C5C4C", "#0c5c4c"},
		{"APP_ACCENT", "#00f", "#0000ff"},
		{"APP_ACCENT", "#767676", "#767676"}, // 4.54
		{"SUPPORT_URL", "https://app.example/help", "https://app.example/help"},
		{"SUPPORT_URL", "mailto:help@app.example", "mailto:help@app.example"},
		{"PRIVACY_URL", "/privacy", "https://app.example.com/privacy"},
	} {
		c, problems := load(map[string]string{tt.variable: tt.value})
		if diff := cmp.Diff(map[string]string{tt.variable: tt.want}, brandOf(c)); diff != "" || problems != nil {
			t.Errorf("%s=%s: %v (-want +got):\n%s", tt.variable, tt.value, problems, diff)
		}
	}
}

// What is wrong is told by its variable, left out, and breaks no function.
func TestBrandProblems(t *testing.T) {
	t.Parallel()
	const long, unseen, noURL = "is longer than 60 letters", "has a character that nobody sees, such as one that turns the writing around", "is not a complete URL"
	const noColour, light = "is not a colour like #0c5c4c", "is too light: white text on it needs a contrast of 4.5"
	for _, tt := range []struct{ variable, value, what string }{
		{"APP_NAME", strings.Repeat("a", 61), long},
		{"APP_NAME", strings.Repeat("<script>", 1250), long},
		{"APP_NAME", "Aurora\u202egro.live", unseen}, // right to left
		{"APP_NAME", "\u2067Aurora\u2069", unseen},
		{"APP_NAME", "Aurora\u200f", unseen},
		{"APP_NAME", "Au\nrora", unseen},
		{"APP_NAME", "Au\x00rora", unseen},
		{"APP_NAME", "Au\u2028rora", unseen},
		{"APP_NAME", "Au\u200brora", unseen},
		{"APP_NAME", "Au\xffrora", unseen},
		{"APP_URL", "app.example", noURL},
		{"APP_URL", "javascript:alert(1)", noURL},
		{"APP_URL", "mailto:me@app.example", noURL},
		{"APP_URL", "http://app.example", "must start with https:// (http:// only for localhost)"},
		{"APP_LOGO_URL", "data:image/png;base64,AAAA", noURL},
		{"APP_LOGO_URL", "http://localhost:4000/logo.png", "must start with https://"},
		{"APP_LOGO_URL", "http://cdn.example/logo.png", "must start with https:// (http:// only for localhost)"},
		{"APP_LOGO_URL", "https://*.example/logo.png", noURL},
		{"APP_ACCENT", "red;}", noColour},
		{"APP_ACCENT", "red", noColour},
		{"APP_ACCENT", "#ff", noColour},
		{"APP_ACCENT", "#fff</style><script>", noColour},
		{"APP_ACCENT", "#777777", light}, // 4.48
		{"APP_ACCENT", "#ff0", light},
		{"SUPPORT_URL", "mailto:help", "has a character that does not belong there"},
		{"SUPPORT_URL", "mailto:a@b.example?bcc=x@y.example", "has a character that does not belong there"},
		{"PRIVACY_URL", "//evil.example", "must start with https:// (http:// only for localhost)"},
	} {
		c, problems := load(map[string]string{tt.variable: tt.value})
		if diff := cmp.Diff(Problems{{tt.variable, tt.what}}, problems); diff != "" || len(brandOf(c)) > 0 {
			t.Errorf("%s=%.40q: %v (-want +got):\n%s", tt.variable, tt.value, brandOf(c), diff)
		}
		if problems.Among(Settings) != nil || problems.Among(Brand) == nil {
			t.Errorf("%s=%.40q concerns more than the brand: %v", tt.variable, tt.value, problems)
		}
	}
}

// A simulator of Meta may stand beside a logo of this machine.
func TestLogoWhileSimulating(t *testing.T) {
	t.Parallel()
	c, problems := load(map[string]string{"FB_GRAPH_URL": "http://localhost:3001", "APP_LOGO_URL": "http://localhost:4000/logo.png"})
	if c.LogoURL == "" || problems != nil || c.LogoOrigin() != "http://localhost:4000" {
		t.Errorf("logo %q, problems %v", c.LogoURL, problems)
	}
}
