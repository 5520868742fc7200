package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
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
	for _, path := range []string{"/api/health", "/api/accounts", "/api/deletion?code=x", "/api/webhook?hub.mode=subscribe", "/api/renew", "/api/choose", "/igconnect/style.css"} {
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
	parallel(t, "to be chosen", func(t *testing.T) {
		d := deploy(t, brand(1), brand(2))
		if got := d.Get(d.LogIn("", metasim.Approval{})); !regexp.MustCompile(`^/api/choose\?flow=[0-9a-f]{16}#$`).MatchString(got.Location()) {
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

// A public report: the callback came twice, by a double tap, a reload or a scanner of links, and the
// second one said that nothing was saved though all was. It leads where the first one did.
func TestCallbackTwice(t *testing.T) {
	t.Parallel()
	const query = "?return_to=/x%23y"
	done := "/x?connected=" + instagramID(1) + "#y"
	ended := func(t *testing.T) (d deployment, callback string, state *http.Cookie) {
		t.Helper()
		d = deploy(t, brand(1))
		callback = d.LogIn(query, metasim.Approval{})
		state = d.Cookies("igconnect_state_")[0]
		d.WantRedirect(d.Get(callback), http.StatusSeeOther, done)
		t.Cleanup(func() {
			if saves := d.count("save"); saves != 1 || len(d.Supabase.Rows()) != 1 {
				t.Errorf("%d saves of %v", saves, d.Supabase.Rows())
			}
			if exchanged := strings.Count(d.Steps(), "upgrade"); exchanged != 1 {
				t.Errorf("Meta was asked: %s", d.Steps())
			}
		})
		return d, callback, state
	}
	parallel(t, "reloaded", func(t *testing.T) {
		d, callback, _ := ended(t)
		before := d.Steps()
		for range 3 {
			d.WantRedirect(d.Get(callback), http.StatusSeeOther, done)
			d.WantRedirect(d.Get(with(callback, "code")), http.StatusSeeOther, done)
		}
		if d.Steps() != before {
			t.Errorf("Meta was asked: %s", d.Steps())
		}
	})
	parallel(t, "the first answer never arrived", func(t *testing.T) {
		d, callback, state := ended(t)
		d.newBrowser()
		d.SignIn(ada)
		d.SetCookie(state.Name, state.Value)
		d.WantRedirect(d.Get(callback), http.StatusSeeOther, done) // the code is used up, and Meta says so
		d.WantRedirect(d.Get(callback), http.StatusSeeOther, done)
	})
	parallel(t, "in another browser", func(t *testing.T) {
		d, callback, _ := ended(t)
		d.newBrowser()
		d.want(d.Get(callback), 400, "state_mismatch")
		d.SignIn(ada)
		d.want(d.Get(callback), 400, "state_mismatch")
	})
	parallel(t, "with another state", func(t *testing.T) {
		d, callback, _ := ended(t)
		d.want(d.Get(with(callback, "state", strings.Repeat("A", 43))), 400, "state_mismatch")
		d.want(d.Get(with(callback, "state")), 400, "state_mismatch")
	})
	parallel(t, "by another user", func(t *testing.T) {
		d, callback, _ := ended(t)
		d.SignIn(ben)
		d.want(d.Get(callback), 409, "user_changed")
	})
	parallel(t, "after ten minutes", func(t *testing.T) {
		d, callback, _ := ended(t)
		d.reseal("igconnect_ended_", "iat", 11*time.Minute)
		d.want(d.Get(callback), 400, "state_mismatch")
	})
	parallel(t, "with the cookie of another login", func(t *testing.T) {
		d, callback, _ := ended(t)
		mine := d.Cookies("igconnect_ended_")[0]
		other := d.LogIn("", metasim.Approval{Deny: true})
		d.Get(other)
		for _, cookie := range d.Cookies("igconnect_ended_") {
			if cookie.Name != mine.Name {
				d.SetCookie(mine.Name, cookie.Value)
			}
		}
		d.want(d.Get(callback), 400, "state_mismatch")
	})
}

// Both requests are sent before the first is answered: Meta takes the code of one, and the other waits
// for what that one saves. Neither says that nothing was saved.
func TestCallbackTwiceAtOnce(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	d.stored(ada, 7, "5001", nil) // an older one
	callback := d.LogIn("?return_to=/x&instagram_id="+instagramID(2), metasim.Approval{})
	d.Supabase.SetLatency(200 * time.Millisecond)
	answers := make([]answer, 3)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = d.Get(callback) })
	}
	all.Wait()
	for _, got := range append(answers, d.Get(callback)) {
		d.WantRedirect(got, http.StatusSeeOther, "/x?connected="+instagramID(2))
	}
	if saves, steps := d.count("save"), d.Steps(); saves != 1 || strings.Count(steps, "exchange") < 2 || strings.Count(steps, "upgrade") != 1 {
		t.Errorf("not at once: %d saves, Meta was asked: %s", saves, steps)
	}
}

// Where nothing was saved since this login began, a code that Meta does not take is just that, and the
// page claims nothing about what another request may have done.
func TestCodeRefusedAndNothingSaved(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the other request")
	d := deploy(t, brand(1))
	d.stored(ada, 1, "5001", nil)
	begun := time.Now()
	callback := d.LogIn("", metasim.Approval{})
	d.stored(ben, 2, "5002", map[string]any{"connected_at": time.Now().Add(time.Second).Format(time.RFC3339)})
	d.stored(ada, 3, "5001", map[string]any{"connected_at": time.Now().Add(time.Second).Format(time.RFC3339), "status": "reconnect"})
	d.Meta.Inject(metasim.Fault{Step: "exchange", Code: 100, Subcode: 36009, Message: "This authorization code has been used."})
	got := d.Get(callback)
	d.want(got, 400, "code_rejected")
	if strings.Contains(got.Body, "othing was saved") || time.Since(begun) > 15*time.Second {
		t.Errorf("after %v: %s", time.Since(begun), got.Body)
	}
}

// A no is a no the second time, too.
func TestDeniedTwice(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	denied := d.LogIn("?return_to=/x", metasim.Approval{Deny: true})
	for range 2 {
		d.WantRedirect(d.Get(denied), http.StatusSeeOther, "/x?error=access_denied")
	}
	denied = d.LogIn("", metasim.Approval{Deny: true})
	for range 2 {
		d.WantError(d.Get(denied), 403, "access_denied")
	}
}

// A reload of what the callback showed: the chooser stands there again while the grant lives, then
// what was chosen counts; and what could not be saved is tried again.
func TestCallbackReloaded(t *testing.T) {
	t.Parallel()
	parallel(t, "the chooser", func(t *testing.T) {
		d := deploy(t, brand(1), brand(2))
		callback := d.LogIn("?return_to=/x", metasim.Approval{})
		d.wantTexts(d.ComeBack(callback), instagramID(1), instagramID(2))
		again := d.ComeBack(callback)
		d.wantTexts(again, instagramID(1), instagramID(2))
		d.WantDone(d.Submit(again, choice(2)), "/x?connected="+instagramID(2))
		d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/x?connected="+instagramID(2))
		d.SignIn(ben)
		d.want(d.Get(callback), 409, "user_changed")
		if saves := d.count("save"); saves != 1 {
			t.Errorf("%d saves", saves)
		}
	})
	parallel(t, "the chooser, by another user", func(t *testing.T) {
		d := deploy(t, brand(1), brand(2))
		callback := d.LogIn("", metasim.Approval{})
		d.Get(callback)
		d.SignIn(ben)
		d.WantError(d.Get(callback), 409, "user_changed")
	})
	parallel(t, "an outage", func(t *testing.T) {
		d := deploy(t, brand(1), brand(2))
		d.Supabase.Break("save", reply(409, `{"code":"40001"}`))
		callback := d.LogIn("?instagram_id="+instagramID(2), metasim.Approval{})
		for range 2 {
			d.WantError(d.Get(callback), 503, "store_unavailable")
		}
		d.Supabase.Break("save", nil)
		for range 2 {
			d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(2))
		}
		if saves := d.count("save"); saves != 3 || len(d.Supabase.Rows()) != 1 {
			t.Errorf("%d saves of %v", saves, d.Supabase.Rows())
		}
	})
	parallel(t, "more accounts than a cookie holds", func(t *testing.T) {
		d := deploy(t, deploytest.Brands(1, 250)...)
		callback := d.LogIn("", metasim.Approval{})
		_, ids, _ := strings.Cut(d.Choose(d.ComeBack(callback)).Location(), "&")
		d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?"+ids)
	})
	parallel(t, "an explanation", func(t *testing.T) {
		d := deploy(t, brand(1), metasim.Page{ID: "20009", Name: "Bare Page"})
		callback := d.LogIn("?explain=1", metasim.Approval{})
		d.wantTexts(d.Get(callback), "Bare Page")
		d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))
	})
}

