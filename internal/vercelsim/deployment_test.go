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
		{"source": "/go/(.*)", "destination": "/api/echo?via=go"},
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
func testDeployment(fn http.HandlerFunc) *Deployment {
	return &Deployment{
		Rules:     must(Load([]byte(testRules))),
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
	srv := httptest.NewServer(testDeployment(echo))
	defer srv.Close()
	const plain = "text/plain; charset=utf-8"
	for _, tt := range []struct {
		target    string
		status    int
		typ, body string // the body "" is not compared
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
		{"/go/far?a=1", 200, "text/plain", "/go/far?a=1&via=go"},
		{"/go/far?via=me", 200, "text/plain", "/go/far?via=go"}, // the destination's own parameter wins
		{"/gone/x", 200, "text/html; charset=utf-8", "docs"},
		{"/api/echo/", 404, plain, ""},
		{"/api/nothing", 404, plain, ""},
		{"/docs/nothing", 404, plain, ""},
		{"//", 404, plain, ""},
		{"//evil.example", 404, plain, ""},
		{"//evil.example/api/echo", 404, plain, ""},
		{"//api/echo", 404, plain, ""},
		{"/docs//index.html", 404, plain, ""},
		{"/docs//", 404, plain, ""},
		{"/docs/../index.html", 404, plain, ""},
		{"/docs/%2e%2e/index.html", 404, plain, ""},
		{`/\evil.example`, 404, plain, ""},
		{"/%00", 404, plain, ""},
		{"/%0d%0aX-Evil:%201", 404, plain, ""},
		{"/%", 400, plain, ""},
		{"/%zz/api/echo", 400, plain, ""},
		{"http://evil.example/api/echo", 200, "text/plain", "/api/echo?"},
	} {
		res, body := raw(t, srv, "GET "+tt.target+" HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n")
		if typ := res.Header.Get("Content-Type"); res.StatusCode != tt.status || typ != tt.typ {
			t.Errorf("%s: %d %s, want %d %s", tt.target, res.StatusCode, typ, tt.status, tt.typ)
		}
		if location := res.Header.Get("Location"); location != "" || tt.body != "" && body != tt.body {
			t.Errorf("%s: redirected to %q, body %q, want %q", tt.target, location, body, tt.body)
		}
	}
}

// TestHeaderOrder: the platform's default gives way to vercel.json, and that to the function.
func TestHeaderOrder(t *testing.T) {
	d := testDeployment(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Both", "function")
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
	})
	const standard = "public, max-age=0, must-revalidate"
	for path, want := range map[string]http.Header{
		"/":         {"Cache-Control": {standard}, "X-Rule": {"rule"}, "X-Both": {"rule"}, "Set-Cookie": nil},
		"/api/echo": {"Cache-Control": {"no-store"}, "X-Rule": {"rule"}, "X-Both": {"function"}, "Set-Cookie": {"a=1", "b=2"}},
		"/nothing":  {"Cache-Control": {standard}, "X-Rule": {"rule"}, "X-Both": {"rule"}, "Set-Cookie": nil},
	} {
		h := visit(d, "GET", path).Header()
		for name, values := range want {
			if diff := cmp.Diff(values, h[name]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", path, name, diff)
			}
		}
		if h.Get("X-Vercel-Id") == "" {
			t.Errorf("%s: no X-Vercel-Id", path)
		}
	}
}

func TestStatic(t *testing.T) {
	d := testDeployment(echo)
	again, second := httptest.NewRequest("GET", "/style.css", nil), httptest.NewRecorder()
	again.Header.Set("If-None-Match", visit(d, "GET", "/style.css").Header().Get("ETag"))
	if d.ServeHTTP(second, again); second.Code != http.StatusNotModified {
		t.Errorf("with its own ETag: %d, want 304", second.Code)
	}
	if post := visit(d, "POST", "/style.css"); post.Code != http.StatusMethodNotAllowed {
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
		p := testDeployment(echo)
		p.Rules = must(Load(fmt.Appendf(nil, `{"framework":null,"functions":%s,"rewrites":%s}`, tt.functions, tt.rewrites)))
		err := p.check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s %s: %v, want %q", tt.functions, tt.rewrites, err, tt.want)
		}
	}
}

// FuzzTarget: whatever stands in the request line, the platform neither panics nor redirects.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/", "//evil.example", "/%2f%2fevil.example", "/docs/..", `/\x`, "/api/auth/echo?%"} {
		f.Add(seed)
	}
	p := testDeployment(echo)
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
func raw(t *testing.T, srv *httptest.Server, text string) (res *http.Response, body string) {
	t.Helper()
	conn := must(net.Dial("tcp", srv.Listener.Addr().String()))
	defer conn.Close()
	must(io.WriteString(conn, text))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return res, string(must(io.ReadAll(res.Body)))
}
