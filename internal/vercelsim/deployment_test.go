package vercelsim

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const testRules = `{
	"framework": null,
	"functions": {"api/echo.go": {"maxDuration": 5}},
	"rewrites": [
		{"source": "/api/auth/echo", "destination": "/api/echo"},
		{"source": "/go/:name", "destination": "/api/echo?via=go"},
		{"source": "/style.css", "destination": "/api/echo"},
		{"source": "/gone/(.*)", "destination": "/nothing"},
		{"source": "/gone/(.*)", "destination": "/docs/index.html"}
	],
	"headers": [
		{"source": "/(.*)", "headers": [{"key": "X-Rule", "value": "rule"}, {"key": "X-Both", "value": "rule"}]},
		{"source": "/api/(.*)", "headers": [{"key": "Cache-Control", "value": "no-store"}]}
	]
}`

// testDeployment serves fn at /api/echo, among a few files.
func testDeployment(t testing.TB, fn http.HandlerFunc) *Deployment {
	t.Helper()
	rules, err := Load([]byte(testRules))
	if err != nil {
		t.Fatal(err)
	}
	return &Deployment{
		Rules:     rules,
		Functions: map[string]http.HandlerFunc{"/api/echo": fn},
		Public: fstest.MapFS{
			"index.html":      {Data: []byte("home")},
			"style.css":       {Data: []byte("css")},
			"a b.js":          {Data: []byte("js")},
			"data.unknown":    {Data: []byte("<html>not sniffed")},
			"docs/index.html": {Data: []byte("docs")},
		},
	}
}

// echo answers with the path and query that it was given.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "%s?%s", r.URL.Path, r.URL.RawQuery)
}

func TestRoutes(t *testing.T) {
	srv := httptest.NewServer(testDeployment(t, echo))
	defer srv.Close()
	for _, tt := range []struct {
		target string
		status int
		typ    string
		body   string // "": not compared
	}{
		{"/", 200, "text/html; charset=utf-8", "home"},
		{"/index.html", 200, "text/html; charset=utf-8", "home"},
		{"/docs", 200, "text/html; charset=utf-8", "docs"},
		{"/docs/", 200, "text/html; charset=utf-8", "docs"},
		{"/a%20b.js", 200, "application/javascript; charset=utf-8", "js"},
		{"/data.unknown", 200, "application/octet-stream", "<html>not sniffed"},
		{"/style.css", 200, "text/css; charset=utf-8", "css"}, // the file wins over the rewrite
		{"/api/echo", 200, "text/plain", "/api/echo?"},
		{"/api/echo?a=1&b=%20", 200, "text/plain", "/api/echo?a=1&b=%20"},
		{"/api/auth/echo?code=x", 200, "text/plain", "/api/auth/echo?code=x"},
		{"/go/far?a=1", 200, "text/plain", "/go/far?a=1&name=far&via=go"},
		{"/gone/x", 200, "text/html; charset=utf-8", "docs"},
		{"/api/echo/", 404, "text/plain; charset=utf-8", ""},
		{"/api/nothing", 404, "text/plain; charset=utf-8", ""},
		{"/docs/nothing", 404, "text/plain; charset=utf-8", ""},
		{"//", 404, "text/plain; charset=utf-8", ""},
		{"//evil.example", 404, "text/plain; charset=utf-8", ""},
		{"//evil.example/api/echo", 404, "text/plain; charset=utf-8", ""},
		{"//api/echo", 404, "text/plain; charset=utf-8", ""},
		{"/docs//index.html", 404, "text/plain; charset=utf-8", ""},
		{"/docs//", 404, "text/plain; charset=utf-8", ""},
		{"/docs/../index.html", 404, "text/plain; charset=utf-8", ""},
		{"/docs/%2e%2e/index.html", 404, "text/plain; charset=utf-8", ""},
		{`/\evil.example`, 404, "text/plain; charset=utf-8", ""},
		{"/%00", 404, "text/plain; charset=utf-8", ""},
		{"/%0d%0aX-Evil:%201", 404, "text/plain; charset=utf-8", ""},
		{"/%", 400, "text/plain; charset=utf-8", ""},
		{"/%zz/api/echo", 400, "text/plain; charset=utf-8", ""},
		{"http://evil.example/api/echo", 200, "text/plain", "/api/echo?"},
	} {
		res := raw(t, srv, "GET "+tt.target+" HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n")
		if res.StatusCode != tt.status || res.Header.Get("Content-Type") != tt.typ {
			t.Errorf("%s: %d %s, want %d %s", tt.target, res.StatusCode, res.Header.Get("Content-Type"), tt.status, tt.typ)
		}
		if body := read(t, res); tt.body != "" && body != tt.body {
			t.Errorf("%s: body %q, want %q", tt.target, body, tt.body)
		}
		if location := res.Header.Get("Location"); location != "" {
			t.Errorf("%s: redirected to %q", tt.target, location)
		}
	}
}

