package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

func TestStateRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(d deployment, callback string) string // returns the address to visit
		status int
		code   string
	}{
		{"no cookie", func(d deployment, callback string) string { d.newBrowser(); return callback }, 400, "state_mismatch"},
		{"no state", func(d deployment, callback string) string { return with(callback, "state") }, 400, "state_mismatch"},
		{"an empty state", func(d deployment, callback string) string { return with(callback, "state", "") }, 400, "state_mismatch"},
		{"a foreign state", func(d deployment, callback string) string { return with(callback, "state", sealed.Random(32)) }, 400, "state_mismatch"},
		{"a state with a bad %", func(d deployment, callback string) string { return callback + "&state=%zz" }, 303, ""},
		{"nothing but a bad %", func(d deployment, callback string) string { return "/api/callback?state=%zz&code=%" }, 400, "state_mismatch"},
		{"a cookie altered in one byte", func(d deployment, callback string) string {
			cookie := d.Cookies("igconnect_state_")[0]
			altered := []byte(cookie.Value)
			altered[20] = map[bool]byte{true: 'B', false: 'A'}[altered[20] == 'A']
			d.SetCookie(cookie.Name, string(altered))
			return callback
		}, 400, "state_mismatch"},
		{"another state's seal under this name", func(d deployment, callback string) string {
			mine := d.Cookies("igconnect_state_")[0].Name
			d.Get("/api/login")
			for _, cookie := range d.Cookies("igconnect_state_") {
				if cookie.Name != mine {
					d.SetCookie(mine, cookie.Value)
				}
			}
			return callback
		}, 400, "state_mismatch"},
		{"a seal that is older than ten minutes", func(d deployment, callback string) string {
			d.reseal("igconnect_state_", "iat", 11*time.Minute)
			return callback
		}, 400, "state_expired"},
		{"no code", func(d deployment, callback string) string { return with(callback, "code") }, 400, "bad_request"},
		{"the dialog's own failure", func(d deployment, callback string) string {
			return with(with(callback, "code"), "error", "temporarily_unavailable")
		}, 502, "meta_unavailable"},
		{"a made-up code", func(d deployment, callback string) string { return with(callback, "code", "made-up") }, 400, "code_rejected"},
		{"another user's session", func(d deployment, callback string) string { d.SignIn(ben); return callback }, 409, "user_changed"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			got := d.Get(c.change(d, d.LogIn("?return_to=/x", metasim.Approval{})))
			d.want(got, c.status, c.code)
			if rows := d.Supabase.Rows(); (len(rows) == 0) != (c.code != "") {
				t.Errorf("rows: %v", rows)
			}
			if steps := d.Steps(); (c.code == "state_mismatch" || c.code == "user_changed") && steps != "dialog dialog" {
				t.Errorf("Meta was asked: %s", steps)
			}
		})
	}
}

// reseal puts another time into the browser's one cookie of a kind, that long ago,
// and seals it with the deployment's own key.
func (d deployment) reseal(kind, field string, age time.Duration) {
	d.T.Helper()
	box, err := sealed.NewBox([]secret.String{secret.New(deploytest.AppSecret)}, d.RedirectURI()+" "+d.Setting("SUPABASE_URL"))
	if err != nil {
		d.T.Fatal(err)
	}
	cookie := d.Cookies(kind)[0]
	plain, err := box.Open(cookie.Name, cookie.Value)
	if err != nil {
		d.T.Fatal(err)
	}
	then := fmt.Appendf(nil, `"%s":%d`, field, time.Now().Add(-age).Unix())
	aged := regexp.MustCompile(`"`+field+`":\d+`).ReplaceAll(plain, then)
	d.SetCookie(cookie.Name, box.Seal(cookie.Name, aged))
}

