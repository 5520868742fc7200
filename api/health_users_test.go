package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/appsim"
	"igconnect/lib/health"
)

// notOK are the checks that are not ok, as "name: problem", with a mark for warnings.
func notOK(report health.Report) []string {
	lines := []string{}
	for _, check := range report.Checks {
		if line := check.Name + ": " + check.Problem; check.Warning {
			lines = append(lines, "warning "+line)
		} else if !check.OK {
			lines = append(lines, line)
		}
	}
	return lines
}

// The report says who says who the app's users are, and which setting for that is in vain.
func TestHealthNamesUsers(t *testing.T) {
	t.Parallel()
	provider := &appsim.Provider{Style: appsim.Plain}
	issuer := httptest.NewServer(provider)
	t.Cleanup(issuer.Close)
	provider.URL = issuer.URL
	jwt := map[string]string{"JWT_ISSUER": provider.URL, "JWT_AUDIENCE": "instagram"}
	vouch := map[string]string{"VOUCH_URL": "/vouch", "VOUCH_SECRET": vouchSecret}
	for name, c := range map[string]struct {
		settings []map[string]string
		users    []string
		want     []string
	}{
		"Supabase Auth": {nil, []string{"supabase"}, nil},
		"JWTs":          {[]map[string]string{jwt}, []string{"jwt"}, nil},
		"tickets":       {[]map[string]string{vouch}, []string{"vouch"}, nil},
		"both":          {[]map[string]string{jwt, vouch}, []string{"jwt", "vouch"}, nil},
		"what belongs to the others": {[]map[string]string{{"VOUCH_SECRET": vouchSecret, "JWT_COOKIE": "__session"}}, []string{"supabase"}, []string{
			"warning VOUCH_SECRET: VOUCH_SECRET has no effect: VOUCH_URL is not set.",
			"warning JWT_COOKIE: JWT_COOKIE has no effect: JWT_ISSUER is not set.",
		}},
		"what belongs to Supabase Auth": {[]map[string]string{vouch, {"SIGN_IN_URL": "/sign-in", "SUPABASE_AUTH_COOKIE": "sb-mine"}}, []string{"vouch"}, []string{
			"warning SUPABASE_AUTH_COOKIE: SUPABASE_AUTH_COOKIE has no effect: Supabase Auth is not asked.",
			"warning SIGN_IN_URL: SIGN_IN_URL has no effect: VOUCH_URL takes its place.",
		}},
	} {
		parallel(t, name, func(t *testing.T) {
			d := deployHealthy(t)
			for _, settings := range c.settings {
				for variable, value := range settings {
					d.Set(variable, value)
				}
			}
			got, report := d.health()
			if diff := cmp.Diff(c.users, report.Users); diff != "" || got.StatusCode != http.StatusOK {
				t.Errorf("%d %s", got.StatusCode, diff)
			}
			if diff := cmp.Diff(append([]string{}, c.want...), notOK(report)); diff != "" {
				t.Error(diff)
			}
			d.wantNoValue(got)
			stranger := d.Send("GET", "/api/health", nil, "")
			if stranger.Body != `{"ok":true}` {
				t.Errorf("a stranger reads %s", stranger.Body)
			}
		})
	}
}

// The report looks for the keys anew each time, and says nothing of them but whether they are to be had.
func TestHealthLooksForKeys(t *testing.T) {
	t.Parallel()
	provider := &appsim.Provider{Style: appsim.Plain}
	answer := provider.ServeHTTP
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	t.Cleanup(issuer.Close)
	provider.URL = issuer.URL
	d := deployHealthy(t)
	d.Set("JWT_AUDIENCE", "instagram")
	d.Set("JWT_ISSUER", provider.URL)
	const gone = "jwks: The keys of JWT_ISSUER are not to be had at JWT_JWKS_URL."
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"keys", provider.ServeHTTP, ""},
		{"no such page", http.NotFound, gone},
		{"a page", html(200), gone},
		{"a redirect", http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP, gone},
		{"no usable key", reply(200, `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`), "jwks: JWT_JWKS_URL leads to a key set without any key that can be used."},
		{"keys again", provider.ServeHTTP, ""},
	} {
		answer = c.answer
		got, report := d.health()
		if lines := strings.Join(notOK(report), "\n"); lines != c.want || report.OK != (c.want == "") {
			t.Errorf("%s: %s", c.name, lines)
		}
		for _, check := range report.Checks {
			if !check.OK && !strings.Contains(check.Fix, "JWT_JWKS_URL") {
				t.Errorf("%s: %s", c.name, check.Fix)
			}
		}
		d.wantNoValue(got)
	}
	if provider.Fetches() != 2 {
		t.Errorf("%d fetches of keys", provider.Fetches())
	}
	d.Send("GET", "/api/health", nil, "")
	if provider.Fetches() != 2 {
		t.Error("a stranger started a call to the issuer")
	}
}
