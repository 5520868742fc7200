package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/appsim"
	"igconnect/lib/upstream"
)

const ours = "https://connect.example.com"

// judge is what the doctor says of a token by settings.
func judge(t *testing.T, token string, settings map[string]string, now func() time.Time) []check {
	t.Helper()
	u, err := readUserToken(strings.NewReader(token+"\n"), ours, func(name string) string { return settings[name] })
	if err != nil {
		t.Fatal(err)
	}
	if now != nil {
		u.now = now
	}
	transport := upstream.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	d := &doctor{token: u, http: &http.Client{Transport: transport, CheckRedirect: upstream.NoRedirects}}
	checks := d.judgeToken(t.Context())
	signature := token[strings.LastIndexByte(token, '.')+1:]
	for _, c := range checks {
		if text := c.Problem + c.Fix; strings.Contains(text, token) || len(signature) > 8 && strings.Contains(text, signature) || strings.Contains(text, "user_ada") {
			t.Errorf("it shows the token or whose it is: %v", c)
		}
	}
	return checks
}

// provide serves the keys of a provider.
func provide(t *testing.T, p *appsim.Provider) {
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
}

// Each documented provider's token is found well by that provider's settings.
func TestProviders(t *testing.T) {
	t.Parallel()
	for _, style := range appsim.Styles {
		t.Run(style.Name, func(t *testing.T) {
			t.Parallel()
			p := &appsim.Provider{Style: style, Origin: ours}
			provide(t, p)
			for _, c := range judge(t, p.Token("user_ada"), p.Settings(), nil) {
				if c.State != isOK && c.Name != "it says" {
					t.Error(c)
				}
			}
		})
	}
}

