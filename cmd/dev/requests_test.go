package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRequests shows what is told of a request: where it went and how it ended, and nothing that may
// be secret.
func TestRequests(t *testing.T) {
	s := withPeople(t)
	functions := s.requests.record(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/login":
			w.Header().Set("X-Error-Code", "signed_out")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusUnauthorized)
			w.WriteHeader(http.StatusOK)
		case "/api/health":
			fmt.Fprint(w, "well")
		case "/api/renew":
			panic(http.ErrAbortHandler)
		}
	}))
	ask := func(h http.Handler, method, target string) {
		defer func() { _ = recover() }()
		body := strings.NewReader("fb_exchange_token=hush")
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, body))
	}
	ask(functions, "GET", "/api/login?code=hush")
	ask(functions, "GET", "/igconnect/style.css")
	ask(functions, "GET", "/api/health")
	ask(functions, "POST", "/api/renew")
	ask(functions, "GET", "/api/<b>")
	ask(s.meta, "GET", "/v24.0/me?access_token=hush")

	type short struct {
		to, request, note string
		status            int
		good              bool
	}
	var got []short
	last := s.lastRequests()
	for i, r := range last {
		got = append(got, short{r.To, r.Method + " " + r.Path, r.Note, r.Status, r.Good()})
		if i > 0 && r.At.After(last[i-1].At) {
			t.Errorf("%d is newer than the one before it", i)
		}
	}
	want := []short{
		{"Meta", "GET /v24.0/me", "me", 400, false},
		{"igconnect", "GET /api/<b>", "", 200, true},
		{"igconnect", "POST /api/renew", "", 0, false},
		{"igconnect", "GET /api/health", "", 200, true},
		{"igconnect", "GET /api/login", "signed_out", 401, false},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(short{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var page bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&page, "requests", last); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	if strings.Contains(text, "hush") || strings.Contains(text, "<b>") || !strings.Contains(text, ">none<") {
		t.Errorf("the page tells:\n%s", text)
	}

	for range 3 * maxShown {
		ask(functions, "GET", "/api/health")
	}
	if kept, shown := len(s.requests.all()), len(s.lastRequests()); kept != maxShown || shown != maxShown {
		t.Errorf("%d are kept and %d shown", kept, shown)
	}
}