// The cookie is cleared whatever follows, so a failed callback cannot be
// replayed either.
func TestStateWorksOnce(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	callback := d.LogIn("", metasim.Approval{})
	d.Meta.Inject(metasim.Fault{Step: "exchange", Times: 1, Status: 500})
	d.WantError(d.Get(callback), 502, "meta_unavailable")
	if left := d.Cookies("igconnect_state_"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	d.WantError(d.Get(callback), 400, "state_mismatch")
}

func TestTwoTabs(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	first := d.LogIn("?return_to=/first", metasim.Approval{})
	second := d.LogIn("?return_to=/second", metasim.Approval{})
	d.WantRedirect(d.Get(second), http.StatusSeeOther, "/second?connected="+instagramID(1))
	d.WantRedirect(d.Get(first), http.StatusSeeOther, "/first?connected="+instagramID(1))
}

func TestAbandonedLogins(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	for range 10 {
		d.Get("/api/login")
	}
	if left := d.Cookies("igconnect_state_"); len(left) != 4 {
		t.Errorf("%d cookies", len(left))
	}
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

func TestDenied(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	got := d.Get(d.LogIn("?return_to="+url.QueryEscape("/settings?connected=1"), metasim.Approval{Deny: true}))
	d.WantRedirect(got, http.StatusSeeOther, "/settings?error=access_denied")
	d.WantError(d.Get(d.LogIn("", metasim.Approval{Deny: true})), 403, "access_denied")

	// A made-up denial that this browser did not ask for leads nowhere.
	d.WantError(d.Get("/api/callback?error=access_denied&state=x"), 400, "state_mismatch")
}

func TestReturnToRefused(t *testing.T) {
	t.Parallel()
	d := deployWith(t, sharing)
	for _, returnTo := range []string{
		"//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", " //evil.example", "/%2fevil.example",
		"https://evil.example", "https://app.example.evil.example", "https://app.example@evil.example", "https://app.example:pw@app.example",
		"http://app.example", "https://app.example:8443", "https:evil.example", "https:/evil.example", "https:///evil.example",
		"javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "settings", "?x", "#x", "https://app。example", "https://appexample\u3002",
		"/x?a=%zz", "/%zz", "/" + strings.Repeat("x", 512), "/.//evil.example", "/foo/..//evil.example", "/%2e//evil.example", "/.\\evil.example",
		d.URL + "/.//evil.example", "https://app.example//evil.example",
	} {
		got := d.Get("/api/login?return_to=" + url.QueryEscape(returnTo))
		d.want(got, 400, "bad_request", returnTo)
	}
	if len(d.Supabase.Requests()) != 0 {
		t.Error("Supabase was asked before return_to was known to be ours")
	}
	for _, returnTo := range []string{"/", "/settings?a=1&b=%2F#c", "https://app.example/x", "HTTPS://APP.example:443/x", d.URL + "/mine"} {
		d.want(d.Get("/api/login?return_to="+url.QueryEscape(returnTo)), 302, "", returnTo)
	}
}

func TestLoginOnAnotherHost(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	host := map[string]string{"Host": "www.app.example"}
	got := d.Send("GET", "/api/login?return_to=%2Fx", host, "")
	d.WantRedirect(got, http.StatusTemporaryRedirect, d.URL+"/api/login?moved=1&return_to=%2Fx")
	if len(got.Cookies()) != 0 {
		t.Errorf("a cookie on the wrong host: %v", got.Cookies())
	}

	// Once: a proxy that renames hosts must not make a loop.
	if got := d.Send("GET", "/api/login?moved=1", host, ""); got.StatusCode != http.StatusFound || !strings.Contains(got.Location(), "/dialog/oauth") {
		t.Errorf("moved already: %d to %s", got.StatusCode, got.Location())
	}
}

func TestSignedOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, cookie string }{
		{"no cookie", ""},
		{"junk", "base64-!!!"},
		{"a forged token", "base64-eyJhY2Nlc3NfdG9rZW4iOiJhLmIuYyJ9"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			d.newBrowser()
			if c.cookie != "" {
				d.SetCookie("sb-127-auth-token", c.cookie)
			}
			d.WantError(d.Get("/api/login?user_id="+ada+"&email=ada@example.com"), 401, "signed_out")

			d.Set("SIGN_IN_URL", "https://app.example/sign-in?from=ig")
			login := d.URL + "/api/login?return_to=%2Fx"
			d.WantRedirect(d.Get("/api/login?return_to=/x"), http.StatusFound,
				"https://app.example/sign-in?from=ig&return_to="+url.QueryEscape(login))
		})
	}
}

