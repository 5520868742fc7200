package api_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"igconnect/lib/config"
	"igconnect/lib/health"
)

// The app's name, logo, colour and links are on the pages that the functions show.
func TestBrandOnPages(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{
		"APP_NAME": `<i>Aurora & "Söhne"`, "APP_URL": "https://aurora.example/home", "APP_LOGO_URL": "https://cdn.aurora.example/logo.svg",
		"APP_ACCENT": "#b3261e", "SUPPORT_URL": "mailto:help@aurora.example", "PRIVACY_URL": "/privacy",
	}, brand(1), brand(2))
	for name, got := range map[string]answer{
		"the chooser":   d.Connect(),
		"an error page": d.Get("/api/auth/callback"),
	} {
		d.wantTexts(got, `· &lt;i&gt;Aurora &amp; &#34;Söhne&#34;</title>`, `<bdi>&lt;i&gt;Aurora &amp; &#34;Söhne&#34;</bdi>`, `href="https://aurora.example/home"`,
			`src="https://cdn.aurora.example/logo.svg"`, "--accent:#b3261e", `href="mailto:help@aurora.example"`, `href="`+d.URL+`/privacy"`)
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "https://cdn.aurora.example") || !strings.Contains(policy, "style-src 'self' 'sha256-") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", name, policy)
		}
	}
}

// What is wrong with the brand is a warning, named after its variable: the deployment works, and
// its pages stay whole and neutral.
func TestHostileBrand(t *testing.T) {
	t.Parallel()
	noPicture := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(noPicture.Close)
	for variable, values := range map[string][]string{
		"APP_NAME":     {strings.Repeat("<script>", 1250), "Aurora\u202egro.live"},
		"APP_URL":      {"javascript:alert(1)", "app.example"},
		"APP_LOGO_URL": {"data:image/svg+xml,<svg onload=alert(1)>", noPicture.URL + "/logo.png"},
		"APP_ACCENT":   {"red;}", "#ff0", `#000"></style><script>`},
		"SUPPORT_URL":  {"mailto:nobody", "//evil.example"},
		"PRIVACY_URL":  {"ftp://app.example"},
	} {
		for _, value := range values {
			d := deployHealthy(t)
			d.Set(variable, value)
			got, report := d.health()
			if got.StatusCode != http.StatusOK || !report.OK {
				t.Errorf("%s=%.30q: %d %s", variable, value, got.StatusCode, got.Body)
			}
			warned := slices.DeleteFunc(slices.Clone(report.Checks), func(c health.Check) bool { return c.OK })
			if len(warned) != 1 || warned[0].Name != variable || !warned[0].Warning || warned[0].Problem == "" || warned[0].Fix == "" {
				t.Errorf("%s=%.30q: %+v", variable, value, warned)
			}
			if strings.Contains(got.Body, value) {
				t.Errorf("the value of %s was shown: %s", variable, got.Body)
			}
			page := d.Get("/api/auth/callback")
			d.WantError(page, 400, "state_mismatch")
			if strings.Contains(page.Body, "<script>") || strings.Contains(page.Body, "alert") || strings.Contains(page.Body, "<style") {
				t.Errorf("%s=%.30q: %s", variable, value, page.Body)
			}
		}
	}
}

// A warning is told while required settings are missing, too, and only to the operator.
func TestBrandWarningsBesideProblems(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"APP_ACCENT": "red;}", "FB_APP_ID": ""})
	got, report := d.health()
	wrong := slices.DeleteFunc(report.Checks, func(c health.Check) bool { return c.OK })
	if got.StatusCode != http.StatusServiceUnavailable || len(wrong) != 2 || wrong[0].Name != "FB_APP_ID" || wrong[1].Name != "APP_ACCENT" {
		t.Errorf("%d %+v", got.StatusCode, wrong)
	}
	if stranger := d.Get("/api/health"); strings.Contains(stranger.Body, config.Brand[3]) {
		t.Errorf("a stranger reads %s", stranger.Body)
	}
}
