package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// A public report: the <Link> of an app's page fetched /api/login again and again, and the state of
// the login under way was pushed out of the browser. Whoever only looks ahead begins nothing, uses
// nothing up, and is never led to Meta.
func TestLookingAhead(t *testing.T) {
	t.Parallel()
	for _, ahead := range []map[string]string{
		{"Next-Router-Prefetch": "1", "RSC": "1"}, {"RSC": "1", "Next-Router-State-Tree": "%5B%22%22%5D"}, {"Sec-Purpose": "prefetch"},
		{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}, {"X-Purpose": "preview"}, {"X-Moz": "prefetch"}, {"method": "HEAD"},
	} {
		parallel(t, fmt.Sprint(ahead), func(t *testing.T) {
			d := deployWith(t, map[string]string{"SIGN_IN_URL": appOrigin}, brand(1))
			header := maps.Clone(ahead)
			delete(header, "method")
			look := func(path string) {
				got := d.Send(max(ahead["method"], "GET"), path, header, "")
				if got.StatusCode != 204 || got.Location() != "" || got.Body != "" || len(got.Cookies()) != 0 || got.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %d to %q, cookies %v, %v", path, got.StatusCode, got.Location(), got.Cookies(), got.Header)
				}
			}
			callback := d.LogIn("", metasim.Approval{})
			for range 5 {
				look("/api/login?return_to=/x")
				look("/api/auth/login")
				look(callback)
			}
			look("/api/login?return_to=//evil.example")
			if steps := d.Steps(); steps != "dialog dialog" {
				t.Errorf("Meta was asked: %s", steps)
			}
			d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))
			d.newBrowser()
			look("/api/login") // signed out: not led to the sign-in either
		})
	}
}

// A public report: the app set its session cookie for the whole domain, the old one for the host alone
// went on coming along, and people were sent to the sign-in and back for ever. A session that Auth
// refuses costs only itself.
func TestOldSessionCookieBeside(t *testing.T) {
	t.Parallel()
	const name = "sb-127-auth-token"
	whole := func(token string) string { return name + "=" + deploytest.CookieOf(token) }
	chunks := func(token string) string {
		value := deploytest.CookieOf(token)
		return name + ".0=" + value[:100] + "; " + name + ".1=" + value[100:200] + "; " + name + ".2=" + value[200:]
	}
	hour := func(hours int) time.Time { return time.Now().Add(time.Duration(hours) * time.Hour) }
	old, forged := deploytest.SessionUntil(ada, hour(-30)), strings.TrimSuffix(deploytest.SessionUntil(ada, hour(1e6)), "dXJl")+"AAAA"
	current := session(ada)
	for _, c := range []struct {
		name    string
		cookies []string
		status  int
	}{
		{"the old one first", []string{whole(old), whole(current)}, 302},
		{"the old one last", []string{whole(current), whole(old)}, 302},
		{"in chunks, the old ones first", []string{chunks(old), chunks(current)}, 302},
		{"in chunks, the old ones last", []string{chunks(current), chunks(old)}, 302},
		{"old chunks, a new whole one", []string{chunks(old), whole(current)}, 302},
		{"an old whole one, new chunks", []string{whole(old), chunks(current)}, 302},
		{"one that Auth refuses, newer", []string{whole(forged), whole(current)}, 302},
		{"another user's that has ended", []string{whole(deploytest.SessionUntil(ben, hour(-1))), whole(current)}, 302},
		{"a deleted user's", []string{whole(session("00000000-0000-4000-8000-00000000000d")), whole(current)}, 302},
		{"one whose sub is no UUID", []string{whole(deploytest.SessionUntil("auth0|7", hour(1e6))), whole(current)}, 302},
		{"only old ones", []string{whole(old), chunks(old)}, 401},
		{"two users, both well", []string{whole(deploytest.SessionUntil(ben, hour(1))), whole(current)}, 401},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			d.Watch.Know(map[string]string{"the old session": old, "the forged session": forged})
			d.newBrowser()
			header := map[string]string{"Cookie": strings.Join(c.cookies, "; ")}
			begun := d.Send("GET", "/api/login", header, "")
			d.want(begun, c.status, map[int]string{401: "signed_out"}[c.status])
			if c.status != 302 {
				return
			}
			state := d.Cookies("igconnect_state_")[0]
			header["Cookie"] += "; " + state.Name + "=" + state.Value
			callback := d.approve(begun.Location())
			d.newBrowser() // the header has all cookies
			d.WantRedirect(d.Send("GET", callback, header, ""), http.StatusSeeOther, "/?connected="+instagramID(1))
			d.want(d.Send("GET", "/api/accounts", header, ""), 200, "")
		})
	}
}

