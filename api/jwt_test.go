package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"igconnect/internal/appsim"
	"igconnect/internal/deploytest"
)

// With the settings that docs/users.md names, the tokens of each provider are believed, wherever they
// may come; the keys are read once.
func TestProviders(t *testing.T) {
	t.Parallel()
	for _, style := range appsim.Styles {
		parallel(t, style.Name, func(t *testing.T) {
			d, provider := deployIssued(t, style, brand(1))
			d.Set("ALLOWED_ORIGINS", appOrigin)
			token := provider.Token(people[0].ID)
			d.want(d.Send("GET", "/api/accounts", bearerOf(token), ""), 200, "")
			d.want(d.Send("GET", "/api/login", bearerOf(token), ""), 200, "")
			dialog := d.sendForm("/api/login", from(appOrigin), url.Values{"access_token": {token}})
			d.WantRedirect(d.Get(d.approve(dialog.Location())), http.StatusSeeOther, "/?connected="+instagramID(1))
			if d.row(people[0].ID, 1) == nil || provider.Fetches() != 1 || d.count("user") != 0 {
				t.Errorf("%d fetches, %d calls of Supabase Auth", provider.Fetches(), d.count("user"))
			}
			d.want(d.Send("GET", "/api/accounts", bearerOf(provider.Token("", appsim.Claims{"sub": "a\x00b"})), ""), 401, "signed_out")
			d.newBrowser()
			d.want(d.Get("/api/login?access_token="+token), 401, "signed_out", "in the address")
		})
	}
}

// What is wrong with a token costs the token, and the log says what; what is wrong with the keys is no
// fault of the person's.
func TestWrongJWTs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]string
		keys     http.HandlerFunc // in the place of the issuer's
		claims   appsim.Claims
		status   int
		code     string
		log      string
	}{
		"expired":               {claims: appsim.Claims{"exp": time.Now().Add(-11 * time.Second).Unix()}, status: 401, code: "signed_out", log: "expired"},
		"without an end":        {claims: appsim.Claims{"exp": nil}, status: 401, code: "signed_out", log: "exp"},
		"another issuer":        {claims: appsim.Claims{"iss": "https://other.example"}, status: 401, code: "signed_out", log: "issuer"},
		"another audience":      {claims: appsim.Claims{"aud": []string{"https://other.example"}}, status: 401, code: "signed_out", log: "audience"},
		"of another page":       {claims: appsim.Claims{"azp": "https://evil.example"}, status: 401, code: "signed_out", log: "azp"},
		"not quite signed in":   {claims: appsim.Claims{"sts": "pending"}, status: 401, code: "signed_out", log: "sts"},
		"of a page of the app":  {settings: map[string]string{"ALLOWED_ORIGINS": appOrigin}, claims: appsim.Claims{"azp": appOrigin}, status: 200},
		"of a client":           {claims: appsim.Claims{"azp": "client_1"}, status: 200},
		"keys: down":            {keys: html(503), status: 503, code: "auth_unavailable", log: "status 503"},
		"keys: a page":          {keys: html(200), status: 503, code: "auth_unavailable", log: "no key set"},
		"keys: elsewhere":       {keys: http.RedirectHandler("/other", http.StatusFound).ServeHTTP, status: 503, code: "auth_unavailable", log: "status 302"},
		"keys: too many":        {keys: reply(200, `{"keys":["`+strings.Repeat("x", 64<<10)+`"]}`), status: 503, code: "auth_unavailable", log: "over the limit"},
		"keys: none":            {keys: reply(200, `{"keys":[]}`), status: 500, code: "misconfigured", log: "no usable key"},
		"keys: none of use":     {keys: reply(200, `{"keys":[{"kty":"oct","k":"RkFLRQ","kid":"1"}]}`), status: 500, code: "misconfigured", log: "no usable key"},
		"no audience is set":    {settings: map[string]string{"JWT_AUDIENCE": ""}, status: 500, code: "misconfigured", log: "JWT_AUDIENCE is missing"},
		"an issuer without URL": {settings: map[string]string{"JWT_ISSUER": "me", "JWT_JWKS_URL": ""}, status: 500, code: "misconfigured", log: "JWT_JWKS_URL"},
	} {
		parallel(t, name, func(t *testing.T) {
			d, provider := deployIssued(t, appsim.Plain)
			if c.keys != nil {
				server := httptest.NewServer(c.keys)
				t.Cleanup(server.Close)
				d.Set("JWT_JWKS_URL", server.URL+"/keys")
			}
			d.setAll(c.settings)
			token := provider.Token("42", c.claims)
			got := d.Send("GET", "/api/accounts", bearerOf(token), "")
			d.want(got, c.status, c.code)
			if log := d.Watch.Log(); !strings.Contains(log, c.log) || strings.Contains(log, token[len(token)-20:]) {
				t.Errorf("the log should say %q: %s", c.log, log)
			}
		})
	}
}

