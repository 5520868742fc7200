package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"igconnect/internal/deploytest"
)

// sharing are the settings of a deployment that another website may use.
var sharing = map[string]string{"ALLOWED_ORIGINS": appOrigin}

// from is the header of a request from an origin, "" for none.
func from(origin string) map[string]string {
	if origin == "" {
		return map[string]string{}
	}
	return map[string]string{"Origin": origin}
}

// A form POST of another domain's page names its user by the session token.
func TestLoginByForm(t *testing.T) {
	t.Parallel()
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
		{"with a token whose sub is no UUID", appOrigin, deploytest.SessionUntil("auth0|7", time.Now().Add(time.Hour)), 401, "signed_out"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deployWith(t, sharing, brand(1))
			d.newBrowser() // no session cookie: the app lives on another domain
			got := d.sendForm("/api/login", from(c.origin), url.Values{"access_token": {c.token}, "return_to": {appOrigin + "/done"}})
			if c.code != "" {
				d.WantError(got, c.status, c.code)
				if len(d.Cookies("igconnect")) != 0 {
					t.Error("a state was set")
				}
				return
			}
			d.want(got, c.status, "")
			d.WantRedirect(d.Get(d.approve(got.Location())), http.StatusSeeOther, appOrigin+"/done?connected="+instagramID(1))
			if d.row(ada, 1) == nil {
				t.Errorf("rows: %v", d.Supabase.Rows())
			}
		})
	}
}

// The token of a form never counts in a query, where it would be logged.
func TestLoginTokenInQueryCountsNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	d.newBrowser()
	got := d.sendForm("/api/login?access_token="+session(ada), map[string]string{"Origin": d.URL}, url.Values{"x": {"y"}})
	d.WantError(got, 401, "signed_out")
	d.WantError(d.Send("GET", "/api/login?access_token="+session(ada), nil, ""), 401, "signed_out")
}

func TestLoginByScript(t *testing.T) {
	t.Parallel()
	asJSON := func(token, origin string) map[string]string {
		header := from(origin)
		header["Authorization"], header["Accept"] = "Bearer "+token, "application/json"
		return header
	}
	d := deployWith(t, map[string]string{"ALLOWED_ORIGINS": appOrigin, "SIGN_IN_URL": appOrigin + "/sign-in"}, brand(1))
	d.newBrowser()

	got := d.Send("GET", "/api/login?return_to=/x", asJSON(session(ada), appOrigin), "")
	var answered struct{ URL string }
	if err := json.Unmarshal([]byte(got.Body), &answered); err != nil || got.StatusCode != 200 || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %s", got.StatusCode, got.Header.Get("Content-Type"), got.Body)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": appOrigin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin", "Cache-Control": "no-store",
	} {
		if got := got.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	d.WantRedirect(d.Get(d.approve(answered.URL)), http.StatusSeeOther, "/x?connected="+instagramID(1))

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
		d.want(d.Send("GET", "/api/login", c.header, ""), c.status, c.code, c.name)
	}

	// On another host the cookie would be lost, and a redirect would lose the token.
	header := asJSON(session(ada), "")
	header["Host"] = "www.app.example"
	d.want(d.Send("GET", "/api/login", header, ""), 400, "bad_request", "on another host")
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	d := deployWith(t, sharing)
	for _, c := range []struct {
		path, origin string
		status       int
		methods      string
	}{
		{"/api/login", appOrigin, 204, "GET, OPTIONS, POST"},
		{"/api/accounts", appOrigin, 204, "DELETE, GET, OPTIONS"},
		{"/api/accounts", d.URL, 204, "DELETE, GET, OPTIONS"},
		{"/api/login", "https://evil.example", 403, ""},
		{"/api/accounts", "null", 403, ""},
		{"/api/accounts", "", 403, ""},
		{"/api/callback", appOrigin, 405, ""},
	} {
		got := d.Send("OPTIONS", c.path, map[string]string{"Origin": c.origin, "Access-Control-Request-Method": "GET"}, "")
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
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(d deployment, value string)
		status int
	}{
		{"chunks", func(d deployment, value string) {
			d.SetCookie("sb-127-auth-token.0", value[:60])
			d.SetCookie("sb-127-auth-token.1", value[60:])
		}, 302},
		{"a chunk is missing", func(d deployment, value string) {
			d.SetCookie("sb-127-auth-token.0", value[:60])
			d.SetCookie("sb-127-auth-token.2", value[60:])
		}, 401},
		{"raw", func(d deployment, _ string) {
			d.SetCookie("sb-127-auth-token", url.PathEscape(`{"access_token":"`+session(ada)+`","refresh_token":"r"}`))
		}, 302},
		{"another name", func(d deployment, value string) {
			d.Set("SUPABASE_AUTH_COOKIE", "sb-mine")
			d.SetCookie("sb-mine", value)
		}, 302},
		{"a neighbour", func(d deployment, value string) { d.SetCookie("sb-127-auth-token-code-verifier", value) }, 401},
		{"junk", func(d deployment, _ string) { d.SetCookie("sb-127-auth-token", "base64-%%%") }, 401},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			value := d.Cookies("sb-127-auth-token")[0].Value
			d.newBrowser()
			c.change(d, value)
			d.want(d.Get("/api/login"), c.status, map[int]string{401: "signed_out"}[c.status])
		})
	}
}

// Whoever is signed in at the end must be who began.
func TestUserChangedAtTheChooser(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, brand(1), brand(2))
	d.SignIn(ben)
	d.WantError(d.Submit(chooser, choice(1)), 409, "user_changed")
	d.SignIn(ada)
	d.WantDone(d.Submit(chooser, choice(1)), "/?connected="+instagramID(1))
}

// A form that is posted to another host name: that of the same host goes on to
// the right one, that of the app would lose its Origin in a redirect.
func TestLoginByFormOnAnotherHost(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"ALLOWED_ORIGINS": appOrigin + ",https://www.app.example"})
	for origin, want := range map[string]int{"https://www.app.example": 307, appOrigin: 400} {
		header := map[string]string{"Host": "www.app.example", "Origin": origin}
		got := d.sendForm("/api/login", header, url.Values{"access_token": {session(ada)}})
		d.want(got, want, map[int]string{400: "bad_request"}[want], origin)
	}
}
