package appsim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHome shows how the page begins to connect, by the app's way to say who is there.
func TestHome(t *testing.T) {
	t.Parallel()
	link := func(b *browser) string {
		back := url.QueryEscape(b.url + "/")
		return `href="` + igconnect + `/api/login?return_to=` + back + `">Connect Instagram</a>`
	}
	form := func(b *browser) string {
		back := url.QueryEscape(b.url + "/")
		return `<form method="post" action="` + igconnect + `/api/login?return_to=` + back + `">`
	}
	inCookie := func(b *browser, _ string) string { return b.cookie("__session") }
	inForm := func(_ *browser, page string) string {
		_, rest, _ := strings.Cut(page, `name="access_token" value="`)
		token, _, _ := strings.Cut(rest, `"`)
		return token
	}
	for _, test := range []struct {
		name     string
		secret   string
		style    *Style
		out, in  func(*browser) string                // what is there, signed out and in; nil: no button
		token    func(b *browser, page string) string // where the JWT is; nil: nowhere
		settings string                               // names of the variables
	}{
		{"tickets", secret, nil, link, link, nil, "VOUCH_SECRET VOUCH_URL"},
		{"a JWT in a cookie", "", &Clerk, link, link, inCookie, "JWT_AUDIENCE JWT_COOKIE JWT_ISSUER"},
		{"a JWT that is posted", "", &Firebase, nil, form, inForm, "JWT_AUDIENCE JWT_ISSUER JWT_JWKS_URL"},
		{"both", secret, &Plain, link, link, nil, "JWT_AUDIENCE JWT_ISSUER VOUCH_SECRET VOUCH_URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := &App{Secret: test.secret, Prefix: "/app"}
			if test.style != nil {
				app.Provider = newProvider(t, *test.style, "")
			}
			b := newBrowser(t, app)
			checkNames(t, "the settings", b.Settings(b.url), test.settings)
			check := func(when, body string, button func(*browser) string) {
				t.Helper()
				want := ""
				if button != nil {
					want = button(b)
				}
				if !strings.Contains(body, want) || button == nil && strings.Contains(body, igconnect) {
					t.Errorf("%s:\n%s", when, body)
				}
			}
			check("signed out", b.get("/").body, test.out)
			b.post("/sign-in", url.Values{"person": {"user_ada"}})
			signedIn := b.get("/").body
			check("signed in", signedIn, test.in)
			if test.token == nil {
				return
			}
			token := test.token(b, signedIn)
			if _, claims, _, _ := open(t, token); claims["sub"] != "user_ada" {
				t.Errorf("the token is of %v", claims["sub"])
			}
			if !verify(t, token, keySet(t, app.Provider.Settings())) {
				t.Error("the token's signature is wrong")
			}
			if b.post("/sign-out", nil); b.cookie("__session") != "" {
				t.Error("the JWT's cookie outlives signing out")
			}
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, &App{Provider: newProvider(t, BetterAuth, "")})
	if got := b.get("/token"); got.status != http.StatusUnauthorized {
		t.Errorf("signed out: status %d", got.status)
	}
	b.post("/sign-in", url.Values{"person": {"user_ben"}})
	got := b.get("/token")
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || got.status != http.StatusOK {
		t.Fatalf("status %d, %v", got.status, err)
	}
	if _, claims, _, _ := open(t, answer.Token); claims["sub"] != "user_ben" {
		t.Errorf("a token of %v", claims["sub"])
	}
	if diff := cmp.Diff([]string{answer.Token}, b.Secrets()); diff != "" {
		t.Errorf("the tokens signed (-want +got):\n%s", diff)
	}
	for _, path := range []string{"/instagram/vouch?nonce=n", "/elsewhere", "/sign-out"} {
		if got := b.get(path); got.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, got.status)
		}
	}
	if got := newBrowser(t, &App{Secret: secret}).get("/token"); got.status != http.StatusNotFound {
		t.Errorf("an app without a provider: status %d", got.status)
	}
}

// TestAccounts shows that the page lists what igconnect tells the app's server.
func TestAccounts(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(*testing.T, *App){
		"by a ticket": func(_ *testing.T, app *App) { app.Secret = secret },
		"by a JWT":    func(t *testing.T, app *App) { app.Provider = newProvider(t, Plain, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
				_, claims, _, _ := open(t, token)
				if _, browsers := claims["nonce"]; browsers || r.URL.Path != "/api/accounts" || claims["sub"] != "auth0|cleo/1" {
					w.Header().Set("X-Error-Code", "signed_out")
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				w.Write([]byte(`{"accounts":[{"instagram_id":"1","username":"<b>cleo","status":"active"},{"instagram_id":"2"}]}`))
			}))
			t.Cleanup(server.Close)
			app := &App{Server: server.URL}
			way(t, app)
			b := newBrowser(t, app)
			for person, want := range map[string]string{
				"auth0|cleo/1": "<li>@&lt;b&gt;cleo <span class=\"soft\">active</span></li>\n<li>@2 ",
				"user_ben":     "The list of your accounts is not to be had: igconnect answered 401 signed_out.",
			} {
				b.post("/sign-in", url.Values{"person": {person}})
				if got := b.get("/"); !strings.Contains(got.body, want) {
					t.Errorf("%s: no %q:\n%s", person, want, got.body)
				}
			}
		})
	}
}
