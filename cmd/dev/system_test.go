package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
	"igconnect/lib/config"
)

// TestDeployment shows that vercel.json, api/ and public/ fit each other.
func TestDeployment(t *testing.T) {
	if _, err := (&system{}).handler(options{root: "../.."}); err != nil {
		t.Error(err)
	}
}

func TestListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for addr, want := range map[string]string{
		taken.Addr().String(): "port " + port + " is taken, perhaps by somebody or another igconnect: stop that, or choose another port with -flag 127.0.0.1:",
		"localhost:" + port:   "is taken",
		"3000":                `the address "3000" is not of the form host:port`,
	} {
		if _, err := listen(addr, "-flag", "somebody"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", addr, err, want)
		}
	}
}

func TestOwnPath(t *testing.T) {
	s := &system{origin: "http://localhost:3000"}
	for returnTo, want := range map[string]string{
		"": "/dev/", "/": "/", "/api/login?return_to=%2F": "/api/login?return_to=%2F",
		"http://localhost:3000/api/login?a=b": "/api/login?a=b",
	} {
		if got, ok := s.ownPath(returnTo); !ok || got != want {
			t.Errorf("%q: %q, want %q", returnTo, got, want)
		}
	}
	for _, returnTo := range []string{
		"http://localhost:3000", "http://localhost:3000//evil.example", "http://localhost:3000.evil.example/",
		"http://localhost:30000/", "http://localhost:3000@evil.example/", "//evil.example", `/\evil.example`,
		"/\t/evil.example", "/a\r\nb", " /a", "https://evil.example/", "javascript:alert(1)", "a", "/%zz",
	} {
		if got, ok := s.ownPath(returnTo); ok {
			t.Errorf("%q: %q, want none", returnTo, got)
		}
	}
}

// TestDatabaseDown shows that reads pass while the database is gone, and what fails.
func TestDatabaseDown(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer backend.Close()
	for _, tt := range []struct {
		orders       []faultproxy.Order
		method, path string
		want         int
	}{
		{nil, "POST", "/rest/v1/rpc/save_connections", 200},
		{[]faultproxy.Order{writesFail}, "POST", "/rest/v1/rpc/save_connections", 502},
		{[]faultproxy.Order{writesFail}, "GET", "/rest/v1/user_configs", 200},
		{[]faultproxy.Order{writesFail}, "HEAD", "/rest/v1/user_configs", 200},
		{[]faultproxy.Order{writesFail}, "OPTIONS", "/rest/v1/user_configs", 200}, // a preflight
		{[]faultproxy.Order{writesFail}, "POST", "/auth/v1/token", 200},
		{[]faultproxy.Order{writesFail}, "POST", "/rest/v1/rpc/ingest_instagram_events", 502},
		{[]faultproxy.Order{inboxFails}, "POST", "/rest/v1/rpc/ingest_instagram_events", 502},
		{[]faultproxy.Order{inboxFails}, "POST", "/rest/v1/rpc/claim_instagram_events", 200},
		{[]faultproxy.Order{inboxFails}, "POST", "/rest/v1/rpc/save_connections", 200},
	} {
		var group faultproxy.Group
		for _, order := range tt.orders {
			group.Order(order)
		}
		rec := httptest.NewRecorder()
		group.Proxy("supabase", faultproxy.To(backend.URL)).ServeHTTP(rec, httptest.NewRequest(tt.method, tt.path, nil))
		if rec.Code != tt.want {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, rec.Code, tt.want)
		}
	}
}

