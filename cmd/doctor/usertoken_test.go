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
		text := c.Problem + c.Fix
		if strings.Contains(text, token) || len(signature) > 8 && strings.Contains(text, signature) || strings.Contains(text, "user_ada") {
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
	type set = map[string]string
	auth0, clerk := &appsim.Provider{Style: appsim.Auth0}, &appsim.Provider{Style: appsim.Clerk, Origin: "https://app.example.com"}
	cognito, another := &appsim.Provider{Style: appsim.CognitoAccess}, &appsim.Provider{Style: appsim.Auth0}
	for _, p := range []*appsim.Provider{auth0, clerk, cognito, another} {
		provide(t, p)
	}
	const listed = "https://app.example.com"
	long := strings.Repeat("x", 256)
	hence, ago := time.Now().Add(time.Hour).Unix(), time.Now().Add(-time.Hour).Unix()
	for _, c := range []struct {
		name     string
		provider *appsim.Provider
		changes  appsim.Claims // to a good token
		settings set           // in the place of the right ones
		wrong    string        // names of the lines that are wrong
		says     string        // in one of them; {URL} is the provider's
		fix      string        // likewise
	}{
		{"a slash too few", auth0, nil, set{"JWT_ISSUER": auth0.URL},
			"JWT_ISSUER", "the slash at the end is missing", "set JWT_ISSUER to {URL}/, byte for byte"},
		{"a slash too many", clerk, nil, set{"JWT_ISSUER": clerk.URL + "/", "ALLOWED_ORIGINS": listed},
			"JWT_ISSUER", "the slash at the end is too much", "set JWT_ISSUER to {URL}, byte for byte"},
		{"capital letters", auth0, nil, set{"JWT_ISSUER": strings.ToUpper(auth0.URL) + "/"},
			"JWT_ISSUER", "capital letters matter", "set JWT_ISSUER to {URL}/"},
		{"another issuer", auth0, appsim.Claims{"iss": "https://id.example"}, nil,
			"JWT_ISSUER", `The token is of "https://id.example"`, "set JWT_ISSUER to https://id.example"},
		{"no issuer", auth0, appsim.Claims{"iss": nil}, nil, "JWT_ISSUER", "has no iss", "Take a token of {URL}/"},

		{"another audience", auth0, nil, set{"JWT_AUDIENCE": "mine"}, "JWT_AUDIENCE",
			`aud ["https://api.example.com","{URL}/userinfo"], and JWT_AUDIENCE is "mine"`,
			"set JWT_AUDIENCE to that one which names your app: https://api.example.com or {URL}/userinfo"},
		{"an audience, and none is expected", auth0, nil, set{"JWT_AUDIENCE": "none"},
			"JWT_AUDIENCE", "none is for tokens that have not", "https://api.example.com"},
		{"none, literally", auth0, appsim.Claims{"aud": "none"}, set{"JWT_AUDIENCE": "none"}, "JWT_AUDIENCE", "has an aud", ""},
		{"no audience", clerk, nil, set{"JWT_AUDIENCE": "my-app", "ALLOWED_ORIGINS": listed},
			"JWT_AUDIENCE", "The token has no aud", "set JWT_AUDIENCE to none"},
		{"a client", cognito, nil, set{"JWT_AUDIENCE": "my-app"},
			"JWT_AUDIENCE", `its client_id is "1example23456789"`, "set JWT_AUDIENCE to 1example23456789"},
		{"JWT_AUDIENCE is not set", cognito, nil, set{"JWT_AUDIENCE": ""},
			"JWT_AUDIENCE", "It is not set here", "set JWT_AUDIENCE to 1example23456789"},

		{"a page that is not listed", clerk, nil, nil, "azp", listed, "add " + listed + " to ALLOWED_ORIGINS"},
		{"a sign-in that is not over", clerk, appsim.Claims{"sts": "pending", "azp": nil}, nil, "sts", "not active", "Sign in to the end"},
		{"no user", auth0, appsim.Claims{"sub": nil}, nil, "sub", "no sub", ""},
		{"a number for a user", auth0, appsim.Claims{"sub": 7}, nil, "sub", "no sub that is a text", ""},
		{"an id that can be none", auth0, appsim.Claims{"sub": long}, nil, "sub", "more than 255 characters", ""},

		{"ended", auth0, appsim.Claims{"exp": ago}, nil, "exp", "The token ended at ", "Take a new token."},
		{"ended, and for another app", auth0, appsim.Claims{"exp": ago, "aud": "another"}, nil,
			"JWT_AUDIENCE exp", "", "set JWT_AUDIENCE to another"},
		{"endless", auth0, appsim.Claims{"exp": nil}, nil, "exp", "has no exp", ""},
		{"not begun", auth0, appsim.Claims{"nbf": hence}, nil, "exp", "(nbf)", "clocks"},

		{"keys of another issuer", auth0, nil, set{"JWT_JWKS_URL": another.URL + "/.well-known/jwks.json"},
			"JWT_JWKS_URL", "is not there, but kid", "set JWT_JWKS_URL to the issuer's key set"},
		{"no keys there", auth0, nil, set{"JWT_JWKS_URL": auth0.URL + "/keys"}, "JWT_JWKS_URL", "It answers 404.", "Set JWT_JWKS_URL to"},
		{"an address that is none", auth0, nil, set{"JWT_JWKS_URL": "keys"}, "JWT_JWKS_URL", "is not a complete URL", ""},

		{"a token too long for a cookie", auth0, appsim.Claims{"roles": strings.Repeat("x", 3000)}, set{"JWT_COOKIE": "session"},
			"JWT_COOKIE", "No browser", "post it"},
		{"a cookie's name that is none", auth0, nil, set{"JWT_COOKIE": "a=b"}, "JWT_COOKIE", "a character that does not belong", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings := c.provider.Settings()
			maps.Copy(settings, c.settings)
			checks := judge(t, c.provider.Token("user_ada", c.changes), settings, nil)
			filled := strings.NewReplacer("{URL}", c.provider.URL)
			says, fix := filled.Replace(c.says), filled.Replace(c.fix)
			var wrong []string
			said, fixed := false, false
			for _, one := range checks {
				if one.State == isWrong && one.Name != verdictName {
					wrong = append(wrong, one.Name)
					said, fixed = said || strings.Contains(one.Problem, says), fixed || strings.Contains(one.Fix, fix)
				}
			}
			slices.Sort(wrong)
			if got := strings.Join(wrong, " "); got != c.wrong || !said || !fixed {
				t.Errorf("%s are wrong; says it: %v, names the fix: %v\n%s", got, said, fixed, strings.Join(notPassed(checks), "\n"))
			}
			verdict := checks[len(checks)-1]
			if accepted := verdict.State == isOK; verdict.Name != verdictName || accepted != (c.wrong == "JWT_COOKIE") {
				t.Errorf("the verdict is %v", verdict)
			}
		})
	}
}

