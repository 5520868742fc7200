package appsim

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestNext shows that signing in leads to the app or to igconnect's login, and nowhere else.
func TestNext(t *testing.T) {
	t.Parallel()
	root := newBrowser(t, &App{Secret: secret})
	for _, next := range []string{"//evil.example/", "///evil.example/"} {
		got := root.post("/sign-in", url.Values{"next": {next}, "person": {"user_ada"}})
		if got.status != http.StatusBadRequest {
			t.Errorf("%q: status %d, to %q", next, got.status, got.location)
		}
	}
	b := newBrowser(t, &App{Secret: secret, Prefix: "/dev/app"})
	for next, want := range map[string]string{
		"":                             "/dev/app/",
		"/dev/app/":                    "/dev/app/",
		"/dev/app/?connected=1":        "/dev/app/?connected=1",
		"/dev/app/instagram/vouch?n=1": "/dev/app/instagram/vouch?n=1",
		igconnect + "/api/login":       igconnect + "/api/login",
		igconnect + "/api/login?a=%2F": igconnect + "/api/login?a=%2F",

		"/":                                            "",
		"/dev/apple/":                                  "",
		"sign-in":                                      "",
		"//evil.example/dev/app/":                      "",
		"/\\evil.example/":                             "",
		"/dev/app/\\evil.example":                      "",
		"/dev/app/\t/evil.example":                     "",
		"https://evil.example/":                        "",
		"https://evil.example/dev/app/":                "",
		"javascript:alert(1)":                          "",
		igconnect + ".evil.example/":                   "",
		igconnect + "/api/login.evil":                  "",
		igconnect + "/api/callback?code=1":             "",
		"http://connect.example.com/api/login?ticket=": "",
	} {
		form := b.get("/sign-in?" + url.Values{"next": {next}}.Encode())
		returned := b.get("/sign-in?" + url.Values{"return_to": {next}}.Encode())
		posted := b.post("/sign-in", url.Values{"next": {next}, "person": {"user_ada"}})
		status := http.StatusOK
		if want == "" {
			status = http.StatusBadRequest
		}
		if form.status != status || returned.status != status || posted.location != want {
			t.Errorf("%q: pages %d and %d, then to %q; want %d and %q",
				next, form.status, returned.status, posted.location, status, want)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	const signedIn = "You are signed in as <code>user_ada</code>"
	b := newBrowser(t, &App{Secret: secret})
	var passed time.Duration
	b.Now = func() time.Time { return start.Add(passed) }
	ada := url.Values{"person": {"user_ada"}}
	if got := b.post("/sign-in", ada, "Sec-Fetch-Site", "cross-site"); got.status != http.StatusForbidden {
		t.Errorf("the form on another site: status %d", got.status)
	}
	if got := b.post("/sign-in", url.Values{"person": {"user_eve"}}); got.status != http.StatusBadRequest {
		t.Errorf("nobody of the list: status %d", got.status)
	}
	if got := b.get("/"); strings.Contains(got.body, "signed in as") {
		t.Error("somebody is signed in already")
	}
	b.post("/sign-in", ada)
	for after, want := range map[time.Duration]bool{0: true, sessionLife - 1: true, sessionLife: false} {
		passed = after
		if got := b.get("/"); strings.Contains(got.body, signedIn) != want {
			t.Errorf("after %s signed in: %t, want %t", after, !want, want)
		}
	}
	passed = 0
	session := b.cookie(sessionCookie)
	b.post("/sign-out", nil)
	if b.cookie(sessionCookie) != "" {
		t.Error("the cookie is still there")
	}
	at, _ := url.Parse(b.url)
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: sessionCookie, Value: session}})
	if got := b.get("/"); strings.Contains(got.body, signedIn) {
		t.Error("the session outlives signing out")
	}
}