// One thing does not fit: the doctor says what, and which setting would have to be what.
func TestTokenThatDoesNotFit(t *testing.T) {
	t.Parallel()
	p := &appsim.Provider{Style: appsim.Auth0}
	provide(t, p)
	clerk := &appsim.Provider{Style: appsim.Clerk, Origin: "https://app.example.com"}
	provide(t, clerk)
	cognito := &appsim.Provider{Style: appsim.CognitoAccess}
	provide(t, cognito)
	other := &appsim.Provider{Style: appsim.Auth0}
	provide(t, other)
	for _, c := range []struct {
		name     string
		provider *appsim.Provider
		token    string // "": a good one with changes
		changes  appsim.Claims
		settings map[string]string // in the place of the right ones
		wrong    string            // names of the lines that are wrong
		says     string            // in one of them; {URL} is the provider's
		fix      string
	}{
		{name: "a slash too few", provider: p, settings: map[string]string{"JWT_ISSUER": p.URL},
			wrong: "JWT_ISSUER", says: "the slash at the end is missing", fix: "set JWT_ISSUER to {URL}/, byte for byte"},
		{name: "a slash too many", provider: clerk, settings: map[string]string{"JWT_ISSUER": clerk.URL + "/", "ALLOWED_ORIGINS": "https://app.example.com"},
			wrong: "JWT_ISSUER", says: "the slash at the end is too much", fix: "set JWT_ISSUER to {URL}, byte for byte"},
		{name: "capital letters", provider: p, settings: map[string]string{"JWT_ISSUER": "HTTP" + strings.TrimPrefix(p.URL, "http") + "/", "JWT_JWKS_URL": p.URL + "/.well-known/jwks.json"},
			wrong: "JWT_ISSUER", says: "capital letters matter"},
		{name: "another issuer", provider: p, changes: appsim.Claims{"iss": "https://other.example"}, wrong: "JWT_ISSUER", fix: "set JWT_ISSUER to https://other.example"},
		{name: "no issuer", provider: p, changes: appsim.Claims{"iss": nil}, wrong: "JWT_ISSUER", says: "has no iss"},
		{name: "another audience", provider: p, settings: map[string]string{"JWT_AUDIENCE": "https://mine.example"},
			wrong: "JWT_AUDIENCE", says: `aud ["https://api.example.com","{URL}/userinfo"], and JWT_AUDIENCE is "https://mine.example"`, fix: "that one which names your app: https://api.example.com or {URL}/userinfo"},
		{name: "an audience, and none is expected", provider: p, settings: map[string]string{"JWT_AUDIENCE": "none"}, wrong: "JWT_AUDIENCE", says: "none is for tokens that have not"},
		{name: "none, literally", provider: p, changes: appsim.Claims{"aud": "none"}, settings: map[string]string{"JWT_AUDIENCE": "none"}, wrong: "JWT_AUDIENCE"},
		{name: "no audience", provider: clerk, settings: map[string]string{"JWT_AUDIENCE": "my-app", "ALLOWED_ORIGINS": "https://app.example.com"},
			wrong: "JWT_AUDIENCE", says: "The token has no aud", fix: "set JWT_AUDIENCE to none"},
		{name: "a client", provider: cognito, settings: map[string]string{"JWT_AUDIENCE": "my-app"},
			wrong: "JWT_AUDIENCE", says: `its client_id is "1example23456789"`, fix: "set JWT_AUDIENCE to 1example23456789"},
		{name: "JWT_AUDIENCE is not set", provider: cognito, settings: map[string]string{"JWT_AUDIENCE": ""}, wrong: "JWT_AUDIENCE", fix: "set JWT_AUDIENCE to 1example23456789"},
		{name: "a page that is not listed", provider: clerk, wrong: "azp", says: "https://app.example.com", fix: "add https://app.example.com to ALLOWED_ORIGINS"},
		{name: "a sign-in that is not over", provider: clerk, changes: appsim.Claims{"sts": "pending", "azp": nil}, wrong: "sts", fix: "Sign in to the end"},
		{name: "no user", provider: p, changes: appsim.Claims{"sub": nil}, wrong: "sub", says: "no sub"},
		{name: "a number for a user", provider: p, changes: appsim.Claims{"sub": 7}, wrong: "sub", says: "no sub that is a text"},
		{name: "an id that can be none", provider: p, changes: appsim.Claims{"sub": strings.Repeat("x", 256)}, wrong: "sub", says: "more than 255 characters"},
		{name: "ended", provider: p, changes: appsim.Claims{"exp": time.Now().Add(-time.Hour).Unix()}, wrong: "exp", says: "The token ended at ", fix: "Take a new token."},
		{name: "ended, and for another", provider: p, changes: appsim.Claims{"exp": time.Now().Add(-time.Hour).Unix(), "aud": "another"},
			wrong: "JWT_AUDIENCE exp", fix: "set JWT_AUDIENCE to another"},
		{name: "endless", provider: p, changes: appsim.Claims{"exp": nil}, wrong: "exp", says: "has no exp"},
		{name: "not begun", provider: p, changes: appsim.Claims{"nbf": time.Now().Add(time.Hour).Unix()}, wrong: "exp", says: "(nbf)", fix: "clocks"},
		{name: "keys of another issuer", provider: p, settings: map[string]string{"JWT_JWKS_URL": other.URL + "/.well-known/jwks.json"},
			wrong: "JWT_JWKS_URL", says: "is not there, but kid", fix: "set JWT_JWKS_URL to the issuer's key set"},
		{name: "no keys there", provider: p, settings: map[string]string{"JWT_JWKS_URL": p.URL + "/keys"}, wrong: "JWT_JWKS_URL", says: "It answers 404.", fix: "Set JWT_JWKS_URL to"},
		{name: "an address that is none", provider: p, settings: map[string]string{"JWT_JWKS_URL": "keys"}, wrong: "JWT_JWKS_URL", says: "is not a complete URL"},
		{name: "a cookie that is too small", provider: p, changes: appsim.Claims{"roles": strings.Repeat("x", 3000)}, settings: map[string]string{"JWT_COOKIE": "session"},
			wrong: "JWT_COOKIE", says: "No browser", fix: "post it"},
		{name: "a cookie's name that is none", provider: p, settings: map[string]string{"JWT_COOKIE": "a=b"}, wrong: "JWT_COOKIE", says: "a character that does not belong there"},
		{name: "a ticket", provider: p, token: (&appsim.App{Secret: vouchSecret}).Ticket(appsim.Demo()[0], "n"), wrong: "JWT_AUDIENCE JWT_ISSUER algorithm", says: "signed with a secret"},
		{name: "a session of Auth.js", provider: p, token: "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn", says: "It is encrypted", fix: "Use VOUCH_URL"},
		{name: "no token", provider: p, token: "sb_publishable_x", says: "it has not three parts"},
		{name: "half of a token", provider: p, token: "eyJhbGciOiJSUzI1NiJ9.eyJ", says: "it has not three parts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := maps.Clone(c.provider.Settings())
			maps.Copy(settings, c.settings)
			token := c.token
			if token == "" {
				token = c.provider.Token("user_ada", c.changes)
			}
			checks := judge(t, token, settings, nil)
			var wrong []string
			says, fix := strings.ReplaceAll(c.says, "{URL}", c.provider.URL), strings.ReplaceAll(c.fix, "{URL}", c.provider.URL)
			said, fixed := false, false
			for _, one := range checks {
				if one.State == isWrong && one.Name != verdictName {
					wrong = append(wrong, one.Name)
				}
				said, fixed = said || strings.Contains(one.Problem, says), fixed || strings.Contains(one.Fix, fix)
			}
			slices.Sort(wrong)
			if got := strings.Join(wrong, " "); got != c.wrong || !said || !fixed {
				t.Errorf("wrong: %s; says it: %v, names the fix: %v\n%s", got, said, fixed, strings.Join(notPassed(checks), "\n"))
			}
			if last := checks[len(checks)-1]; last.Name != verdictName || last.State == isOK && !strings.HasPrefix(c.wrong, "JWT_COOKIE") {
				t.Errorf("the verdict is %v", last)
			}
		})
	}
}

