package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/graph"
	"igconnect/lib/store"
)

// serve runs a handler for one request and returns the answer and the log.
func serve(t *testing.T, r *http.Request, route Route) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	for _, variable := range config.Variables {
		t.Setenv(variable, "")
	}
	a, err := fromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a.log = slog.New(slog.NewJSONHandler(&log, nil))
	w := httptest.NewRecorder()
	if route.Limit == 0 {
		route.Limit = time.Second
	}
	Serve(w, r, route)
	var record map[string]any
	if err := json.Unmarshal(log.Bytes(), &record); err != nil {
		t.Fatalf("not one log record: %s", log.String())
	}
	return w, record
}

func get(handler Handler) Route {
	return Route{Name: "test", Methods: map[string]Handler{http.MethodGet: handler}}
}

func TestServe(t *testing.T) {
	ofMeta := func(class graph.Class) error { return fmt.Errorf("wrapped: %w", &graph.Error{Op: "x", Class: class}) }
	for _, c := range []struct {
		name    string
		handler Handler
		status  int
		code    string
		level   string
	}{
		{"an answer", func(c *Call) error { return c.Redirect(302, "/x") }, 302, "", "INFO"},
		{"a failure", func(*Call) error { return Fail(StateExpired, nil) }, 400, "state_expired", "INFO"},
		{"a wrapped failure", func(*Call) error { return fmt.Errorf("x: %w", Fail(UserChanged, nil)) }, 409, "user_changed", "WARN"},
		{"an unknown error", func(*Call) error { return errors.New("x") }, 500, "internal", "ERROR"},
		{"a panic", func(*Call) error { panic("x") }, 500, "internal", "ERROR"},
		{"a nil pointer", func(c *Call) error { return c.Store.Save(context.Background(), nil) }, 500, "internal", "ERROR"},
		{"a panic after an answer", func(c *Call) error { _ = c.Redirect(302, "/x"); panic("x") }, 302, "", "ERROR"},
		{"Meta: rejected", func(*Call) error { return ofMeta(graph.Rejected) }, 502, "meta_unavailable", "ERROR"},
		{"Meta: unavailable", func(*Call) error { return ofMeta(graph.Unavailable) }, 502, "meta_unavailable", "ERROR"},
		{"Meta: throttled", func(*Call) error { return ofMeta(graph.Throttled) }, 503, "throttled", "WARN"},
		{"Meta: dead token", func(*Call) error { return ofMeta(graph.TokenDead) }, 502, "token_rejected", "WARN"},
		{"Meta: permission", func(*Call) error { return ofMeta(graph.NoPermission) }, 422, "missing_permission", "INFO"},
		{"Meta: app", func(*Call) error { return ofMeta(graph.BadApp) }, 500, "misconfigured", "ERROR"},
		{"Meta: code", func(*Call) error { return ofMeta(graph.CodeRejected) }, 400, "code_rejected", "WARN"},
		{"signed out", func(*Call) error { return fmt.Errorf("x: %w", store.ErrSignedOut) }, 401, "signed_out", "INFO"},
		{"the store", func(*Call) error { return &store.Error{Status: 502} }, 503, "store_unavailable", "ERROR"},
		{"the store's key", func(*Call) error { return &store.Error{Status: 401} }, 500, "misconfigured", "ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, record := serve(t, httptest.NewRequest("GET", "/api/test?code=c0de", nil), get(c.handler))
			if w.Code != c.status || w.Header().Get("X-Error-Code") != c.code {
				t.Errorf("%d %s", w.Code, w.Header().Get("X-Error-Code"))
			}
			if record["level"] != c.level || record["status"] != float64(c.status) || record["route"] != "test" {
				t.Errorf("log: %v", record)
			}
			if strings.Contains(fmt.Sprint(record), "c0de") {
				t.Errorf("the query is logged: %v", record)
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") != "same-origin" {
				t.Errorf("headers: %v", w.Header())
			}
		})
	}
}

