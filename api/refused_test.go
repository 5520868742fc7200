package api_test

import (
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

func TestStateRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world, callback string) string // returns the address to visit
		status int
		code   string
	}{
		{"no cookie", func(w *world, callback string) string {
			w.browser = newBrowser(w.t)
			return callback
		}, 400, "state_mismatch"},
		{"no state", func(w *world, callback string) string { return without(callback, "state") }, 400, "state_mismatch"},
		{"an empty state", func(w *world, callback string) string { return with(callback, "state", "") }, 400, "state_mismatch"},
		{"a foreign state", func(w *world, callback string) string { return with(callback, "state", sealed.Random(32)) }, 400, "state_mismatch"},
		{"a state with a bad %", func(w *world, callback string) string { return callback + "&state=%zz" }, 303, ""},
		{"nothing but a bad %", func(w *world, callback string) string { return "/api/callback?state=%zz&code=%" }, 400, "state_mismatch"},
		{"a cookie altered in one byte", func(w *world, callback string) string {
			cookie := w.cookies("igconnect_state_")[0]
			altered := []byte(cookie.Value)
			altered[20] = map[bool]byte{true: 'B', false: 'A'}[altered[20] == 'A']
			w.setCookie(cookie.Name, string(altered))
			return callback
		}, 400, "state_mismatch"},
		{"another state's seal under this name", func(w *world, callback string) string {
			mine := w.cookies("igconnect_state_")[0].Name
			w.get("/api/login")
			for _, cookie := range w.cookies("igconnect_state_") {
				if cookie.Name != mine {
					w.setCookie(mine, cookie.Value)
				}
			}
			return callback
		}, 400, "state_mismatch"},
		{"a seal that is older than ten minutes", func(w *world, callback string) string {
			w.setCookie(aged(w, callback, 11*time.Minute))
			return callback
		}, 400, "state_expired"},
		{"no code", func(w *world, callback string) string { return without(callback, "code") }, 400, "bad_request"},
		{"the dialog's own failure", func(w *world, callback string) string {
			return with(without(callback, "code"), "error", "temporarily_unavailable")
		}, 502, "meta_unavailable"},
		{"a made-up code", func(w *world, callback string) string { return with(callback, "code", "made-up") }, 400, "code_rejected"},
		{"another user's session", func(w *world, callback string) string {
			w.signIn(ben)
			return callback
		}, 409, "user_changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1))
			got := w.get(c.change(w, w.login("?return_to=/x", metasim.Approval{})))
			if c.code != "" {
				w.wantError(got, c.status, c.code)
			} else if got.StatusCode != c.status {
				t.Errorf("got %d %s", got.StatusCode, got.code())
			}
			if c.code == "state_mismatch" || c.code == "user_changed" {
				if steps := w.steps(); steps != "dialog dialog" {
					t.Errorf("Meta was asked: %s", steps)
				}
			}
		})
	}
}

// aged is a state cookie as the callback's login would have set it some time
// ago, sealed with the deployment's own key.
func aged(w *world, callback string, age time.Duration) (name, value string) {
	box, err := sealed.NewBox([]secret.String{secret.New(appSecret)}, w.redirectURI()+" "+os.Getenv("SUPABASE_URL"))
	if err != nil {
		w.t.Fatal(err)
	}
	name = w.cookies("igconnect_state_")[0].Name
	plain, err := box.Open(name, w.cookies("igconnect_state_")[0].Value)
	if err != nil {
		w.t.Fatal(err)
	}
	issued := strings.Index(string(plain), `"iat":`) + len(`"iat":`)
	end := issued + strings.IndexAny(string(plain[issued:]), ",}")
	then := time.Now().Add(-age).Unix()
	return name, box.Seal(name, []byte(string(plain[:issued])+strconv.FormatInt(then, 10)+string(plain[end:])))
}

func TestCallbackTwice(t *testing.T) {
	w := start(t, brand(1))
	callback := w.login("", metasim.Approval{})
	stolen := w.cookies("igconnect_state_")[0]
	w.wantRedirect(w.get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))

	if got := w.get(callback); got.StatusCode != 400 || got.code() != "state_mismatch" {
		t.Errorf("the second time: %d %s", got.StatusCode, got.code())
	}
	w.setCookie(stolen.Name, stolen.Value) // even somebody who kept the cookie has a used code
	if got := w.get(callback); got.StatusCode != 400 || got.code() != "code_rejected" {
		t.Errorf("with the old cookie: %d %s", got.StatusCode, got.code())
	}
	if rows := w.supa.rows(); len(rows) != 1 {
		t.Errorf("rows: %v", rows)
	}
}