// HEAD answers as GET does, and the daily job does not run by it.
func TestHead(t *testing.T) {
	t.Parallel()
	d, _ := connected(t, brand(1))
	for _, path := range []string{"/api/health", "/api/accounts", "/api/deletion?code=x", "/api/webhook?hub.mode=subscribe", "/api/renew", "/api/choose", "/style.css"} {
		full, head := d.Get(path), d.Send("HEAD", path, nil, "")
		if path == "/api/renew" {
			full.StatusCode, full.Response.Header = 204, head.Header
		}
		if head.StatusCode != full.StatusCode || head.Code() != full.Code() || head.Body != "" || head.Header.Get("Content-Type") == "" && path != "/api/renew" {
			t.Errorf("%s: %d %s, GET %d %s", path, head.StatusCode, head.Code(), full.StatusCode, full.Code())
		}
	}
}

// A public report: Meta's #_=_ arrived in the app, whose router took it for a route. Browsers keep a
// fragment until a redirect has one, so every way out of the callback has.
func TestFragmentEndsHere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, returnTo, want string
		approval             metasim.Approval
	}{
		{"connected", "", "/?connected=" + instagramID(1) + "#", metasim.Approval{}},
		{"connected, elsewhere", appOrigin + "/x?y", appOrigin + "/x?y&connected=" + instagramID(1) + "#", metasim.Approval{}},
		{"connected, an own fragment", "/x#/route?a", "/x?connected=" + instagramID(1) + "#/route?a", metasim.Approval{}},
		{"connected, an own empty one", "/x#", "/x?connected=" + instagramID(1) + "#", metasim.Approval{}},
		{"denied", "/x", "/x?error=access_denied#", metasim.Approval{Deny: true}},
		{"denied, an own fragment", "/x#a", "/x?error=access_denied#a", metasim.Approval{Deny: true}},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deployWith(t, sharing, brand(1))
			got := d.Get(d.LogIn("?return_to="+url.QueryEscape(c.returnTo), c.approval))
			if got.StatusCode != http.StatusSeeOther || got.Location() != c.want {
				t.Errorf("%d to %q, want %q", got.StatusCode, got.Location(), c.want)
			}
		})
	}
	parallel(t, "chosen", func(t *testing.T) {
		d, chooser := connected(t, brand(1), brand(2))
		if got := d.Submit(chooser, choice(2)); got.Location() != "/?connected="+instagramID(2)+"#" {
			t.Errorf("to %q", got.Location())
		}
	})
}

// A header of CORS that is empty is no header: found where REDIRECT_URI was missing, beside
// misconfigured, for requests that name no origin.
func TestNoEmptyAllowedOrigin(t *testing.T) {
	t.Parallel()
	d := deployWith(t, sharing)
	for _, redirectURI := range []string{"", "/api/callback", d.RedirectURI()} {
		d.Set("REDIRECT_URI", redirectURI)
		for _, path := range []string{"/api/login", "/api/accounts"} {
			for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS", "HEAD"} {
				for _, header := range []map[string]string{{}, {"Origin": ""}, {"Origin": "null"}} {
					if allowed, ok := d.Send(method, path, header, "").Header["Access-Control-Allow-Origin"]; ok {
						t.Errorf("%s %s with %v, REDIRECT_URI %q: allows %q", method, path, header, redirectURI, allowed)
					}
				}
			}
		}
	}
}

// Tried on real PostgREST: for a user who was deleted on the way it answers 409 with 23503, and
// "try again" would have been said for ever.
func TestUserDeletedOnTheWay(t *testing.T) {
	t.Parallel()
	gone := func(d deployment, got answer) {
		d.T.Helper()
		d.WantError(got, 401, "signed_out")
		d.wantTexts(got, "Please sign in first", "Sign in to the app")
		if left := d.Cookies("igconnect_"); len(left) != 0 {
			d.T.Errorf("left in the browser: %v", left)
		}
		if !strings.Contains(d.Watch.Log(), "the user is deleted") {
			d.T.Errorf("the log does not say why: %s", d.Watch.Log())
		}
		d.want(d.Get("/api/login"), 401, "signed_out")
		d.want(d.Get("/api/accounts"), 401, "signed_out")
	}
	parallel(t, "at the dialog", func(t *testing.T) {
		d := deploy(t, brand(1))
		callback := d.LogIn("", metasim.Approval{})
		d.Supabase.DeleteUser(ada)
		gone(d, d.Get(callback))
	})
	parallel(t, "at the chooser", func(t *testing.T) {
		d, chooser := connected(t, brand(1), brand(2))
		d.Supabase.DeleteUser(ada)
		gone(d, d.Submit(chooser, choice(1, 2)))
	})
	parallel(t, "before another try", func(t *testing.T) {
		d := deploy(t, brand(1))
		d.Supabase.Break("save", html(502))
		down := d.Connect()
		d.Supabase.Break("save", nil)
		d.Supabase.DeleteUser(ada)
		gone(d, d.Submit(down, nil))
	})
}
