// Package inboxtest_test follows messages from end to end: a simulated Meta
// delivers them to the real functions, Supabase Lite keeps them, and the
// workers of examples/ answer them.
package inboxtest_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"

	"github.com/google/uuid"

	"igconnect/internal/faultproxy"
	"igconnect/internal/functions"
	"igconnect/internal/leaks"
	"igconnect/internal/leaks/leakstest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/internal/vercelsim"
	"igconnect/lib/config"
)

func TestMain(m *testing.M) {
	os.Exit(leakstest.Main(func() int { return supalitetest.Run(m) }))
}

const appSecret = "an-app-secret-that-nobody-may-see"

// world is a deployment with everything around it.
type world struct {
	lite    *supalite.Server
	proxy   faultproxy.Group // between the deployment and lite
	meta    *metasim.Sim
	metaURL string
	url     string // of the deployment
	watch   *leakstest.Watch
}

// start deploys the functions between lite and a Meta where one person has the
// given Pages. Nobody is connected, and the inbox is empty: a claim takes from
// every account.
func start(t testing.TB, lite *supalite.Server, pages ...metasim.Page) *world {
	t.Helper()
	w := &world{lite: lite, watch: leakstest.New(t)}
	w.url = w.deploy(t)
	callback := w.url + "/api/auth/callback"
	w.meta = metasim.New(metasim.Config{AppID: "1234567890", AppSecret: appSecret, RedirectURIs: []string{callback}})
	w.meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: pages})
	t.Cleanup(func() {
		w.meta.Close()
		w.watch.Know(leaks.Numbered("of Meta's", w.meta.Secrets()))
		w.watch.Know(map[string]string{"FB_APP_SECRET": appSecret, "SUPABASE_SECRET_KEY": lite.ServiceKey})
		w.watch.SeeDatabase(lite)
	})
	w.metaURL = serve(t, w.meta)

	for _, name := range config.Variables {
		t.Setenv(name, "")
	}
	for name, value := range map[string]string{
		"FB_APP_ID": "1234567890", "FB_APP_SECRET": appSecret, "REDIRECT_URI": callback,
		"FB_GRAPH_URL": w.metaURL, "FB_DIALOG_URL": w.metaURL,
		"SUPABASE_URL": serve(t, w.proxy.Proxy("supabase", faultproxy.To(lite.URL))), "SUPABASE_SECRET_KEY": lite.ServiceKey,
	} {
		t.Setenv(name, value)
	}
	w.sql(t, "delete from public.user_configs") // and all that belongs to them
	return w
}

// deploy serves the functions as Vercel does and returns the deployment's URL.
func (w *world) deploy(t testing.TB) string {
	t.Helper()
	deployment, err := vercelsim.Open("../..", functions.All)
	if err != nil {
		t.Fatal(err)
	}
	deployment.OnPanic = func(v any) { t.Errorf("a function panicked: %v", v) }
	return serve(t, w.watch.Responses(deployment))
}

func serve(t testing.TB, handler http.Handler) string {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func (w *world) webhook() string { return w.url + "/api/webhook" }

// connect lets a new user connect all accounts of Meta's person, and returns
// the user's id.
func (w *world) connect(t *testing.T) string {
	t.Helper()
	user, err := w.lite.SignUp(t.Context(), uuid.NewString()+"@example.com", "a-password-for-tests")
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(at, []*http.Cookie{{
		Name: "sb-127-auth-token", Value: "base64-" + base64.RawURLEncoding.EncodeToString(user.Session), Path: "/",
	}})
	dialog := visit(t, browser, w.url+"/api/login", http.StatusFound)
	callback, err := w.meta.Approve(t.Context(), dialog, metasim.Approval{})
	if err != nil {
		t.Fatal(err)
	}
	visit(t, browser, callback, http.StatusSeeOther)
	return user.ID
}

// visit gets a page, checks the answer's status and returns where it leads.
func visit(t *testing.T, browser *http.Client, url string, want int) (location string) {
	t.Helper()
	response, err := browser.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != want {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("%d %s: %s", response.StatusCode, response.Header.Get("X-Error-Code"), body)
	}
	return response.Header.Get("Location")
}

// sql runs a query beside everything that guards the data.
func (w *world) sql(t testing.TB, query string, args ...any) []map[string]any {
	t.Helper()
	rows, err := w.lite.SQL(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// brand is the n-th Page of a person, with its Instagram account.
func brand(n int) metasim.Page {
	return metasim.Page{
		ID: fmt.Sprintf("20%03d", n), Name: fmt.Sprintf("Page %d", n),
		Instagram: &metasim.Instagram{ID: account(n), Username: fmt.Sprintf("brand_%d", n), Name: fmt.Sprintf("Brand %d", n)},
	}
}

func account(n int) string { return fmt.Sprintf("17841400000000%03d", n) }
