package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"igconnect/internal/functions"
	"igconnect/internal/leaks/leakstest"
	"igconnect/internal/metasim"
	"igconnect/internal/vercelsim"
)

const (
	appID     = "1234567890"
	appSecret = "an-app-secret-that-nobody-may-see"
	secretKey = "sb_secret_that-nobody-may-see"

	verifyToken = "a-verify-token-that-nobody-may-see"
	cronSecret  = "a-cron-secret-that-nobody-may-see"

	ada = "00000000-0000-4000-8000-00000000000a"
	ben = "00000000-0000-4000-8000-00000000000b"
)

// world is everything around the functions: Meta and Supabase simulated, the
// platform under them, and a browser with its cookies.
type world struct {
	t       *testing.T
	meta    *metasim.Sim
	supa    *supabase
	url     string // of the deployment
	browser *http.Client
	watch   *leakstest.Watch
}

// start sets up a world whose person at Meta has the given Pages.
func start(t *testing.T, pages ...metasim.Page) *world {
	t.Helper()
	w := &world{t: t, supa: newSupabase(), watch: leakstest.New(t)}
	served, err := vercelsim.Open("..", functions.All)
	if err != nil {
		t.Fatal(err)
	}
	served.OnPanic = func(v any) { t.Errorf("a function panicked, which ends the process: %v", v) }
	deployment := httptest.NewServer(w.watch.Responses(served))
	w.url = deployment.URL
	w.meta = metasim.New(metasim.Config{AppID: appID, AppSecret: appSecret, RedirectURIs: []string{w.redirectURI()}})
	w.meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: pages})
	metaServer, supaServer := httptest.NewServer(w.watch.RequestURLs(w.meta)), httptest.NewServer(w.watch.RequestURLs(w.supa))
	t.Cleanup(func() {
		w.meta.Close()
		w.supa.close()
		deployment.Close()
		metaServer.Close()
		supaServer.Close()
		w.knowSecrets()
	})

	for _, name := range []string{"SIGN_IN_URL", "ALLOWED_ORIGINS", "WEBHOOK_FIELDS", "FB_LOGIN_SCOPES", "FB_LOGIN_CONFIG_ID", "VERCEL_ENV", "SUPABASE_AUTH_COOKIE"} {
		t.Setenv(name, "")
	}
	t.Setenv("FB_APP_ID", appID)
	t.Setenv("FB_APP_SECRET", appSecret)
	t.Setenv("REDIRECT_URI", w.redirectURI())
	t.Setenv("SUPABASE_URL", supaServer.URL)
	t.Setenv("SUPABASE_SECRET_KEY", secretKey)
	t.Setenv("WEBHOOK_VERIFY_TOKEN", verifyToken)
	t.Setenv("CRON_SECRET", cronSecret)
	t.Setenv("FB_GRAPH_URL", metaServer.URL)
	t.Setenv("FB_DIALOG_URL", metaServer.URL)
	w.browser = newBrowser(t)
	w.signIn(ada)
	return w
}

func (w *world) redirectURI() string { return w.url + "/api/auth/callback" }

// logged returns what the functions have written to stderr.
func (w *world) logged() string { return w.watch.Log() }

func newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// session is a session token as Supabase Auth issues them, for what matters here.
func session(user string) string {
	part := func(v any) string {
		encoded, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(encoded)
	}
	return part(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + part(map[string]any{"sub": user, "exp": 4102444800}) + ".c2lnbmF0dXJl"
}

// signIn sets the session cookie as @supabase/ssr does.
func (w *world) signIn(user string) {
	w.setCookie("sb-127-auth-token", sessionCookie(user))
}

func sessionCookie(user string) string {
	value, _ := json.Marshal(map[string]any{"access_token": session(user), "token_type": "bearer", "refresh_token": "r"})
	return "base64-" + base64.RawURLEncoding.EncodeToString(value)
}

func (w *world) setCookie(name, value string) {
	at, _ := url.Parse(w.url)
	w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// cookies are those of the browser whose names contain part.
func (w *world) cookies(part string) []*http.Cookie {
	at, _ := url.Parse(w.url)
	var found []*http.Cookie
	for _, cookie := range w.browser.Jar.Cookies(at) {
		if strings.Contains(cookie.Name, part) {
			found = append(found, cookie)
		}
	}
	return found
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (a answer) code() string     { return a.Header.Get("X-Error-Code") }
func (a answer) location() string { return a.Header.Get("Location") }

func (w *world) do(request *http.Request) answer {
	w.t.Helper()
	response, err := w.browser.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{response, string(body)}
}

// get visits a path of the deployment, or an absolute URL, as a browser does.
func (w *world) get(path string) answer {
	w.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = w.url + path
	}
	request, err := http.NewRequest("GET", path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	return w.do(request)
}

// post submits a form of our own pages.
func (w *world) post(path string, form url.Values) answer {
	w.t.Helper()
	request, err := http.NewRequest("POST", w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "text/html")
	request.Header.Set("Origin", w.url)
	return w.do(request)
}

// login goes to /api/login and on to the dialog, answers it, and returns the
// address of the callback to which Meta sends the browser.
func (w *world) login(query string, approval metasim.Approval) (callback string) {
	w.t.Helper()
	begun := w.get("/api/login" + query)
	if begun.StatusCode != http.StatusFound {
		w.t.Fatalf("login answered %d %s: %s", begun.StatusCode, begun.code(), begun.body)
	}
	callback, err := w.meta.Approve(w.t.Context(), begun.location(), approval)
	if err != nil {
		w.t.Fatal(err)
	}
	callback, _, _ = strings.Cut(callback, "#") // the fragment stays in the browser
	return callback
}

// connect walks the whole way and returns the callback's answer.
func (w *world) connect() answer {
	w.t.Helper()
	return w.get(w.login("", metasim.Approval{}))
}

// wantError checks an answer's code and status, and that nothing was saved.
func (w *world) wantError(got answer, status int, code string) {
	w.t.Helper()
	if got.StatusCode != status || got.code() != code {
		w.t.Errorf("got %d %s, want %d %s\n%s\n%s", got.StatusCode, got.code(), status, code, got.body, w.logged())
	}
	if rows := w.supa.rows(); len(rows) != 0 {
		w.t.Errorf("half saved: %v", rows)
	}
}

// wantRedirect checks that the answer sends the browser to location.
func (w *world) wantRedirect(got answer, status int, location string) {
	w.t.Helper()
	if got.StatusCode != status || got.location() != location {
		w.t.Errorf("got %d %s to %q, want %d to %q\n%s", got.StatusCode, got.code(), got.location(), status, location, got.body)
	}
}

// steps are the steps that Meta was asked for, in order of arrival.
func (w *world) steps() string {
	var steps []string
	for _, request := range w.meta.Requests() {
		steps = append(steps, request.Step)
	}
	return strings.Join(steps, " ")
}

// brand is a Page with its Instagram account: number n of a person.
func brand(n int) metasim.Page {
	return metasim.Page{
		ID: fmt.Sprintf("20%03d", n), Name: fmt.Sprintf("Page %d", n),
		Instagram: &metasim.Instagram{ID: instagramID(n), Username: fmt.Sprintf("brand_%d", n), Name: fmt.Sprintf("Brand %d", n)},
	}
}

func instagramID(n int) string { return fmt.Sprintf("17841400000000%03d", n) }