// The cookie is cleared whatever follows, so a failed callback cannot be
// replayed either.
func TestStateWorksOnce(t *testing.T) {
	w := start(t, brand(1))
	callback := w.login("", metasim.Approval{})
	w.meta.Order(metasim.Order{Step: "exchange", Times: 1, Status: 500})
	w.wantError(w.get(callback), 502, "meta_unavailable")
	if left := w.cookies("igconnect_state_"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	w.wantError(w.get(callback), 400, "state_mismatch")
}

func TestTwoTabs(t *testing.T) {
	w := start(t, brand(1))
	first := w.login("?return_to=/first", metasim.Approval{})
	second := w.login("?return_to=/second", metasim.Approval{})
	w.wantRedirect(w.get(second), http.StatusSeeOther, "/second?connected="+instagramID(1))
	w.wantRedirect(w.get(first), http.StatusSeeOther, "/first?connected="+instagramID(1))
}

func TestAbandonedLogins(t *testing.T) {
	w := start(t, brand(1))
	for range 10 {
		w.get("/api/login")
	}
	if left := w.cookies("igconnect_state_"); len(left) != 4 {
		t.Errorf("%d cookies", len(left))
	}
	w.wantRedirect(w.connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

func TestDenied(t *testing.T) {
	w := start(t, brand(1))
	got := w.get(w.login("?return_to="+url.QueryEscape("/settings?connected=1"), metasim.Approval{Deny: true}))
	w.wantRedirect(got, http.StatusSeeOther, "/settings?error=access_denied")
	w.wantError(w.get(w.login("", metasim.Approval{Deny: true})), 403, "access_denied")

	// A made-up denial that this browser did not ask for leads nowhere.
	w.wantError(w.get("/api/callback?error=access_denied&state=x"), 400, "state_mismatch")
}

func TestReturnToRefused(t *testing.T) {
	w := start(t, brand(1))
	t.Setenv("ALLOWED_ORIGINS", "https://app.example")
	for _, returnTo := range []string{
		"//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", " //evil.example", "/%2fevil.example",
		"https://evil.example", "https://app.example.evil.example", "https://app.example@evil.example", "https://app.example:pw@app.example",
		"http://app.example", "https://app.example:8443", "https:evil.example", "https:/evil.example", "https:///evil.example",
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "settings", "?x", "#x", "https://app。example", "https://appexample\u3002",
		"/x?a=%zz", "/%zz", "/" + strings.Repeat("x", 512),
	} {
		got := w.get("/api/login?return_to=" + url.QueryEscape(returnTo))
		if got.StatusCode != 400 || got.code() != "bad_request" {
			t.Errorf("%q: %d %s", returnTo, got.StatusCode, got.code())
		}
	}
	if len(w.supa.seen()) != 0 {
		t.Error("Supabase was asked before return_to was known to be ours")
	}
	for _, returnTo := range []string{"/", "/settings?a=1&b=%2F#c", "https://app.example/x", "HTTPS://APP.example:443/x", w.url + "/mine"} {
		if got := w.get("/api/login?return_to=" + url.QueryEscape(returnTo)); got.StatusCode != http.StatusFound {
			t.Errorf("%q: %d %s", returnTo, got.StatusCode, got.code())
		}
	}
}

func TestLoginOnAnotherHost(t *testing.T) {
	w := start(t, brand(1))
	request, _ := http.NewRequest("GET", w.url+"/api/login?return_to=%2Fx", nil)
	request.Host = "www.app.example"
	got := w.do(request)
	w.wantRedirect(got, http.StatusTemporaryRedirect, w.url+"/api/login?moved=1&return_to=%2Fx")
	if len(got.Cookies()) != 0 {
		t.Errorf("a cookie on the wrong host: %v", got.Cookies())
	}

	// Once: a proxy that renames hosts must not make a loop.
	request, _ = http.NewRequest("GET", w.url+"/api/login?moved=1", nil)
	request.Host = "www.app.example"
	for _, cookie := range w.cookies("sb-") {
		request.AddCookie(cookie)
	}
	if got := w.do(request); got.StatusCode != http.StatusFound || !strings.Contains(got.location(), "/dialog/oauth") {
		t.Errorf("moved already: %d to %s", got.StatusCode, got.location())
	}
}

func TestSignedOut(t *testing.T) {
	for _, c := range []struct{ name, cookie string }{
		{"no cookie", ""},
		{"junk", "base64-!!!"},
		{"a forged token", "base64-eyJhY2Nlc3NfdG9rZW4iOiJhLmIuYyJ9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1))
			w.browser = newBrowser(t)
			if c.cookie != "" {
				w.setCookie("sb-127-auth-token", c.cookie)
			}
			w.wantError(w.get("/api/login?user_id="+ada+"&email=ada@example.com"), 401, "signed_out")

			t.Setenv("SIGN_IN_URL", "https://app.example/sign-in?from=ig")
			login := w.url + "/api/login?return_to=%2Fx"
			w.wantRedirect(w.get("/api/login?return_to=/x"), http.StatusFound,
				"https://app.example/sign-in?from=ig&return_to="+url.QueryEscape(login))
		})
	}
}

func TestMisconfigured(t *testing.T) {
	for _, c := range []struct{ variable, value string }{
		{"FB_APP_ID", ""}, {"FB_APP_SECRET", ""}, {"REDIRECT_URI", ""}, {"REDIRECT_URI", "/api/callback"}, {"SUPABASE_URL", ""},
		{"SUPABASE_URL", "http://%zz"}, {"SUPABASE_SECRET_KEY", ""}, {"GRAPH_API_VERSION", "latest"}, {"ALLOWED_ORIGINS", "*"},
	} {
		t.Run(c.variable+"="+c.value, func(t *testing.T) {
			w := start(t, brand(1))
			t.Setenv(c.variable, c.value)
			for _, path := range []string{"/api/login", "/api/callback?state=x&code=y"} {
				w.wantError(w.get(path), 500, "misconfigured")
			}
			w.wantError(w.post("/api/choose", nil), 500, "misconfigured")
			if !strings.Contains(w.logged(), c.variable+" ") {
				t.Errorf("the log does not name the variable: %s", w.logged())
			}
		})
	}
}

func TestMethodsAndPaths(t *testing.T) {
	w := start(t, brand(1))
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/api/login", "GET, OPTIONS, POST"}, {"POST", "/api/callback", "GET"}, {"GET", "/api/choose", "POST"}, {"HEAD", "/api/callback", "GET"},
	} {
		request, _ := http.NewRequest(c.method, w.url+c.path, nil)
		got := w.do(request)
		if got.StatusCode != 405 || got.Header.Get("Allow") != c.allow || got.code() != "method_not_allowed" {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, got.StatusCode, got.Header.Get("Allow"))
		}
	}
	for _, path := range []string{"//evil.example", "//evil.example/api/login", "/api//login", "/api/%2e%2e/login", "/api/login/"} {
		if got := w.get(w.url + path); got.StatusCode/100 == 3 || got.StatusCode == 200 {
			t.Errorf("%s: %d to %q", path, got.StatusCode, got.location())
		}
	}
}

func TestErrorAsJSON(t *testing.T) {
	w := start(t, brand(1))
	request, _ := http.NewRequest("GET", w.url+"/api/callback", nil)
	request.Header.Set("Accept", "application/json, text/html;q=0.9")
	got := w.do(request)
	if got.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.body, `{"error":{"code":"state_mismatch","message":"This login`) ||
		!strings.Contains(got.body, `"request_id":"`+got.Header.Get("X-Vercel-Id")+`"`) {
		t.Errorf("%s: %s", got.Header.Get("Content-Type"), got.body)
	}
	if !strings.Contains(w.logged(), `"request_id":"`+got.Header.Get("X-Vercel-Id")+`"`) {
		t.Errorf("the log lacks the request id: %s", w.logged())
	}
}

// with returns the address with one parameter replaced.
func with(address, name, value string) string {
	u, _ := url.Parse(address)
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

func without(address, name string) string {
	u, _ := url.Parse(address)
	query := u.Query()
	query.Del(name)
	u.RawQuery = query.Encode()
	return u.String()
}