// TestPages shows what /dev/ answers where Meta alone is simulated.
func TestPages(t *testing.T) {
	s := &system{
		origin: "http://localhost:3000", at: addresses{meta: "http://localhost:4000"}, meta: metasim.New(metasim.Config{}),
		env: env{"SUPABASE_URL": "http://127.0.0.1:1"}, // nobody listens
	}
	defer s.meta.Close()
	for _, tt := range []struct {
		method, target, form, origin string
		status                       int
		body                         string
	}{
		{"GET", "/dev/", "", "", 200, "Nobody is signed in."},
		{"GET", "/dev/sign-in?return_to=/x", "", "", 200, `name="return_to" value="/x"`},
		{"GET", "/dev/sign-in?return_to=//evil.example", "", "", 400, "That address is not ours"},
		{"POST", "/dev/sign-in", "return_to=//evil.example", "", 400, "That address is not ours"},
		{"POST", "/dev/sign-in", "email=a&password=b", "", 502, "Signing in: "},
		{"POST", "/dev/sign-in", "email=a&password=b", "https://evil.example", 403, ""},
		{"POST", "/dev/fault", "name=upgrade", "", 303, ""},
		{"GET", "/dev/", "", "", 200, "upgrade to a 60-day token fails."},
		{"POST", "/dev/fault", "name=save", "", 400, "no such fault"},                      // Supabase is real
		{"GET", "/dev/", "", "", 200, "A simulated message would lie among the real ones"}, // Supabase is real
		{"POST", "/dev/send", "account=1&person=7700112233440001&kind=message&text=a", "", 400, "only where both"},
		{"POST", "/dev/work", "", "", 400, "only where both"},
		{"POST", "/dev/life", "name=days-60", "", 400, "only where both"},
		{"POST", "/dev/life", "name=days-60", "https://evil.example", 403, ""},
		{"GET", "/dev/", "", "", 200, "what happens to a connection would change real rows"},
		{"POST", "/dev/send", "", "https://evil.example", 403, ""},
		{"GET", "/dev/assets/dev.js", "", "", 200, "refresh"},
		{"GET", "/dev/assets/inbox.html", "", "", 404, ""},
		{"GET", "/dev/fault", "", "", 405, ""},
		{"GET", "/dev/nothing", "", "", 404, ""},
	} {
		r := posting(tt.target, tt.form)
		r.Method = tt.method
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		rec := httptest.NewRecorder()
		s.pages().ServeHTTP(rec, r)
		name := tt.method + " " + tt.target + " " + tt.form
		if rec.Code != tt.status || !strings.Contains(rec.Body.String(), tt.body) {
			t.Errorf("%s: %d, want %d with %q:\n%s", name, rec.Code, tt.status, tt.body, rec.Body)
		}
		if strings.Contains(rec.Body.String(), "<b>") {
			t.Errorf("%s: the query is in the page unescaped", name)
		}
		policy := rec.Header().Get("Content-Security-Policy")
		if strings.Contains(rec.Body.String(), "<html") && !strings.Contains(policy, "form-action 'self' http://localhost:4000;") {
			t.Errorf("%s: policy %q", name, policy)
		}
	}
}

// TestRealMeta shows that nothing is simulated beside the real Meta, and the page says so.
func TestRealMeta(t *testing.T) {
	s := &system{origin: "http://localhost:3000", env: env{"SUPABASE_URL": "http://127.0.0.1:1"}}
	rec := httptest.NewRecorder()
	s.pages().ServeHTTP(rec, httptest.NewRequest("GET", "/dev/", nil))
	if body := rec.Body.String(); !strings.Contains(body, "Meta is the real one here") || strings.Contains(body, "/dev/send") || strings.Contains(body, "/dev/work") || strings.Contains(body, "/dev/life") {
		t.Errorf("%d:\n%s", rec.Code, body)
	}
}

// TestSignIn signs in at a Supabase that gives nothing but a token.
func TestSignIn(t *testing.T) {
	supabase := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Apikey") != "the-key" || r.FormValue("grant_type") != "password" {
			http.Error(w, "unexpected", http.StatusTeapot)
			return
		}
		w.Write([]byte(`{"access_token":"x","expires_in":3600,"user":{"email":"eve@example.com"}}`))
	}))
	defer supabase.Close()
	s := &system{origin: "http://localhost:3000", env: env{"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": "the-key"}}
	form := url.Values{"email": {"eve@example.com"}, "password": {"p"}, "return_to": {"/next"}}
	rec := httptest.NewRecorder()
	s.pages().ServeHTTP(rec, posting("/dev/sign-in", form.Encode()))
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/next" {
		t.Fatalf("%d to %q:\n%s", rec.Code, rec.Header().Get("Location"), rec.Body)
	}
	next := httptest.NewRequest("GET", "/", nil)
	for _, c := range rec.Result().Cookies() {
		next.AddCookie(c)
	}
	if got := signedInAs(next, "sb-127-auth-token"); got != "eve@example.com" {
		t.Errorf("signed in as %q", got)
	}
}

