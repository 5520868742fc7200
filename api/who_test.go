package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"igconnect/internal/metasim"
)

const appOrigin = "https://app.example"

// request sends what a script or a foreign page would.
func (w *world) request(method, path string, header map[string]string, form url.Values) answer {
	w.t.Helper()
	body := strings.NewReader(form.Encode())
	request, err := http.NewRequest(method, w.url+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	return w.do(request)
}

// A form POST of another domain's page names its user by the session token.
func TestLoginByForm(t *testing.T) {
	for _, c := range []struct {
		name   string
		origin string // "": the header is missing
		token  string
		status int
		code   string
	}{
		{"from an allowed origin", appOrigin, session(ada), 302, ""},
		{"from an origin that is not allowed", "https://evil.example", session(ada), 403, "forbidden_origin"},
		{"from a similar origin", "https://app.example.evil.example", session(ada), 403, "forbidden_origin"},
		{"from the same host over http", "http://app.example", session(ada), 403, "forbidden_origin"},
		{"without an origin", "", session(ada), 403, "forbidden_origin"},
		{"from a null origin", "null", session(ada), 403, "forbidden_origin"},
		{"without a token", appOrigin, "", 401, "signed_out"},
		{"with a forged token", appOrigin, session("00000000-0000-4000-8000-00000000000c"), 401, "signed_out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1))
			t.Setenv("ALLOWED_ORIGINS", appOrigin)
			w.browser = newBrowser(t) // no session cookie: the app lives on another domain
			header := map[string]string{}
			if c.origin != "" {
				header["Origin"] = c.origin
			}
			got := w.request("POST", "/api/login", header, url.Values{"access_token": {c.token}, "return_to": {appOrigin + "/done"}})
			if c.code != "" {
				w.wantError(got, c.status, c.code)
				if len(w.cookies("igconnect")) != 0 {
					t.Error("a state was set")
				}
				return
			}
			callback, err := w.meta.Approve(t.Context(), got.location(), metasim.Approval{})
			if err != nil || got.StatusCode != c.status {
				t.Fatalf("%d %s: %v", got.StatusCode, got.code(), err)
			}
			callback, _, _ = strings.Cut(callback, "#")
			w.wantRedirect(w.get(callback), http.StatusSeeOther, appOrigin+"/done?connected="+instagramID(1))
			if w.supa.rows()[ada+"/"+instagramID(1)] == nil {
				t.Errorf("rows: %v", w.supa.rows())
			}
		})
	}
}

// The token of a form never counts in a query, where it would be logged.
func TestLoginTokenInQuery(t *testing.T) {
	w := start(t, brand(1))
	w.browser = newBrowser(t)
	got := w.request("POST", "/api/login?access_token="+session(ada), map[string]string{"Origin": w.url}, url.Values{"x": {"y"}})
	w.wantError(got, 401, "signed_out")
	got = w.request("GET", "/api/login?access_token="+session(ada), nil, nil)
	w.wantError(got, 401, "signed_out")
}

func TestLoginByScript(t *testing.T) {
	asJSON := func(token, origin string) map[string]string {
		header := map[string]string{"Authorization": "Bearer " + token, "Accept": "application/json"}
		if origin != "" {
			header["Origin"] = origin
		}
		return header
	}
	w := start(t, brand(1))
	t.Setenv("ALLOWED_ORIGINS", appOrigin)
	t.Setenv("SIGN_IN_URL", appOrigin+"/sign-in")
	w.browser = newBrowser(t)

	got := w.request("GET", "/api/login?return_to=/x", asJSON(session(ada), appOrigin), nil)
	var answered struct{ URL string }
	if err := json.Unmarshal([]byte(got.body), &answered); err != nil || got.StatusCode != 200 || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %s", got.StatusCode, got.Header.Get("Content-Type"), got.body)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": appOrigin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin", "Cache-Control": "no-store",
	} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	callback, err := w.meta.Approve(t.Context(), answered.URL, metasim.Approval{})
	if err != nil {
		t.Fatal(err)
	}
	callback, _, _ = strings.Cut(callback, "#")
	w.wantRedirect(w.get(callback), http.StatusSeeOther, "/x?connected="+instagramID(1))

	for _, c := range []struct {
		name   string
		header map[string]string
		status int
		code   string
	}{
		{"of its own origin, unnamed", asJSON(session(ada), ""), 200, ""},
		{"from an origin that is not allowed", asJSON(session(ada), "https://evil.example"), 403, "forbidden_origin"},
		{"from a null origin", asJSON(session(ada), "null"), 403, "forbidden_origin"},
		{"with a forged token", asJSON("a.b.c", appOrigin), 401, "signed_out"},
		{"with an empty token", asJSON("", appOrigin), 401, "signed_out"},
	} {
		got := w.request("GET", "/api/login", c.header, nil)
		if got.StatusCode != c.status || got.code() != c.code {
			t.Errorf("%s: %d %s", c.name, got.StatusCode, got.code())
		}
	}

	// On another host the cookie would be lost, and a redirect would lose the token.
	request, _ := http.NewRequest("GET", w.url+"/api/login", nil)
	request.Host = "www.app.example"
	for name, value := range asJSON(session(ada), "") {
		request.Header.Set(name, value)
	}
	if got := w.do(request); got.code() != "bad_request" {
		t.Errorf("on another host: %d %s", got.StatusCode, got.code())
	}
}