// Without settings the doctor says what they would be.
func TestTokenWithoutSettings(t *testing.T) {
	t.Parallel()
	p := &appsim.Provider{Style: appsim.CognitoAccess}
	provide(t, p)
	want := []string{
		"unchecked JWT_ISSUER: It is not set here. For this token: " + p.URL + "/us-east-1_Example",
		"unchecked JWT_AUDIENCE: It is not set here. For this token: 1example23456789",
	}
	if diff := cmp.Diff(want, notPassed(judge(t, p.Token("user_ada"), nil, nil))[1:]); diff != "" || p.Fetches() != 0 {
		t.Errorf("%d fetches\n%s", p.Fetches(), diff)
	}
}

// What the doctor finds wrong and what the deployment refuses are the same tokens.
func TestVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Token, Expect string
		Rules               struct{ Aud string }
	}
	var file struct {
		Audience, Issuer string
		Origins          []string
		Now              int64
		JWKS             json.RawMessage
		Tokens           []vector
	}
	text, err := os.ReadFile("../../lib/identity/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Tokens) < 25 {
		t.Fatalf("%d tokens: %v", len(file.Tokens), err)
	}
	keys := httptest.NewServer(answering(200, nil, string(file.JWKS)))
	t.Cleanup(keys.Close)
	for _, v := range file.Tokens {
		t.Run(v.Name, func(t *testing.T) {
			settings := map[string]string{
				"JWT_ISSUER": file.Issuer, "JWT_AUDIENCE": file.Audience, "JWT_JWKS_URL": keys.URL, "ALLOWED_ORIGINS": strings.Join(file.Origins, ","),
			}
			if v.Rules.Aud != "" {
				settings["JWT_AUDIENCE"] = v.Rules.Aud
			}
			checks := judge(t, v.Token, settings, func() time.Time { return time.Unix(file.Now, 0) })
			if fits := !slices.ContainsFunc(checks, func(c check) bool { return c.State == isWrong }); fits != (v.Expect == "ok") {
				t.Errorf("want %s:\n%s", v.Expect, strings.Join(notPassed(checks), "\n"))
			}
		})
	}
}

