package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The landing page speaks the person's language, and its button works without JavaScript: the login
// goes on in that language and comes back to it.
func TestHome(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"APP_NAME": "Aurora", "APP_ACCENT": "#b3261e"})
	for name, tt := range map[string]struct{ path, browser, html, button, login string }{
		"English":         {"/", "", "en", "Connect Instagram", "/api/login?return_to=%2F"},
		"the browser's":   {"/", "de-CH, en;q=0.5", "de", "Instagram verbinden", "/api/login?return_to=%2F"},
		"asked for":       {"/?lang=pt-BR", "de", "pt", "Conectar o Instagram", "/api/login?lang=pt&amp;return_to=%2F%3Flang%3Dpt"},
		"unknown":         {"/?lang=%22%3E%3Cscript%3E", "de", "en", "Connect Instagram", "/api/login?lang=en&amp;return_to=%2F%3Flang%3Den"},
		"by its own path": {"/api/home?lang=fr", "", "fr", "Connecter Instagram", "/api/login?lang=fr&amp;return_to=%2F%3Flang%3Dfr"},
	} {
		got := d.inLanguage(tt.browser, tt.path)
		d.want(got, 200, "", name)
		d.wantTexts(got, `<html lang="`+tt.html+`">`, `<a class="button primary large" href="`+tt.login+`">`+tt.button+`</a>`, "· Aurora</title>", "<bdi>Aurora</bdi>")
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "connect-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", name, policy)
		}
		if got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, got.Header)
		}
	}
	head := d.Send(http.MethodHead, "/", nil, "")
	if head.StatusCode != 200 || head.Body != "" {
		t.Errorf("HEAD answers %d %q", head.StatusCode, head.Body)
	}
	if began := d.inLanguage("de", "/api/login?lang=pt&return_to="+url.QueryEscape("/?lang=pt")); began.StatusCode != http.StatusFound {
		t.Errorf("the button's login answers %d", began.StatusCode)
	}
}

// It is whole while settings are missing, and names no product.
func TestHomeWithoutSettings(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"FB_APP_ID": "", "SUPABASE_URL": ""})
	got := d.Get("/?connected=1")
	d.want(got, 200, "")
	d.wantTexts(got, "<bdi>Instagram connection</bdi>", "<title>Connect Instagram</title>")
	if text := strings.ReplaceAll(got.Body, "/igconnect/", ""); strings.Contains(strings.ToLower(text), "igconnect") {
		t.Errorf("it names the product: %s", got.Body)
	}
}

// Without JavaScript it says what came of a login: a success only where the login ended in this
// browser, which a link cannot forge.
func TestHomeAfterALogin(t *testing.T) {
	t.Parallel()
	const connected = `<noscript><div class="notice good">`
	d := deploy(t, brand(1))
	if forged := d.Get("/?connected=" + instagramID(1)); strings.Contains(forged.Body, connected) {
		t.Errorf("a link is believed: %s", forged.Body)
	}
	d.Connect()
	d.wantTexts(d.Get("/?connected="+instagramID(1)), connected)
	d.wantTexts(d.Get("/?error=access_denied"), "You said no at Meta. Nothing was saved.")
	d.wantTexts(d.Get("/?error=%3Cscript%3E"), "That did not work. Nothing was saved.")
	d.newBrowser()
	if other := d.Get("/?connected=" + instagramID(1)); strings.Contains(other.Body, connected) {
		t.Errorf("another browser is told of it: %s", other.Body)
	}
}

// Its script asks for a list only where a cookie can say whose it is.
func TestHomeWithoutList(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", 32)
	for _, tt := range []struct {
		settings map[string]string
		unlisted bool
	}{
		{nil, false},
		{map[string]string{"VOUCH_URL": "https://app.example.com/vouch", "VOUCH_SECRET": secret}, true},
		{map[string]string{"JWT_ISSUER": "https://a.example", "JWT_AUDIENCE": "none"}, true},
		{map[string]string{"JWT_ISSUER": "https://a.example", "JWT_AUDIENCE": "none", "JWT_COOKIE": "__session"}, false},
	} {
		got := deployWith(t, tt.settings).Get("/")
		if strings.Contains(got.Body, " data-unlisted") != tt.unlisted || got.StatusCode != 200 {
			t.Errorf("%v: %d, %s", tt.settings, got.StatusCode, got.Body)
		}
	}
}

// Style and scripts lie under /igconnect/, for pages of any origin; where they were there is nothing.
func TestAssets(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	for path, status := range map[string]int{
		"/igconnect/style.css": 200, "/igconnect/home.js": 200, "/igconnect/forms.js": 200, "/igconnect/favicon.svg": 200,
		"/style.css": 404, "/app.js": 404, "/forms.js": 404, "/favicon.svg": 404, "/index.html": 404, "/igconnect/": 404,
	} {
		got := d.Get(path)
		if shared := got.Header.Get("Access-Control-Allow-Origin") == "*"; got.StatusCode != status || shared != strings.HasPrefix(path, "/igconnect/") {
			t.Errorf("%s: %d, for any origin %v", path, got.StatusCode, shared)
		}
	}
}