func TestPreflight(t *testing.T) {
	w := start(t, brand(1))
	t.Setenv("ALLOWED_ORIGINS", appOrigin)
	for _, c := range []struct {
		path, origin string
		status       int
		methods      string
	}{
		{"/api/login", appOrigin, 204, "GET, OPTIONS, POST"},
		{"/api/accounts", appOrigin, 204, "DELETE, GET, OPTIONS"},
		{"/api/accounts", w.url, 204, "DELETE, GET, OPTIONS"},
		{"/api/login", "https://evil.example", 403, ""},
		{"/api/accounts", "null", 403, ""},
		{"/api/accounts", "", 403, ""},
		{"/api/callback", appOrigin, 405, ""},
	} {
		got := w.request("OPTIONS", c.path, map[string]string{"Origin": c.origin, "Access-Control-Request-Method": "GET"}, nil)
		if got.StatusCode != c.status || got.Header.Get("Access-Control-Allow-Methods") != c.methods {
			t.Errorf("%s from %q: %d, %q", c.path, c.origin, got.StatusCode, got.Header.Get("Access-Control-Allow-Methods"))
		}
		if allowed := got.Header.Get("Access-Control-Allow-Origin"); (allowed == "") != (c.status != 204) {
			t.Errorf("%s from %q allows %q", c.path, c.origin, allowed)
		}
	}
}

// The session cookie in each form that @supabase/ssr writes.
func TestSessionCookieForms(t *testing.T) {
	whole := func(w *world) string { return w.cookies("sb-127-auth-token")[0].Value }
	for _, c := range []struct {
		name   string
		change func(w *world, value string)
		status int
	}{
		{"chunks", func(w *world, value string) {
			w.setCookie("sb-127-auth-token.0", value[:60])
			w.setCookie("sb-127-auth-token.1", value[60:])
		}, 302},
		{"a chunk is missing", func(w *world, value string) {
			w.setCookie("sb-127-auth-token.0", value[:60])
			w.setCookie("sb-127-auth-token.2", value[60:])
		}, 401},
		{"raw", func(w *world, _ string) {
			w.setCookie("sb-127-auth-token", url.PathEscape(`{"access_token":"`+session(ada)+`","refresh_token":"r"}`))
		}, 302},
		{"another name", func(w *world, value string) {
			w.t.Setenv("SUPABASE_AUTH_COOKIE", "sb-mine")
			w.setCookie("sb-mine", value)
		}, 302},
		{"a neighbour", func(w *world, value string) { w.setCookie("sb-127-auth-token-code-verifier", value) }, 401},
		{"junk", func(w *world, _ string) { w.setCookie("sb-127-auth-token", "base64-%%%") }, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1))
			value := whole(w)
			w.browser = newBrowser(t)
			c.change(w, value)
			if got := w.get("/api/login"); got.StatusCode != c.status {
				t.Errorf("%d %s", got.StatusCode, got.code())
			}
		})
	}
}

// Whoever is signed in at the end must be who began.
func TestUserChangedAtTheChooser(t *testing.T) {
	w := start(t, brand(1), brand(2))
	chooser := w.get(w.login("", metasim.Approval{}))
	w.signIn(ben)
	w.wantError(w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}}), 409, "user_changed")
	w.signIn(ada)
	w.wantRedirect(w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}}), 303, "/?connected="+instagramID(1))
}

// A form that is posted to another host name: that of the same host goes on to
// the right one, that of the app would lose its Origin in a redirect.
func TestLoginByFormOnAnotherHost(t *testing.T) {
	for origin, want := range map[string]int{"https://www.app.example": 307, appOrigin: 400} {
		w := start(t)
		t.Setenv("ALLOWED_ORIGINS", appOrigin+",https://www.app.example")
		request, _ := http.NewRequest("POST", w.url+"/api/login", strings.NewReader(url.Values{"access_token": {session(ada)}}.Encode()))
		request.Host = "www.app.example"
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", origin)
		if got := w.do(request); got.StatusCode != want {
			t.Errorf("from %s: %d %s", origin, got.StatusCode, got.code())
		}
	}
}