// Of several cookies those of two users are none, since a page of a neighbouring host may have set one;
// what is not good counts for nothing, and Supabase's cookie for nothing at all.
func TestCookiesWithJWTs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cookies func(p *appsim.Provider) []string
		user    string // "": nobody
	}{
		"one": {func(p *appsim.Provider) []string { return []string{p.Token("a")} }, "a"},
		"two of one user": {func(p *appsim.Provider) []string {
			return []string{p.Token("a"), p.Token("a", appsim.Claims{"jti": "2"})}
		}, "a"},
		"of two users": {func(p *appsim.Provider) []string { return []string{p.Token("a"), p.Token("b")} }, ""},
		"one has run out": {func(p *appsim.Provider) []string {
			return []string{p.Token("b", appsim.Claims{"exp": 1}), p.Token("a")}
		}, "a"},
		"one is forged": {func(p *appsim.Provider) []string { return []string{forged(p.Token("b")), p.Token("a")} }, "a"},
		"one of that user is forged": {func(p *appsim.Provider) []string {
			return []string{forged(p.Token("a", appsim.Claims{"exp": time.Now().Add(time.Hour).Unix()})), p.Token("a")}
		}, "a"},
		"junk":       {func(*appsim.Provider) []string { return []string{"x", "a.b.c", strings.Repeat(".", 3000)} }, ""},
		"Supabase's": {func(*appsim.Provider) []string { return nil }, ""},
	} {
		parallel(t, name, func(t *testing.T) {
			d, provider := deployIssued(t, appsim.Clerk, brand(1))
			header := []string{"sb-127-auth-token=" + deploytest.SessionCookie(ada)}
			for _, value := range c.cookies(provider) {
				header = append(header, "__session="+value)
			}
			got := d.Send("GET", "/api/login", map[string]string{"Cookie": strings.Join(header, "; ")}, "")
			if c.user == "" {
				d.WantError(got, 401, "signed_out")
				return
			}
			d.want(got, 302, "")
			if !strings.Contains(d.Watch.Log(), `"user_id":"`+c.user+`"`) {
				t.Errorf("not %s: %s", c.user, d.Watch.Log())
			}
		})
	}
}

// forged is a token with another signature.
func forged(token string) string {
	at := strings.LastIndexByte(token, '.')
	return token[:at+1] + strings.Repeat("A", len(token)-at-1)
}

// Whoever is signed in at the end must be who began, as far as a cookie tells.
func TestUserChangedWithJWTs(t *testing.T) {
	t.Parallel()
	d, provider := deployIssued(t, appsim.Clerk, brand(1))
	d.SetCookie("__session", provider.Token("a|1"))
	callback := d.approve(d.Get("/api/login").Location())
	d.SetCookie("__session", provider.Token("a|2"))
	d.WantError(d.Get(callback), 409, "user_changed")

	d.SetCookie("__session", provider.Token("a|1"))
	callback = d.approve(d.Get("/api/login").Location())
	d.SetCookie("__session", provider.Token("a|1", appsim.Claims{"exp": 1})) // run out meanwhile: still that user's
	d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))
}

// With both, a JWT says who it is; without a good one the app vouches. A ticket for another user than the
// cookie's ends the login.
func TestJWTAndTicket(t *testing.T) {
	t.Parallel()
	d, app := deployVouched(t, brand(1))
	provider := &appsim.Provider{Style: appsim.Clerk, Origin: d.URL}
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	provider.URL = server.URL
	d.setAll(provider.Settings())
	d.signIn(1)

	if begun := d.Get("/api/login"); !strings.HasPrefix(begun.Location(), d.at+"/instagram/vouch?nonce=") {
		t.Errorf("without a JWT: %d to %q", begun.StatusCode, begun.Location())
	}
	dialog := d.Get(d.vouch(d.Get("/api/login")))
	d.SetCookie("__session", provider.Token("somebody else"))
	d.WantError(d.Get(d.approve(dialog.Location())), 409, "user_changed")

	d.SetCookie("__session", provider.Token("42"))
	d.WantRedirect(d.Get(d.approve(d.Get("/api/login").Location())), http.StatusSeeOther, "/?connected="+instagramID(1))
	for name, token := range map[string]string{"a ticket": app.ServerTicket("42"), "a JWT": provider.Token("42")} {
		if got := d.Send("GET", "/api/accounts", bearerOf(token), ""); !strings.Contains(got.Body, instagramID(1)) {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Body)
		}
	}
}

// While the keys are known a verdict costs no call, and when the issuer is down, none that is waited for
// twice: what is known goes on.
func TestIssuerDown(t *testing.T) {
	t.Parallel()
	d, provider := deployIssued(t, appsim.Plain)
	ask := func() answer { return d.Send("GET", "/api/accounts", bearerOf(provider.Token("42")), "") }
	for range 3 {
		d.want(ask(), 200, "")
	}
	provider.Rotate() // an unknown kid is looked for, once a minute
	d.want(ask(), 200, "")
	provider.Rotate()
	for range 3 {
		d.want(ask(), 401, "signed_out")
	}
	if provider.Fetches() != 2 {
		t.Errorf("%d fetches, want 2", provider.Fetches())
	}
}