func TestMisconfigured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ variable, value string }{
		{"FB_APP_ID", ""}, {"FB_APP_SECRET", ""}, {"REDIRECT_URI", ""}, {"REDIRECT_URI", "/api/callback"}, {"SUPABASE_URL", ""},
		{"SUPABASE_URL", "http://%zz"}, {"SUPABASE_SECRET_KEY", ""}, {"GRAPH_API_VERSION", "latest"}, {"ALLOWED_ORIGINS", "*"},
	} {
		parallel(t, c.variable+"="+c.value, func(t *testing.T) {
			d := deploy(t, brand(1))
			d.Set(c.variable, c.value)
			for _, path := range []string{"/api/login", "/api/callback?state=x&code=y"} {
				d.WantError(d.Get(path), 500, "misconfigured")
			}
			d.WantError(d.Post("/api/choose", nil), 500, "misconfigured")
			if !strings.Contains(d.Watch.Log(), c.variable+" ") {
				t.Errorf("the log does not name the variable: %s", d.Watch.Log())
			}
		})
	}
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	for _, c := range []struct{ method, path, allow string }{
		{"DELETE", "/api/login", "GET, OPTIONS, POST"}, {"POST", "/api/callback", "GET"}, {"DELETE", "/api/choose", "GET, POST"},
	} {
		got := d.Send(c.method, c.path, nil, "")
		d.want(got, 405, "method_not_allowed", c)
		if allow := got.Header.Get("Allow"); allow != c.allow {
			t.Errorf("%s %s: Allow %q", c.method, c.path, allow)
		}
	}
	for _, path := range []string{"//evil.example", "//evil.example/api/login", "/api//login", "/api/%2e%2e/login", "/api/login/"} {
		if got := d.Get(d.URL + path); got.StatusCode/100 == 3 || got.StatusCode == 200 {
			t.Errorf("%s: %d to %q", path, got.StatusCode, got.Location())
		}
	}
}

func TestErrorAsJSON(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	got := d.Send("GET", "/api/callback", map[string]string{"Accept": "application/json, text/html;q=0.9"}, "")
	if got.Header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.Body, `{"error":{"code":"state_mismatch","message":"This login`) ||
		!strings.Contains(got.Body, `"request_id":"`+got.Header.Get("X-Vercel-Id")+`"`) {
		t.Errorf("%s: %s", got.Header.Get("Content-Type"), got.Body)
	}
	if !strings.Contains(d.Watch.Log(), `"request_id":"`+got.Header.Get("X-Vercel-Id")+`"`) {
		t.Errorf("the log lacks the request id: %s", d.Watch.Log())
	}
}

// with returns the address with one parameter replaced, without it for no value.
func with(address, name string, value ...string) string {
	u, _ := url.Parse(address)
	query := u.Query()
	query[name] = value
	u.RawQuery = query.Encode()
	return u.String()
}

// A healthy connection is not stopped because Meta does not show its Page:
// with "all Pages, and those to come" Meta names none, and one that a business
// holds is not listed.
func TestNotStoppedWithoutEvidence(t *testing.T) {
	t.Parallel()
	d := deploy(t, unlisted(1), brand(2))
	d.stored(ada, 1, "5001", nil)
	d.stored(ben, 1, "5001", nil)
	d.Get(d.LogIn("", metasim.Approval{All: true}))
	d.wantStatus(ada, 1, "active")
	d.wantStatus(ben, 1, "active")
}

// Two tabs: what the second one connected is newer than what the first one
// has looked up.
func TestNewerConnectionIsNotStopped(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	callback := d.LogIn("", metasim.Approval{Pages: []string{"20001"}})
	d.stored(ada, 2, "5001", map[string]any{"connected_at": time.Now().Add(time.Minute).Format(time.RFC3339)})
	d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))
	d.wantStatus(ada, 2, "active")
}

// A row that was written without a person may be of this one: its token would
// die with the grant.
func TestGrantIsKeptForUnknownRows(t *testing.T) {
	t.Parallel()
	d, _ := connected(t, brand(1))
	d.stored(ben, 2, "", map[string]any{"facebook_user_id": nil})
	d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
	if did := d.did(); did != "unsubscribe" {
		t.Errorf("at Meta: %s", did)
	}
}

// Who connects while the grant is being revoked has a dead token and is told.
func TestConnectedWhileRevoked(t *testing.T) {
	t.Parallel()
	d, _ := connected(t, brand(1))
	pass := d.Supabase.Pass("list")
	d.Supabase.Fault("list", pass, pass, func(rw http.ResponseWriter, r *http.Request) {
		d.stored(ben, 3, "5001", nil)
		pass(rw, r)
	})
	d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
	d.wantStatus(ben, 3, "reconnect")
	if did := d.did(); did != "unsubscribe revoke" {
		t.Errorf("at Meta: %s", did)
	}
}