// TestHeaderOrder: the platform's default gives way to vercel.json, and that
// to the function.
func TestHeaderOrder(t *testing.T) {
	p := testDeployment(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Both", "function")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
	})
	for path, want := range map[string][3]string{
		"/":         {"public, max-age=0, must-revalidate", "rule", "rule"},
		"/api/echo": {"no-store", "rule", "function"},
		"/nothing":  {"public, max-age=0, must-revalidate", "rule", "rule"},
	} {
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		h := rec.Header()
		if got := [3]string{h.Get("Cache-Control"), h.Get("X-Rule"), h.Get("X-Both")}; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if h.Get("X-Vercel-Id") == "" {
			t.Errorf("%s: no X-Vercel-Id", path)
		}
		if path == "/api/echo" {
			if diff := cmp.Diff([]string{"a=1", "b=2"}, h["Set-Cookie"]); diff != "" {
				t.Errorf("Set-Cookie (-want +got):\n%s", diff)
			}
		}
	}
}

func TestStatic(t *testing.T) {
	p := testDeployment(t, echo)
	first := httptest.NewRecorder()
	p.ServeHTTP(first, httptest.NewRequest("GET", "/style.css", nil))
	again := httptest.NewRequest("GET", "/style.css", nil)
	again.Header.Set("If-None-Match", first.Header().Get("ETag"))
	second := httptest.NewRecorder()
	p.ServeHTTP(second, again)
	if second.Code != http.StatusNotModified {
		t.Errorf("with its own ETag: %d, want 304", second.Code)
	}
	post := httptest.NewRecorder()
	p.ServeHTTP(post, httptest.NewRequest("POST", "/style.css", nil))
	if post.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", post.Code)
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ functions, rewrites, want string }{
		{`{"api/echo.go":{"maxDuration":1}}`, `[{"source":"/a","destination":"/api/echo"}]`, ""},
		{`{"api/*.go":{"maxDuration":1}}`, `[{"source":"/a","destination":"/style.css"}]`, ""},
		{`{"api/gone.go":{"maxDuration":1}}`, `[]`, `functions: "api/gone.go" matches no function`},
		{`{}`, `[{"source":"/a","destination":"/api/gone"}]`, `there is nothing at "/api/gone"`},
	} {
		p := testDeployment(t, echo)
		p.Rules = mustLoad(t, fmt.Sprintf(`{"framework":null,"functions":%s,"rewrites":%s}`, tt.functions, tt.rewrites))
		err := p.check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s %s: %v, want %q", tt.functions, tt.rewrites, err, tt.want)
		}
	}
}

// FuzzTarget: whatever stands in the request line, the platform neither
// panics nor redirects.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/", "//evil.example", "/%2f%2fevil.example", "/docs/..", `/\x`, "/api/auth/echo?%"} {
		f.Add(seed)
	}
	p := testDeployment(f, echo)
	f.Fuzz(func(t *testing.T, target string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: app.example\r\n\r\n")))
		if err != nil {
			return
		}
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, r)
		if rec.Header().Get("Location") != "" || rec.Code >= 300 && rec.Code < 400 {
			t.Errorf("%q: %d to %q", target, rec.Code, rec.Header().Get("Location"))
		}
	})
}

// raw sends text as it is, which no http.Client would.
func raw(t *testing.T, srv *httptest.Server, text string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return res
}

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
