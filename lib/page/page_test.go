package page

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// platformWriter is what the platform hands to a function: no Flusher, and no
// Content-Type unless it is set. It records each call.
type platformWriter struct {
	header  http.Header
	calls   []string
	status  int
	body    strings.Builder
	failing error
}

func newPlatformWriter() *platformWriter { return &platformWriter{header: http.Header{}} }

func (w *platformWriter) Header() http.Header { return w.header }

func (w *platformWriter) WriteHeader(status int) {
	w.calls, w.status = append(w.calls, "WriteHeader"), status
}

func (w *platformWriter) Write(b []byte) (int, error) {
	w.calls = append(w.calls, "Write")
	if w.failing != nil {
		return 0, w.failing
	}
	return w.body.Write(b)
}

func TestRenderWritesOnceWithExactHeaders(t *testing.T) {
	w := newPlatformWriter()
	w.header.Set("X-Error-Code", "state_expired")
	policy := Policy{
		Images: []string{"http://localhost:4000"},
		Forms:  []string{"https://www.facebook.com", "https://app.example"},
	}
	if err := Render(w, http.StatusBadRequest, policy, Error{Title: "Too late"}); err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"Cache-Control": {"no-store"},
		"Content-Security-Policy": {"default-src 'none'; style-src 'self'; script-src 'self'; " +
			"img-src 'self' https://*.cdninstagram.com https://*.fbcdn.net http://localhost:4000; " +
			"form-action 'self' https://www.facebook.com https://app.example; " +
			"base-uri 'none'; frame-ancestors 'none'"},
		"Content-Type":              {"text/html; charset=utf-8"},
		"Referrer-Policy":           {"same-origin"},
		"Strict-Transport-Security": {"max-age=63072000"},
		"X-Content-Type-Options":    {"nosniff"},
		"X-Error-Code":              {"state_expired"},
	}
	if diff := cmp.Diff(want, w.header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"WriteHeader", "Write"}, w.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if w.status != http.StatusBadRequest {
		t.Errorf("status = %d, want 400", w.status)
	}
	if !strings.Contains(w.body.String(), "<h1>Too late</h1>") {
		t.Errorf("the body lacks its title:\n%s", w.body.String())
	}
}

// brokenPage has none of the fields that its template asks for, and so fails in the
// middle of the page.
type brokenPage struct{ Title string }

func (brokenPage) template() string { return "error.html" }

func TestRenderOfABrokenPageWritesNothing(t *testing.T) {
	w := newPlatformWriter()
	if err := Render(w, 200, Policy{}, brokenPage{Title: "half of it"}); err == nil {
		t.Fatal("no error")
	}
	if len(w.calls) != 0 || len(w.header) != 0 {
		t.Errorf("calls %v, headers %v; want none", w.calls, w.header)
	}
}

func TestRenderReportsAFailingWrite(t *testing.T) {
	w := newPlatformWriter()
	w.failing = errors.New("connection reset")
	if err := Render(w, 200, Policy{}, Error{Title: "x"}); !errors.Is(err, w.failing) {
		t.Errorf("error = %v, want it to wrap %v", err, w.failing)
	}
}

func TestPolicyKeepsOriginsOnly(t *testing.T) {
	for _, tt := range []struct {
		entry string
		kept  bool
	}{
		{"https://www.facebook.com", true},
		{"http://localhost:3000", true},
		{"http://[::1]:3000", true},
		{"https://app.example/", false},
		{"https://app.example/path", false},
		{"https://user@app.example", false},
		{"https://app.example; script-src *", false},
		{"https://app.example https://evil.example", false},
		{"https://app.example,https://evil.example", false},
		{"https://*.example", false},
		{"https:", false},
		{"https://", false},
		{"javascript:alert(1)", false},
		{"data:", false},
		{"'unsafe-inline'", false},
		{"*", false},
		{"", false},
		{"https://app.example\r\nX: y", false},
	} {
		policy := Policy{Forms: []string{tt.entry}}
		want := "form-action 'self';"
		if tt.kept {
			want = "form-action 'self' " + tt.entry + ";"
		}
		if got := policy.header(); !strings.Contains(got, want) {
			t.Errorf("Forms %q: %s, want %s", tt.entry, got, want)
		}
	}
}