// An issuer whose keys are not where they usually are often says where.
func TestKeySet(t *testing.T) {
	t.Parallel()
	p := &appsim.Provider{Style: appsim.Plain}
	provide(t, p)
	keys, gone := answering(200, nil, `{"jwks_uri":"https://id.example.com/my/keys"}`), http.NotFound
	for _, c := range []struct {
		name                string
		keys, configuration http.HandlerFunc
		problem, fix        string
	}{
		{"a page", answering(200, nil, "<html>"), gone, "It answers no key set.", "Set JWT_JWKS_URL to the key set of JWT_ISSUER"},
		{"gone, and told where", gone, keys, "It answers 404.", "Set JWT_JWKS_URL to https://id.example.com/my/keys"},
		{"moved", answering(301, map[string]string{"Location": "/x"}, ""), keys, "It answers 301.", "Set JWT_JWKS_URL to https://id.example.com/my/keys"},
		{"too large", answering(200, nil, `{"keys":[]`+strings.Repeat(" ", 70<<10)+`}`), gone, "It answers no key set.", "Set JWT_JWKS_URL"},
		{"none", answering(200, nil, `{"keys":[]}`), gone, "Of the keys there none can be used", "Let the issuer sign"},
		{"secrets", answering(200, nil, `{"keys":[{"kty":"oct","k":"c2VjcmV0LWs"},{"kty":"EC","crv":"P-384"}]}`), gone,
			`none can be used: kty "oct"; kty "EC", crv "P-384".`, "Let the issuer sign"},
		{"a hang-up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, gone, "Nothing answers there: ", "Set JWT_JWKS_URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				serve := map[string]http.HandlerFunc{"/.well-known/jwks.json": c.keys, "/.well-known/openid-configuration": c.configuration}[r.URL.Path]
				serve(w, r)
			}))
			t.Cleanup(issuer.Close)
			checks := judge(t, p.Token("user_ada", appsim.Claims{"iss": issuer.URL}), map[string]string{"JWT_ISSUER": issuer.URL, "JWT_AUDIENCE": "instagram"}, nil)
			last := checks[len(checks)-2:]
			if got := last[0]; got.Name != "JWT_JWKS_URL" || got.State != isWrong || !strings.Contains(got.Problem, c.problem) || !strings.Contains(got.Fix, c.fix) || strings.Contains(got.Problem, "c2Vj") {
				t.Error(got)
			}
			if last[1].State != isUnchecked {
				t.Error(last[1])
			}
		})
	}
}

// The token comes from standard input, never from an argument, and is shown nowhere.
func TestTokenFlag(t *testing.T) {
	t.Parallel()
	p := &appsim.Provider{Style: appsim.Plain}
	provide(t, p)
	at := newDeployment(t, (*httptest.Server).Start)
	token := p.Token("user_ada")
	settings := p.Settings()
	call := func(stdin string, args ...string) (status int, stdout, stderr string) {
		var out, errors strings.Builder
		status = run(t.Context(), append([]string{"-url", at.URL}, args...), func(name string) string { return settings[name] }, strings.NewReader(stdin), &out, &errors)
		if strings.Contains(out.String()+errors.String(), token) {
			t.Error("the token is shown")
		}
		return status, out.String(), errors.String()
	}
	status, out, _ := call(token+"\n", "-token")
	if status != 0 || !strings.Contains(out, "\nThe token on standard input, by the settings here\n  note         it says ") || !strings.Contains(out, "\n  ok           "+verdictName+"\n") {
		t.Errorf("%d %s", status, out)
	}
	if status, out, _ = call(token, "-json", "-token"); status != 0 || !strings.Contains(out, `"name": "JWT_ISSUER"`) {
		t.Errorf("%d %s", status, out)
	}
	at.Close()
	if status, out, _ = call(token, "-token"); status != 1 || !strings.Contains(out, "\n1 of ") || !strings.Contains(out, "\n  ok           JWT_ISSUER\n") {
		t.Errorf("while nothing answers: %d %s", status, out)
	}
	for _, wrongly := range [][]string{{"-token", token}, {"-token=" + token}, {"-token=false"}} {
		if status, out, errors := call("", wrongly...); status != 2 || out != "" || !strings.Contains(errors, "standard input") {
			t.Errorf("%d %s%s", status, out, errors)
		}
	}
	if status, _, errors := call(" \n", "-token"); status != 2 || !strings.Contains(errors, "nothing on standard input") {
		t.Errorf("%d %s", status, errors)
	}
}
