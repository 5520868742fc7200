package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// testDoctor is a doctor with all secrets, before a deployment over https and a project that are
// well.
func testDoctor(t *testing.T) (*doctor, *deployment) {
	t.Helper()
	at := newDeployment(t, (*httptest.Server).StartTLS)
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", at.URL+r.URL.Path)
		w.WriteHeader(308)
	}))
	t.Cleanup(plain.Close)
	client := at.Client()
	client.CheckRedirect = upstream.NoRedirects
	return &doctor{
		url: at.URL, plain: plain.URL, cron: secret.New(cronSecret), session: secret.New(session),
		project: project{newProject(t, nil).URL, publicKey}, http: client,
	}, at
}

func TestAllIsWell(t *testing.T) {
	d, at := testDoctor(t)
	checks := d.examine(t.Context())
	if diff := cmp.Diff([]string{}, notPassed(checks)); diff != "" {
		t.Error(diff)
	}
	if len(checks) != 3+1+1+1+7+1+1+6+2*len(accesses) {
		t.Errorf("%d checks", len(checks))
	}
	for _, request := range at.asked {
		if strings.HasSuffix(request, " operator") && request != "GET /api/health operator" {
			t.Errorf("the operator's secret went along with %s", request)
		}
	}
}

// TestOneThingIsWrong breaks one answer of a deployment that is well.
func TestOneThingIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, request string
		answer        http.HandlerFunc
		want          string // lines
	}{
		{"a check of its own fails", "GET /api/health operator",
			answering(503, nil, `{"ok":false,"checks":[{"name":"redirect_uri","ok":true},{"name":"vault","ok":false,"problem":"It is broken.","fix":"Mend it."}]}`),
			"wrong vault: It is broken."},
		{"a setting is missing", "GET /api/health operator",
			answering(503, nil, `{"ok":false,"checks":[{"name":"FB_APP_ID","ok":false,"problem":"FB_APP_ID is missing.","fix":"Set it."}]}`),
			"wrong FB_APP_ID: FB_APP_ID is missing.\nunchecked Supabase and Meta: They are asked as soon as the settings are right."},
		{"a warning", "GET /api/health operator",
			answering(200, nil, `{"ok":true,"checks":[{"name":"redirect_uri","ok":true},{"name":"APP_ACCENT","ok":false,"warning":true,"problem":"It is too light.","fix":"Correct it."}]}`),
			"note APP_ACCENT: It is too light. Correct it."},
		{"another secret", "GET /api/health operator", answering(200, nil, `{"ok":true}`),
			"wrong /api/health: It does not know this CRON_SECRET, or has none."},
		{"health for everybody", "GET /api/health", answering(200, nil, `{"ok":true,"checks":[{"name":"x","ok":true}]}`),
			"wrong /api/health: It tells strangers how this is set up."},
		{"health is behind a sign-in", "GET /api/health", answering(401, nil, "<html>Vercel"),
			"wrong /api/health: It answers 401, but not as igconnect does."},
		{"health leads elsewhere", "GET /api/health operator", answering(308, map[string]string{"Location": "https://evil.example/"}, ""),
			"wrong /api/health: It answers 308, but not as igconnect does."},

		{"no header on /", "GET /", answering(200, nil, `src="/igconnect/home.js"`),
			"wrong headers of /: Missing: X-Content-Type-Options: nosniff; Referrer-Policy: same-origin; Strict-Transport-Security for half a year or more; " +
				"Content-Security-Policy with default-src 'none'; Content-Security-Policy with base-uri 'none'; Content-Security-Policy with frame-ancestors 'none'."},
		{"another page on /", "GET /", answering(200, nil, `My app`), "unchecked headers of /: That is not igconnect's landing page."},
		{"the error page may be kept", "GET /api/auth/callback", answering(400, with(safe, "X-Error-Code", "state_mismatch", "Cache-Control", "public"), ""),
			"wrong headers of an error page: Missing: Cache-Control: no-store."},
		{"short HSTS", "GET /", answering(200, with(safe, "Strict-Transport-Security", "max-age=60"), `src="/igconnect/home.js"`),
			"wrong headers of /: Missing: Strict-Transport-Security for half a year or more."},

		{"any verify token", "GET /api/webhook", answering(200, nil, "1"),
			"wrong webhook refuses a wrong token: It does not. Anybody can confirm it as a webhook of his own."},
		{"no verify token set", "GET /api/webhook", refusing(500, "misconfigured"),
			"wrong webhook refuses a wrong token: It is not set up: a setting that it needs is missing or broken."},
		{"any delivery", "POST /api/webhook", answering(200, nil, ""),
			"wrong webhook refuses unsigned events: It does not. Anybody can invent messages."},
		{"an open renewal", "GET /api/renew", answering(200, nil, `{"checked":0}`),
			"wrong renew refuses without secret: It does not. Anybody can start it."},
		{"any secret renews", "GET /api/renew wrong", answering(200, nil, `{"checked":0}`),
			"wrong renew refuses a wrong secret: It does not. Anybody can start it."},
		{"refused by somebody else", "POST /api/deletion", answering(401, nil, "Sign in"),
			"wrong deletion refuses unsigned: It answers 401, but not as igconnect does."},
		{"not forwarded", "POST /api/deauthorize", answering(404, nil, "NOT_FOUND"),
			"wrong deauthorize refuses unsigned: It answers 404, but not as igconnect does."},
		{"another refusal", "GET /api/accounts", refusing(503, "store_unavailable"),
			"wrong accounts refuse strangers: It does so with 503 store_unavailable instead of 401 signed_out."},

		{"a login for anybody", "GET /api/login", answering(302, map[string]string{"Location": "https://www.facebook.com/v24.0/dialog/oauth?return_to=x"}, ""),
			"wrong login refuses strangers: It does not. Anybody can begin a login."},
		{"a sign-in page", "GET /api/login", answering(302, map[string]string{"Location": "https://app.example/sign-in?return_to=x"}, ""), ""},
		{"another host", "GET /api/login", answering(307, map[string]string{"Location": "https://other.example/api/login?moved=1"}, ""),
			"wrong login refuses strangers: Logins are sent on to another host first."},
		{"an old session", "GET /api/login user", refusing(401, "signed_out"), "wrong login: DOCTOR_SESSION is not accepted."},
		{"no login", "GET /api/login user", refusing(503, "store_unavailable"), "wrong login: It fails with store_unavailable."},
		{"no cookie", "GET /api/login user", answering(200, nil, dialog+allScopes),
			"wrong state cookie: The login sets none, so it can never be finished."},
		{"a loose cookie", "GET /api/login user", answering(200, map[string]string{"Set-Cookie": "igconnect_state_0a=x; Domain=example.com; Max-Age=900"}, dialog+allScopes),
			"wrong state cookie: Missing: HttpOnly, Path=/, SameSite=Lax, Secure, no Domain, ten minutes at most, the prefix __Host-."},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, at := testDoctor(t)
			at.instead[c.request] = c.answer
			if diff := cmp.Diff(c.want, strings.Join(notPassed(d.examine(t.Context())), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTrailingSlash: a public report. An app with trailingSlash: true in front of us answers each path
// with a 308 to the one with a slash. Browsers follow, Meta does not, and every event was lost.
func TestTrailingSlash(t *testing.T) {
	const fix = "skipTrailingSlashRedirect"
	only := func(name, path string) string {
		return "wrong " + name + ": It does so only at " + path + ", where it leads to. Meta follows no redirect: nothing that it sends arrives."
	}
	lost := []string{
		only("webhook refuses a wrong token", "/api/webhook/"), only("webhook refuses unsigned events", "/api/webhook/"),
		only("deauthorize refuses unsigned", "/api/deauthorize/"), only("deletion refuses unsigned", "/api/deletion/"),
	}
	for _, c := range []struct {
		name    string
		slashed func(path string) bool // what the app leads to; it serves both forms otherwise
		want    []string
	}{
		{"all paths", func(string) bool { return true }, lost},
		{"the webhook alone", func(path string) bool { return path == "/api/webhook" }, lost[:2]},
		{"none", func(string) bool { return false }, []string{}},
	} {
		d, at := testDoctor(t)
		app := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			bare := strings.TrimSuffix(r.URL.Path, "/")
			if bare != "" && r.URL.Path == bare && c.slashed(bare) {
				r.URL.Path += "/"
				w.Header().Set("Location", r.URL.RequestURI())
				w.WriteHeader(http.StatusPermanentRedirect)
				return
			}
			if r.URL.Path = bare; bare == "" {
				r.URL.Path = "/"
			}
			at.ServeHTTP(w, r)
		}))
		app.StartTLS()
		t.Cleanup(app.Close)
		d.url, d.plain, d.http = app.URL, "", app.Client()
		d.http.CheckRedirect = upstream.NoRedirects
		checks := slices.DeleteFunc(d.examine(t.Context()), func(c check) bool { return c.Name == "http leads to https" })
		if diff := cmp.Diff(c.want, notPassed(checks)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
		for _, line := range checks {
			if line.State == isWrong && !strings.Contains(line.Fix, fix) {
				t.Errorf("%s: the fix is %q", c.name, line.Fix)
			}
		}
	}
	d, _ := testDoctor(t)
	for location, want := range map[string]string{
		"/api/renew/": "/api/renew/", "renew/": "/api/renew/", d.url + "/api/renew/": "/api/renew/", "/api/renew": "", "": "",
		"/api/renew//": "", "/login": "", "//evil.example/api/renew/": "", "http://" + strings.TrimPrefix(d.url, "https://") + "/api/renew/": "",
	} {
		if want != "" {
			want = d.url + want
		}
		if got := slashed(d.url+"/api/renew", answer{status: 308, header: http.Header{"Location": {location}}}); got != want {
			t.Errorf("to %q: %q, want %q", location, got, want)
		}
	}
}

// A deployment far from its database works, and each login waits for it.
func TestRoundTrip(t *testing.T) {
	for ms, want := range map[int]state{0: "", 1: isOK, 60: isOK, 61: isNote, 240: isNote} {
		d, at := testDoctor(t)
		at.instead["GET /api/health operator"] = answering(200, nil, fmt.Sprintf(`{"ok":true,"database_ms":%d,"checks":[{"name":"redirect_uri","ok":true}]}`, ms))
		var got state
		for _, c := range d.health(t.Context()) {
			if c.Name == "round trip to the database" {
				got = c.State
				if c.State == isNote && (!strings.Contains(c.Problem, fmt.Sprint(ms, " ms")) || !strings.Contains(c.Problem, `"regions"`)) {
					t.Error(c.Problem)
				}
			}
		}
		if got != want {
			t.Errorf("%d ms: %q, want %q", ms, got, want)
		}
	}
}

func TestPermissions(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        []string
	}{
		{"the seed's four", "scope=instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata", []string{
			"note pages_messaging: It is not asked for. An account can be connected, but new messages may not reach us.",
			"note business_management: It is not asked for. We may not see Pages that belong to a company or an agency, nor the Instagram accounts behind them."}},
		{"two missing", "scope=instagram_basic,pages_show_list,pages_messaging,business_management", []string{
			"wrong instagram_manage_messages: It is not asked for. We cannot read or answer the messages of your Instagram account.",
			"wrong pages_manage_metadata: It is not asked for. Meta does not tell us when a message arrives."}},
		{"a configuration", "config_id=77", []string{
			"unchecked permissions: A login configuration at Meta says what is asked for: compare it with docs/setup-meta.md, step 4."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, at := testDoctor(t)
			at.instead["GET /api/login user"] = answering(200, stateCookie, `{"url":"https://www.facebook.com/v24.0/dialog/oauth?`+c.query+`"}`)
			if diff := cmp.Diff(c.want, notPassed(d.login(t.Context()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEncryption(t *testing.T) {
	d, at := testDoctor(t)
	for name, c := range map[string]struct {
		plain http.HandlerFunc
		want  state
	}{
		"answers":         {answering(200, nil, "hello"), isWrong},
		"leads elsewhere": {answering(301, map[string]string{"Location": "https://evil.example/"}, ""), isWrong},
		"leads nowhere":   {answering(301, map[string]string{"Location": at.URL + ".evil.example/"}, ""), isWrong},
		"leads there":     {answering(301, map[string]string{"Location": at.URL}, ""), isOK},
	} {
		plain := httptest.NewServer(c.plain)
		d.plain = plain.URL
		if got := d.encryption(t.Context()); got[0].State != c.want {
			t.Errorf("%s: %v", name, got)
		}
		plain.Close()
	}
	if got := d.encryption(t.Context()); got[0].State != isOK {
		t.Errorf("nothing answers over http: %v", got)
	}
}

func TestWithoutSecrets(t *testing.T) {
	d, _ := testDoctor(t)
	d.cron, d.session, d.project, d.plain = secret.String{}, secret.String{}, project{}, ""
	want := []string{
		"unchecked /api/health: It says that no setting is missing. More it tells only with the CRON_SECRET of the deployment: set that variable here, or use -secret-file.",
		"unchecked http leads to https: The address has a port of its own.",
		"unchecked state cookie: Set DOCTOR_SESSION to the access token of a signed-in user.",
		"unchecked permissions: Set DOCTOR_SESSION to the access token of a signed-in user.",
		"unchecked tokens: Set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY to try what anybody can reach.",
	}
	if diff := cmp.Diff(want, notPassed(d.examine(t.Context()))); diff != "" {
		t.Error(diff)
	}
}

func TestNobodyThere(t *testing.T) {
	d, at := testDoctor(t)
	at.Close()
	checks := d.examine(t.Context())
	if len(checks) != 1 || checks[0].State != isWrong || !strings.HasPrefix(checks[0].Problem, "Nothing answers there: ") {
		t.Errorf("%v", checks)
	}
}