// A page's texts come from the table and nowhere else.
func TestPagesShowNoCause(t *testing.T) {
	for _, accept := range []string{"text/html", "application/json"} {
		r := httptest.NewRequest("GET", "/api/test", nil)
		r.Header.Set("Accept", accept)
		w, record := serve(t, r, get(func(*Call) error { return Fail(Internal, errors.New("the private cause")) }))
		if strings.Contains(w.Body.String(), "private") || record["error"] != "the private cause" {
			t.Errorf("%s\n%v", w.Body, record)
		}
	}
}

func TestDeadline(t *testing.T) {
	route := get(func(c *Call) error {
		deadline, ok := c.R.Context().Deadline()
		if !ok || time.Until(deadline) > 2*time.Second {
			t.Errorf("deadline %v, %v", deadline, ok)
		}
		return c.Redirect(302, "/")
	})
	route.Limit = 2 * time.Second
	serve(t, httptest.NewRequest("GET", "/", nil), route)
}

func TestNeeds(t *testing.T) {
	route := get(func(c *Call) error { return c.Redirect(302, "/") })
	route.Needs = []string{"FB_APP_ID", "SUPABASE_URL"}
	w, record := serve(t, httptest.NewRequest("GET", "/", nil), route)
	if w.Code != 500 || w.Header().Get("X-Error-Code") != "misconfigured" || record["error"] != "FB_APP_ID is missing; SUPABASE_URL is missing" {
		t.Errorf("%d, %v", w.Code, record)
	}
}

func TestRequestID(t *testing.T) {
	for _, c := range []struct {
		sent string
		kept bool
	}{{"fra1::iad1::abc-123", true}, {"", false}, {"a b", false}, {"<script>", false}, {strings.Repeat("a", 101), false}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Vercel-Id", c.sent)
		if got := requestID(r); (got == c.sent) != c.kept || got == "" {
			t.Errorf("%q became %q", c.sent, got)
		}
	}
}

func TestPrefersJSON(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "text/html": false, "application/json": true, "application/json, text/html": false, "text/html, application/json": false,
		"application/json, text/html;q=0.9": true, "text/html;q=0.1, application/json;q=0.2": true, "application/json;q=x": true,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false, ";;;": false, "application/json;q=0": false,
	} {
		if got := prefersJSON(accept); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

// The table holds what design and README promise.
func TestErrorTable(t *testing.T) {
	want := map[Code]int{
		"signed_out": 401, "bad_request": 400, "forbidden_origin": 403, "state_mismatch": 400, "state_expired": 400, "access_denied": 403,
		"code_rejected": 400, "token_rejected": 502, "missing_permission": 422, "user_changed": 409, "no_instagram_account": 422,
		"throttled": 503, "meta_unavailable": 502, "store_unavailable": 503, "misconfigured": 500, "not_found": 404, "bad_signature": 401, "unauthorized": 401, "forbidden": 403,
		"method_not_allowed": 405, "internal": 500, "too_large": 413,
	}
	for code, status := range want {
		if entry := errorTable[code]; entry.status != status || entry.title == "" || entry.what == "" || entry.next == "" {
			t.Errorf("%s: %+v", code, entry)
		}
	}
	if len(errorTable) != len(want) {
		t.Errorf("%d codes, want %d", len(errorTable), len(want))
	}
}

func TestHostname(t *testing.T) {
	for _, c := range []struct{ forwarded, host, want string }{
		{"", "app.example", "app.example"}, {"", "app.example:3000", "app.example"}, {"www.app.example", "127.0.0.1:1", "www.app.example"},
		{"a.example, b.example", "x", "a.example"}, {"", "[::1]:3000", "::1"}, {"", "[::1]", "::1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = c.host
		r.Header.Set("X-Forwarded-Host", c.forwarded)
		if got := hostname(r); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// The environment is read once as long as it stays the same.
func TestAppIsKept(t *testing.T) {
	for _, variable := range config.Variables {
		t.Setenv(variable, "")
	}
	first, _ := fromEnvironment()
	second, _ := fromEnvironment()
	t.Setenv("FB_APP_ID", "1")
	third, _ := fromEnvironment()
	if first != second || second == third {
		t.Error("the App was rebuilt for the same environment, or kept for another")
	}
}