// Two presses on Connect at once save the same twice, which changes nothing, and lead to one place.
func TestChosenTwiceAtOnce(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, brand(1), brand(2))
	d.Supabase.SetLatency(100 * time.Millisecond)
	answers := make([]answer, 2)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = d.Submit(chooser, choice(1, 2)) })
	}
	all.Wait()
	for _, got := range append(answers, d.Submit(chooser, choice(1))) {
		d.WantDone(got, "/?connected="+instagramID(1)+","+instagramID(2))
	}
	if rows := d.Supabase.Rows(); len(rows) != 2 {
		t.Errorf("rows: %v", rows)
	}
}

// Public reports: the fragment that Meta adds became part of the last parameter, escaped by a proxy or
// an in-app browser, some of them twice.
func TestFragmentGluedOn(t *testing.T) {
	t.Parallel()
	for _, glued := range []string{
		"%23_%3D_", "%23_=_", "%23%5F%3D%5F", "%23", "%23_%3D_%23_%3D_", "%2523_%253D_", "%2523_=_", "%252523_%25253D_", "%23_",
	} {
		parallel(t, glued, func(t *testing.T) {
			d := deploy(t, brand(1))
			d.WantRedirect(d.Get(d.LogIn("", metasim.Approval{})+glued), http.StatusSeeOther, "/?connected="+instagramID(1)) // state is last
			callback, err := url.Parse(d.LogIn("", metasim.Approval{}))
			if err != nil {
				t.Fatal(err)
			}
			at, values := d.URL+callback.Path, callback.Query()
			d.WantRedirect(d.Get(at+"?state="+values.Get("state")+glued+"&code="+values.Get("code")+glued), http.StatusSeeOther, "/?connected="+instagramID(1))
			denied, err := url.Parse(d.LogIn("?return_to=/x", metasim.Approval{Deny: true}))
			if err != nil {
				t.Fatal(err)
			}
			d.WantRedirect(d.Get(at+"?state="+denied.Query().Get("state")+"&error=access_denied"+glued), http.StatusSeeOther, "/x?error=access_denied")
			d.want(d.Get(at+"?code=x&state="+strings.Repeat("A", 43)+glued), 400, "state_mismatch")
		})
	}
}