// A hanging unsubscribe does not cost the revocation.
func TestRevokedAllTheSame(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the real limit")
	d, _ := connected(t, brand(1))
	d.Meta.Inject(metasim.Fault{Step: "unsubscribe", Hang: true})
	begun := time.Now()
	d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
	if took := time.Since(begun); !strings.HasSuffix(d.did(), "revoke") || took > 15*time.Second {
		t.Errorf("at Meta: %s, after %v", d.did(), took)
	}
}

// A page of a sibling subdomain can set a session cookie for the whole domain.
func TestTossedSessionCookie(t *testing.T) {
	t.Parallel()
	whole := deploytest.SessionCookie
	for _, c := range []struct {
		name, cookie string
		status       int
	}{
		{"of another user, first", "sb-127-auth-token=" + whole(ben) + "; sb-127-auth-token=" + whole(ada), 401},
		{"of another user, last", "sb-127-auth-token=" + whole(ada) + "; sb-127-auth-token=" + whole(ben), 401},
		{"whole, before chunks", "sb-127-auth-token=" + whole(ben) + "; sb-127-auth-token.0=" + whole(ada)[:50] + "; sb-127-auth-token.1=" + whole(ada)[50:], 401},
		{"a chunk", "sb-127-auth-token.0=" + whole(ben) + "; sb-127-auth-token.0=" + whole(ada), 401},
		{"whole and a chunk", "sb-127-auth-token=" + whole(ben) + "; sb-127-auth-token.0=x; sb-127-auth-token.0=" + whole(ada), 401},
		{"the same twice", "sb-127-auth-token=" + whole(ada) + "; sb-127-auth-token=" + whole(ada), 302},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t)
			d.newBrowser()
			code := map[int]string{401: "signed_out"}[c.status]
			d.want(d.Send("GET", "/api/login", map[string]string{"Cookie": c.cookie}, ""), c.status, code)
		})
	}
}

// However often somebody is led to /api/login, the cookies fit into a header.
func TestCookieBomb(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	longest := "/?" + strings.Repeat("&", 510)
	for range 6 {
		d.Get(d.LogIn("?return_to="+url.QueryEscape(longest), metasim.Approval{}))
		d.Get("/api/login?return_to=" + url.QueryEscape(longest))
	}
	total := 0
	for _, cookie := range d.Cookies("igconnect") {
		total += len(cookie.Name) + len(cookie.Value) + 3
	}
	if total == 0 || total > 11_000 {
		t.Errorf("%d bytes of cookies", total)
	}
	chooser := d.ComeBack(d.LogIn("?return_to="+url.QueryEscape(longest), metasim.Approval{}))
	d.want(d.Submit(chooser, choice(1)), 303, "")
}

// A grant waits ten minutes and no longer, however often it is sealed again.
func TestGrantExpires(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, brand(1), brand(2))
	d.reseal("igconnect_grant_", "begun", 11*time.Minute) // as if sealed again just now, but granted then
	d.WantError(d.Submit(chooser, choice(1)), 400, "state_expired")
}

// Unticking everything takes an earlier choice back.
func TestChoiceWithdrawn(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, brand(1), brand(2))
	d.Supabase.Break("save", html(502))
	d.Submit(chooser, url.Values{"choosing": {"1"}, "instagram_id": {instagramID(2)}})
	d.Supabase.Break("save", nil)
	d.WantError(d.Submit(chooser, url.Values{"choosing": {"1"}}), 400, "bad_request")
}

// With hundreds of accounts the choice does not fit into a cookie, but the
// grant does.
func TestTryAgainWithManyAccounts(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, deploytest.Brands(1, 250)...)
	d.Supabase.Break("save", html(502))
	down := d.Choose(chooser)
	d.WantError(down, 503, "store_unavailable")
	d.Supabase.Break("save", nil)
	again := d.Submit(down, nil)
	d.WantError(again, 400, "bad_request")
	d.wantTexts(again, "Choose at least one account, then press Connect.")
	if got := d.Choose(again); got.StatusCode != http.StatusSeeOther || len(d.Supabase.Rows()) != 250 {
		t.Errorf("%d %s", got.StatusCode, got.Code())
	}
}
