package supalite

import (
	"context"
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/chromium"
)

//go:embed testdata/browser.html
var appPage string

// TestBrowsers shows what a page of another origin can do.
func TestBrowsers(t *testing.T) {
	if testing.Short() {
		t.Skip("Supabase Lite is left out under -short")
	}
	if err := CheckNode(t.Context()); err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	s, err := Start(t.Context(), Options{Migrations: os.DirFS("../../supabase/migrations"), Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	t.Run("headers", func(t *testing.T) { testCORS(t, s) })
	t.Run("Chromium", func(t *testing.T) { testSupabaseJS(t, s) })
}

// testCORS shows that a page of any origin may ask and read, what fails too: with the names of the
// headers that supabase-js sends, and of those that an app adds.
func testCORS(t *testing.T, s *Server) {
	const app = "http://localhost:5173"
	ask := func(method, path string, header map[string]string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", app)
		for name, value := range header {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	names := func(res *http.Response, header string) []string {
		return strings.Split(res.Header.Get(header), ", ")
	}

	for _, path := range []string{
		"/auth/v1/signup", "/auth/v1/token?grant_type=password", "/rest/v1/user_configs", "/rest/v1/nothing",
	} {
		res := ask("OPTIONS", path, map[string]string{
			"Access-Control-Request-Method":  "POST",
			"Access-Control-Request-Headers": "apikey,authorization, X-Of-The-App",
		})
		if res.StatusCode != http.StatusNoContent || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d, %v", path, res.StatusCode, res.Header)
		}
		for _, want := range []string{
			"accept-profile", "apikey", "authorization", "content-profile", "content-type", "prefer", "range",
			"x-client-info", "x-of-the-app", "x-supabase-api-version",
		} {
			if allowed := names(res, "Access-Control-Allow-Headers"); !slices.Contains(allowed, want) {
				t.Errorf("%s: %s is not among %q", path, want, allowed)
			}
		}
		for _, want := range []string{"GET", "HEAD", "POST", "PATCH", "DELETE"} {
			if allowed := names(res, "Access-Control-Allow-Methods"); !slices.Contains(allowed, want) {
				t.Errorf("%s: %s is not among %q", path, want, allowed)
			}
		}
	}
	for _, tt := range []struct {
		method, path, key string
		status            int
	}{
		{"GET", "/rest/v1/user_configs?select=instagram_id", s.ServiceKey, 200},
		{"GET", "/rest/v1/user_configs?select=instagram_id", "", 401},
		{"GET", "/auth/v1/user", s.AnonKey, 401},
		{"HEAD", "/rest/v1/nothing", s.ServiceKey, 404},
	} {
		header := map[string]string{}
		if tt.key != "" {
			header["Apikey"] = tt.key
		}
		res := ask(tt.method, tt.path, header)
		if res.StatusCode != tt.status || res.Header.Get("Access-Control-Allow-Origin") != "*" ||
			!slices.Contains(names(res, "Access-Control-Expose-Headers"), "Content-Range") {
			t.Errorf("%s %s: %d, want %d, %v", tt.method, tt.path, res.StatusCode, tt.status, res.Header)
		}
	}
	for _, path := range []string{"/supalite/sql", "/"} {
		if res := ask("OPTIONS", path, nil); res.Header.Get("Access-Control-Allow-Headers") != "" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
}

// testSupabaseJS lets supabase-js in Chromium, on a page of another origin, sign up, read, sign out and
// in, and be refused.
func testSupabaseJS(t *testing.T, s *Server) {
	path := chromium.Find(t)
	scripts, err := install(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(filepath.Dir(scripts), "node_modules")
	done := make(chan string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, appPage) })
	mux.HandleFunc("GET /supabase.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(modules, "@supabase", "supabase-js", "dist", "umd", "supabase.js"))
	})
	mux.HandleFunc("GET /project", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"url": s.URL, "key": s.AnonKey})
	})
	mux.HandleFunc("POST /done", func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		done <- string(text)
	})
	app := httptest.NewServer(mux)
	defer app.Close()

	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	browser := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--disable-background-networking", "--no-proxy-server",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", app.URL)
	ownGroup(browser)
	browser.Cancel = func() error { return killGroup(browser) }
	browser.WaitDelay = 10 * time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { end(); browser.Wait() }()
	select {
	case got := <-done:
		want := `{"signUp":"eve@example.com","read":[0,[]],"refused":"42501","signOut":"signed out",` +
			`"signIn":"eve@example.com","wrong":"Invalid login credentials"}`
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	case <-ctx.Done():
		t.Error("the page posted nothing")
	}
}