// A public report: the dialog's own words, which say what to set at Meta, were in no log. They are
// masked: whoever has a state of ours can write anything there.
func TestDialogsRefusalIsLogged(t *testing.T) {
	t.Parallel()
	token := "EAAB" + strings.Repeat("x", 60)
	for name, c := range map[string]struct {
		answer url.Values
		logged []string
	}{
		"the app is not live": {url.Values{"error_code": {"1349168"}, "error_message": {"App not active: switch it to Live"}},
			[]string{"error_code 1349168", "error_message App not active: switch it to Live"}},
		"a message alone": {url.Values{"error_message": {"It is not enabled"}}, []string{"error_message It is not enabled"}},
		"all at once": {url.Values{"error": {"server_error"}, "error_reason": {"why"}, "error_description": {"what"}, "error_code": {"2"}},
			[]string{"error server_error, error_code 2, error_reason why, error_description what"}},
		"hostile": {url.Values{"error": {"x\n{\"level\":\"INFO\"}"}, "error_message": {"token " + token + strings.Repeat(" y", 999)}}, []string{"token […] y", "…"}},
	} {
		parallel(t, name, func(t *testing.T) {
			d := deploy(t, brand(1))
			callback, err := url.Parse(d.LogIn("", metasim.Approval{}))
			if err != nil {
				t.Fatal(err)
			}
			c.answer.Set("state", callback.Query().Get("state"))
			got := d.Get(d.URL + callback.Path + "?" + c.answer.Encode())
			d.WantError(got, 502, "meta_unavailable")
			for _, text := range c.logged {
				if log := d.Watch.Log(); !strings.Contains(log, text) || strings.Contains(log, token) || strings.Count(log, `"route":"callback"`) != 1 {
					t.Errorf("the log lacks %q: %s", text, log)
				}
				if strings.Contains(got.Body, text) && text != "…" {
					t.Errorf("the page shows %q", text)
				}
			}
		})
	}
}