// TestOwnHosts shows that a name that somebody else pointed at this machine is not ours.
func TestOwnHosts(t *testing.T) {
	s := &system{origin: "https://Dev.example.com"}
	h := s.ownHosts(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for want, hosts := range map[int][]string{
		http.StatusNoContent: {
			"localhost:3000", "LOCALHOST", "127.0.0.1:3000", "[::1]:3000", "[::1]", "dev.example.com", "dev.example.com:443",
		},
		http.StatusMisdirectedRequest: {
			"", ":3000", "localhost.:3000", "evil.example:3000", "localhost.evil.example", "a.dev.example.com",
			"127.0.0.1.evil.example", "127.0.0.2", "0.0.0.0:3000", "[::2]:3000",
		},
	} {
		for _, host := range hosts {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = host
			rec := httptest.NewRecorder()
			if h.ServeHTTP(rec, r); rec.Code != want {
				t.Errorf("Host %q: %d, want %d", host, rec.Code, want)
			}
		}
	}
}

func TestSessionCookies(t *testing.T) {
	long := `{"user":{"email":"ada@example.com"},"x":"` + strings.Repeat("y", 6000) + `"}`
	for name, tt := range map[string]struct {
		session string
		before  []string
		want    map[string]int // name: length of the value; -1: removed
		email   string
	}{
		"one piece":       {`{"user":{"email":"ada@example.com"}}`, nil, map[string]int{"sb-x-auth-token": 55}, "ada@example.com"},
		"chunks":          {long, nil, map[string]int{"sb-x-auth-token.0": 3180, "sb-x-auth-token.1": 3180, "sb-x-auth-token.2": 1705}, "ada@example.com"},
		"piece to chunks": {long, []string{"sb-x-auth-token"}, map[string]int{"sb-x-auth-token": -1, "sb-x-auth-token.0": 3180, "sb-x-auth-token.1": 3180, "sb-x-auth-token.2": 1705}, "ada@example.com"},
		"chunks to piece": {`{}`, []string{"sb-x-auth-token.0", "sb-x-auth-token.1"}, map[string]int{"sb-x-auth-token": 10, "sb-x-auth-token.0": -1, "sb-x-auth-token.1": -1}, ""},
		"signing out": {"", []string{"sb-x-auth-token", "sb-x-auth-token.0", "sb-x-auth-token-code-verifier", "sb-x-auth-token.x", "other"},
			map[string]int{"sb-x-auth-token": -1, "sb-x-auth-token.0": -1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			for _, n := range tt.before {
				r.AddCookie(&http.Cookie{Name: n, Value: "old"})
			}
			rec, got := httptest.NewRecorder(), map[string]int{}
			setSession(rec, r, "sb-x-auth-token", []byte(tt.session))
			next := httptest.NewRequest("GET", "/", nil)
			for _, c := range rec.Result().Cookies() {
				got[c.Name] = len(c.Value)
				if c.MaxAge < 0 {
					got[c.Name] = -1
				} else {
					next.AddCookie(c)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if email := signedInAs(next, "sb-x-auth-token"); email != tt.email {
				t.Errorf("signed in as %q, want %q", email, tt.email)
			}
		})
	}
}

func TestParseEnv(t *testing.T) {
	text := "\ufeff# a comment\r\n\r\n" +
		"PLAIN=value\r\n" +
		"export  EXPORTED = spaced out # why\n" +
		"HASH=a#b\n" +
		"EMPTY=\n" +
		"ONLY_COMMENT= # nothing\n" +
		`DOUBLE="a \"b\"\n#c" # why` + "\n" +
		`SINGLE='a\n"b"'` + "\n" +
		"URL=https://a.example/?b=c&d=e\n" +
		"TWICE=1\nTWICE=2"
	got, err := parseEnv(text)
	if err != nil {
		t.Fatal(err)
	}
	want := env{
		"PLAIN": "value", "EXPORTED": "spaced out", "HASH": "a#b", "DOUBLE": "a \"b\"\n#c", "SINGLE": `a\n"b"`,
		"URL": "https://a.example/?b=c&d=e", "TWICE": "2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseEnvRefuses(t *testing.T) {
	for _, text := range []string{"A=1\nsecret", "A=1\n=secret", "A=1\n2A=secret", "A=1\nB=\"secret", "A=1\nB='secret' more"} {
		if _, err := parseEnv(text); err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error must name the line and not show it: %v", text, err)
		}
	}
}

func TestEnvCheck(t *testing.T) {
	for _, tt := range []struct {
		env            env
		ok             bool
		meta, supabase bool
	}{
		{env{}, true, false, false},
		{env{"FB_APP_ID": "1", "FB_APP_SECRET": "s"}, true, true, false},
		{env{"NEXT_PUBLIC_SUPABASE_URL": "u", "SUPABASE_SERVICE_ROLE_KEY": "k"}, true, false, true},
		{env{"FB_APP_ID": "1"}, false, true, false},
		{env{"FB_APP_SECRET": "s"}, false, false, false},
		{env{"SUPABASE_URL": "u"}, false, false, true},
		{env{"SUPABASE_SECRET_KEY": "k"}, false, false, false},
	} {
		if err := tt.env.check(); (err == nil) != tt.ok || tt.env.realMeta() != tt.meta || tt.env.realSupabase() != tt.supabase {
			t.Errorf("%v: %v, Meta %v, Supabase %v", tt.env, err, tt.env.realMeta(), tt.env.realSupabase())
		}
	}
}

// TestExample shows that .env.example is a valid file that sets nothing, and names every
// variable that the functions read, but for Vercel's own.
func TestExample(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parseEnv(string(text)); err != nil || len(got) > 0 {
		t.Errorf("it sets %v, %v", got, err)
	}
	missing := slices.DeleteFunc(slices.Clone(config.Variables), func(name string) bool {
		return strings.HasPrefix(name, "VERCEL_") || strings.Contains(string(text), name)
	})
	if len(missing) > 0 {
		t.Errorf("it does not mention %q", missing)
	}
}