// What is pasted may be something else than a user's JWT.
func TestOtherTokens(t *testing.T) {
	t.Parallel()
	p := &appsim.Provider{Style: appsim.Plain}
	provide(t, p)
	ticket := (&appsim.App{Secret: vouchSecret}).Ticket(appsim.Demo()[0], "n")
	for name, c := range map[string]struct{ token, want string }{
		"a ticket":             {ticket, "wrong algorithm: The token is signed with a secret of its issuer: nobody else can verify it."},
		"a session of Auth.js": {"eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn", "wrong all of it: It is encrypted: only your app can read it."},
		"a key of Supabase's":  {"sb_publishable_x", "wrong all of it: It is refused: it has not three parts."},
		"half of a token":      {"eyJhbGciOiJSUzI1NiJ9.eyJ", "wrong all of it: It is refused: it has not three parts."},
	} {
		if got := notPassed(judge(t, c.token, p.Settings(), nil)); !slices.Contains(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
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
				"JWT_ISSUER": file.Issuer, "JWT_AUDIENCE": file.Audience, "JWT_JWKS_URL": keys.URL,
				"ALLOWED_ORIGINS": strings.Join(file.Origins, ","),
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

// The token comes from standard input, never from an argument, and is shown nowhere.
func TestTokenFlag(t *testing.T) {
	t.Parallel()
	p := &appsim.Provider{Style: appsim.Plain}
	provide(t, p)
	at := newDeployment(t, (*httptest.Server).Start)
	token := p.Token("user_ada")
	settings := p.Settings()
	getenv := func(name string) string { return settings[name] }
	call := func(stdin string, args ...string) (status int, stdout, stderr string) {
		var out, errors strings.Builder
		args = append([]string{"-url", at.URL}, args...)
		status = run(t.Context(), args, getenv, strings.NewReader(stdin), &out, &errors)
		if strings.Contains(out.String()+errors.String(), token) {
			t.Error("the token is shown")
		}
		return status, out.String(), errors.String()
	}
	status, out, _ := call(token+"\n", "-token")
	const said, accepted = "\nThe token on standard input, by the settings here\n  note         it says ", "\n  ok           " + verdictName + "\n"
	if status != 0 || !strings.Contains(out, said) || !strings.Contains(out, accepted) {
		t.Errorf("%d %s", status, out)
	}
	if status, out, _ = call(token, "-json", "-token"); status != 0 || !strings.Contains(out, `"name": "JWT_ISSUER"`) {
		t.Errorf("%d %s", status, out)
	}
	at.Close()
	if status, out, _ = call(token, "-token"); status != 1 || !strings.Contains(out, "\n1 of ") || !strings.Contains(out, accepted) {
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
