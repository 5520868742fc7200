package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"igconnect/lib/app"
	"igconnect/lib/connect"
	"igconnect/lib/graph"
	"igconnect/lib/identity"
	"igconnect/lib/page"
	"igconnect/lib/store"
	"igconnect/lib/webhook"
)

const (
	own       = "https://own.example"
	appOrigin = "https://app.example"
)

// serveOn has a handler answer one request in a deployment with the given
// settings, and returns the request's one log record.
func serveOn(t *testing.T, w http.ResponseWriter, r *http.Request, route Route, settings map[string]string) map[string]any {
	t.Helper()
	var log bytes.Buffer
	getenv := func(name string) string { return settings[name] }
	a, err := app.New(app.Options{Getenv: getenv, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	route.Name, route.Limit = "test", cmp.Or(route.Limit, time.Second)
	Serve(w, r.WithContext(WithApp(r.Context(), a)), route)
	return recordOf(t, log.Bytes())
}

// recordOf reads the one log record, in which no key may stand twice.
func recordOf(t *testing.T, log []byte) map[string]any {
	t.Helper()
	decoder, record := json.NewDecoder(bytes.NewReader(log)), map[string]any{}
	_, err := decoder.Token() // the brace
	for err == nil && decoder.More() {
		var (
			token json.Token
			value any
		)
		if token, err = decoder.Token(); err == nil {
			err = decoder.Decode(&value)
		}
		if _, twice := record[fmt.Sprint(token)]; twice {
			t.Errorf("%v stands twice in the log record: %s", token, log)
		}
		record[fmt.Sprint(token)] = value
	}
	if err != nil || bytes.Count(log, []byte("\n")) != 1 {
		t.Fatalf("not one log record: %s, %v", log, err)
	}
	return record
}

// serve is serveOn without any setting, with a recorder.
func serve(t *testing.T, r *http.Request, route Route) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	return w, serveOn(t, w, r, route, nil)
}

// request is one whose headers are pairs of a name and a value.
func request(method string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Method = method // also one that cannot stand in a request line
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	return r
}

func get(handler Handler) Route {
	return Route{Methods: map[string]Handler{http.MethodGet: handler}}
}

// returning is a handler that ends with an error.
func returning(err error) Handler {
	return func(*Request) (Response, error) { return Response{}, err }
}

// brokenPage has none of the fields that its template asks for, and so fails in the
// middle of the page.
type brokenPage struct{ page.Page }

func TestServe(t *testing.T) {
	t.Parallel()
	ofMeta := func(class graph.Class) Handler {
		return returning(fmt.Errorf("wrapped: %w", &graph.Error{Op: "x", Class: class}))
	}
	for _, c := range []struct {
		name        string
		handler     Handler
		status      int
		code, level string
	}{
		{"an answer", func(*Request) (Response, error) { return Redirect(302, "/x"), nil }, 302, "", "INFO"},
		{"a page", func(*Request) (Response, error) { return Page(200, page.Error{Code: "internal"}), nil }, 200, "", "INFO"},
		{"JSON", func(*Request) (Response, error) { return JSON(200, true), nil }, 200, "", "INFO"},
		{"text", func(*Request) (Response, error) { return Text(200, "x"), nil }, 200, "", "INFO"},
		{"nothing", func(*Request) (Response, error) { return Empty(204), nil }, 204, "", "INFO"},
		{"a failure", returning(fail(StateExpired, nil)), 400, "state_expired", "INFO"},
		{"a wrapped failure", returning(fmt.Errorf("x: %w", fail(UserChanged, nil))), 409, "user_changed", "WARN"},
		{"an unknown error", returning(errors.New("x")), 500, "internal", "ERROR"},
		{"a panic", func(*Request) (Response, error) { panic("x") }, 500, "internal", "ERROR"},
		{"a nil pointer", func(r *Request) (Response, error) { return Empty(204), r.App.Store.Delete(r.Context(), "", "") }, 500, "internal", "ERROR"},
		{"a panic after an answer", func(*Request) (Response, error) { _ = Redirect(302, "/x"); panic("x") }, 500, "internal", "ERROR"},
		{"an error beside an answer", func(*Request) (Response, error) { return Redirect(302, "/x"), errors.New("x") }, 500, "internal", "ERROR"},
		{"JSON that cannot be encoded", func(*Request) (Response, error) { return JSON(200, func() {}), nil }, 500, "internal", "ERROR"},
		{"a page that cannot be drawn", func(*Request) (Response, error) { return Page(200, brokenPage{page.Error{Code: "internal"}}), nil }, 500, "internal", "ERROR"},
		{"Meta: rejected", ofMeta(graph.Rejected), 502, "meta_unavailable", "ERROR"},
		{"Meta: unavailable", ofMeta(graph.Unavailable), 502, "meta_unavailable", "ERROR"},
		{"Meta: throttled", ofMeta(graph.Throttled), 503, "throttled", "WARN"},
		{"Meta: dead token", ofMeta(graph.TokenDead), 502, "token_rejected", "WARN"},
		{"Meta: permission", ofMeta(graph.NoPermission), 422, "missing_permission", "INFO"},
		{"Meta: app", ofMeta(graph.BadApp), 500, "misconfigured", "ERROR"},
		{"Meta: code", ofMeta(graph.CodeRejected), 400, "code_rejected", "WARN"},
		{"signed out", returning(fmt.Errorf("x: %w", identity.ErrSignedOut)), 401, "signed_out", "INFO"},
		{"a deleted user", returning(fmt.Errorf("%w: x", connect.ErrUserDeleted)), 401, "signed_out", "INFO"},
		{"the store", returning(&store.Error{Status: 502}), 503, "store_unavailable", "ERROR"},
		{"the store's key", returning(&store.Error{Status: 401}), 500, "misconfigured", "ERROR"},
		{"no erasure", returning(store.ErrNoErasure), 404, "not_found", "INFO"},
		{"no such connection", returning(connect.ErrNotConnected), 404, "not_found", "INFO"},
		{"a foreign state", returning(connect.ErrState), 400, "state_mismatch", "INFO"},
		{"an old state", returning(connect.ErrExpired), 400, "state_expired", "INFO"},
		{"another user", returning(connect.ErrUserChanged), 409, "user_changed", "WARN"},
		{"a no", returning(connect.ErrDenied), 403, "access_denied", "INFO"},
		{"a failing dialog", returning(connect.ErrDialog), 502, "meta_unavailable", "ERROR"},
		{"no code", returning(connect.ErrNoCode), 400, "bad_request", "INFO"},
		{"not JSON", returning(webhook.ErrNotJSON), 400, "bad_request", "INFO"},
		{"a forged signed_request", returning(webhook.ErrBadSignedRequest), 401, "bad_signature", "WARN"},
		{"not saved", returning(&connect.NotSavedError{Cause: errors.New("x")}), 503, "store_unavailable", "ERROR"},
		{"a permission is missing", returning(&connect.MissingPermissionError{}), 422, "missing_permission", "INFO"},
		{"no account", returning(&connect.NoAccountError{}), 422, "no_instagram_account", "INFO"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
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

// platformWriter is what the platform hands to a function: no Flusher, and no
// Content-Type unless it is set. It records each call.
type platformWriter struct {
	header  http.Header
	calls   []string
	status  int
	body    strings.Builder
	failing error
}

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

func TestPageIsWrittenOnceWithExactHeaders(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"FB_GRAPH_URL": "http://localhost:4000", "ALLOWED_ORIGINS": appOrigin}
	for name, failing := range map[string]error{"to a browser": nil, "to a connection that was reset": errors.New("connection reset")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &platformWriter{header: http.Header{}, failing: failing}
			record := serveOn(t, w, request("GET"), get(returning(fail(StateExpired, nil))), settings)
			want := http.Header{
				"Cache-Control": {"no-store"},
				"Content-Security-Policy": {"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' https://*.cdninstagram.com " +
					"https://*.fbcdn.net http://localhost:4000; form-action 'self' https://www.facebook.com https://app.example; base-uri 'none'; frame-ancestors 'none'"},
				"Content-Type":              {"text/html; charset=utf-8"},
				"Referrer-Policy":           {"same-origin"},
				"Strict-Transport-Security": {"max-age=63072000"},
				"X-Content-Type-Options":    {"nosniff"},
				"X-Error-Code":              {"state_expired"},
			}
			if diff := gocmp.Diff(want, w.header) + gocmp.Diff([]string{"WriteHeader", "Write"}, w.calls); diff != "" {
				t.Errorf("headers and calls (-want +got):\n%s", diff)
			}
			if w.status != http.StatusBadRequest || record["status"] != 400.0 || record["code"] != "state_expired" {
				t.Errorf("status %d, log %v", w.status, record)
			}
			if got := w.body.String(); failing == nil && !strings.Contains(got, "<h1>That took too long</h1>") {
				t.Errorf("the body lacks its title:\n%s", got)
			}
		})
	}
}

// Nothing of a page that fails in the middle is sent, nor its headers: the
// response is the error's.
func TestPageThatCannotBeDrawn(t *testing.T) {
	t.Parallel()
	route := get(func(*Request) (Response, error) {
		return Page(200, brokenPage{page.Error{Code: "internal"}}).with("X-Half", "yes"), nil
	})
	w, record := serve(t, request("GET"), route)
	if w.Header().Get("X-Half") != "" || strings.Count(w.Body.String(), "<html") != 1 || !strings.Contains(w.Body.String(), "<h1>Something broke</h1>") {
		t.Errorf("%v\n%s", w.Header(), w.Body)
	}
	if problem, _ := record["error"].(string); !strings.Contains(problem, "brokenPage") {
		t.Errorf("log: %v", record)
	}
}

// Steps that note the same thing make a list, also side by side with what every
// record holds.
func TestNotesStandOnceInTheRecord(t *testing.T) {
	t.Parallel()
	route := get(func(r *Request) (Response, error) {
		for _, problem := range []string{"one", "two"} {
			r.Note("skipped", problem)
		}
		r.Note("subscription", "refused")
		return Response{}, errors.New("the cause")
	})
	_, record := serve(t, request("GET"), route)
	if !reflect.DeepEqual(record["skipped"], []any{"one", "two"}) || record["subscription"] != "refused" || record["error"] != "the cause" {
		t.Errorf("%v", record)
	}
}

// A page's texts come from the table and nowhere else.
func TestPagesShowNoCause(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"text/html", "application/json"} {
		w, record := serve(t, request("GET", "Accept", accept), get(returning(fail(Internal, errors.New("the private cause")))))
		if strings.Contains(w.Body.String(), "private") || record["error"] != "the private cause" {
			t.Errorf("%s\n%v", w.Body, record)
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	route := get(func(r *Request) (Response, error) {
		deadline, ok := r.Context().Deadline()
		if !ok || time.Until(deadline) > 2*time.Second {
			t.Errorf("deadline %v, %v", deadline, ok)
		}
		return Redirect(302, "/"), nil
	})
	route.Limit = 2 * time.Second
	serve(t, request("GET"), route)
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	route := get(func(*Request) (Response, error) { return Redirect(302, "/"), nil })
	route.Needs = []string{"FB_APP_ID", "SUPABASE_URL"}
	w, record := serve(t, request("GET"), route)
	if w.Code != 500 || w.Header().Get("X-Error-Code") != "misconfigured" || record["error"] != "FB_APP_ID is missing; SUPABASE_URL is missing" {
		t.Errorf("%d, %v", w.Code, record)
	}
}

// An unknown method is refused before anything is read, and told which there are.
func TestMethods(t *testing.T) {
	t.Parallel()
	handler := func(*Request) (Response, error) { return Empty(204), nil }
	route := Route{Methods: map[string]Handler{"POST": handler, "GET": handler}}
	for _, c := range []struct {
		method string
		shared bool
		status int
		allow  string
	}{
		{"GET", false, 204, ""}, {"POST", false, 204, ""}, {"HEAD", false, 204, ""}, {"OPTIONS", false, 405, "GET, POST"},
		{"DELETE", true, 405, "GET, OPTIONS, POST"}, {"a secret", false, 405, "GET, POST"},
	} {
		route.Shared = c.shared
		if w, _ := serve(t, request(c.method), route); w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%+v: %d, Allow %q", c, w.Code, w.Header().Get("Allow"))
		}
	}
}

// HEAD is GET without its body: health checks and link previews ask so.
func TestHead(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]Handler{
		"a page":     func(*Request) (Response, error) { return Page(200, page.Error{Code: "internal"}), nil },
		"JSON":       func(*Request) (Response, error) { return JSON(200, []int{1, 2}), nil },
		"text":       func(*Request) (Response, error) { return Text(404, "nothing"), nil },
		"a redirect": func(*Request) (Response, error) { return Redirect(303, "/x#"), nil },
		"a failure":  returning(fail(StateExpired, nil)),
		"a panic":    func(*Request) (Response, error) { panic("x") },
	} {
		full, _ := serve(t, request("GET", "X-Vercel-Id", "1"), get(handler))
		head, record := serve(t, request("HEAD", "X-Vercel-Id", "1"), get(handler))
		want := full.Header().Clone()
		if full.Body.Len() > 0 {
			want.Set("Content-Length", strconv.Itoa(full.Body.Len()))
		}
		if diff := gocmp.Diff(want, head.Header()); diff != "" || head.Code != full.Code || head.Body.Len() != 0 || record["method"] != "HEAD" {
			t.Errorf("%s: %d with %d bytes, log %v (-GET +HEAD): %s", name, head.Code, head.Body.Len(), record, diff)
		}
	}
	if w, _ := serve(t, request("HEAD"), Route{Methods: map[string]Handler{"POST": returning(nil)}}); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("where there is no GET: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

// A public report: a router that fetched the login ahead of the person made states
// until the one in use was pushed out. The values are those that browsers and
// routers send.
func TestLooksAhead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, header, value string
		ahead                 bool
	}{
		{"GET", "Sec-Purpose", "prefetch", true}, {"GET", "Sec-Purpose", "prefetch;prerender", true}, {"GET", "Sec-Purpose", "Prefetch; anonymous-client-ip", true},
		{"GET", "Purpose", "prefetch", true}, {"GET", "Purpose", "preview", true}, {"GET", "X-Purpose", "preview", true}, {"GET", "X-Purpose", "prefetch", true},
		{"GET", "X-Moz", "prefetch", true}, {"GET", "X-Sec-Purpose", "prefetch", true},
		{"GET", "RSC", "1", true}, {"GET", "Next-Router-Prefetch", "1", true}, {"GET", "Next-Router-Prefetch", "2", true},
		{"GET", "Next-Router-State-Tree", "%5B%22%22%5D", true}, {"GET", "Next-Router-Segment-Prefetch", "/_tree", true},
		{"GET", "X-Middleware-Prefetch", "1", true}, {"GET", "X-Nextjs-Data", "1", true}, {"HEAD", "Accept", "*/*", true},
		{"GET", "Accept", "text/html", false}, {"GET", "Sec-Fetch-Mode", "navigate", false}, {"GET", "Purpose", "", false}, {"GET", "Next-Url", "/x", false},
		{"POST", "Sec-Purpose", "prefetch", false}, {"POST", "RSC", "1", false},
	} {
		began := false
		begin := func(*Request) (Response, error) { began = true; return Redirect(302, "/dialog"), nil }
		route := Route{Acts: true, Methods: map[string]Handler{"GET": begin, "POST": begin}}
		w, _ := serve(t, request(c.method, c.header, c.value), route)
		if began == c.ahead || (w.Code == 204) != c.ahead || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%+v: %d, begun %v", c, w.Code, began)
		}
		route.Acts, began = false, false // what only shows something may be looked at
		if serve(t, request(c.method, c.header, c.value), route); !began {
			t.Errorf("%+v: refused where nothing begins", c)
		}
	}
}

// Only pages of allowed origins read the answer of a shared route, errors
// included, and only they may ask whether a script may call it.
func TestCORS(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"REDIRECT_URI": own + "/api/auth/callback", "ALLOWED_ORIGINS": appOrigin}
	answer := func(*Request) (Response, error) { return Empty(204), nil }
	for _, c := range []struct {
		origin          string
		shared, allowed bool
	}{
		{own, true, true}, {appOrigin, true, true}, {appOrigin, false, false},
		{"", true, false}, {"null", true, false}, {"https://evil.example", true, false},
		{appOrigin + ".evil.example", true, false}, {"http://app.example", true, false}, {appOrigin + ":8443", true, false},
	} {
		for _, method := range []string{"GET", "DELETE", "OPTIONS"} {
			w := httptest.NewRecorder()
			serveOn(t, w, request(method, "Origin", c.origin), Route{Shared: c.shared, Methods: map[string]Handler{"GET": answer, "DELETE": returning(errors.New("x"))}}, settings)

			want := map[string]string{"Vary": "", "Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "Access-Control-Expose-Headers": "", "Access-Control-Allow-Methods": ""}
			status := map[string]int{"GET": 204, "DELETE": 500, "OPTIONS": 405}
			if c.shared {
				want["Vary"], status["OPTIONS"] = "Origin", 403
			}
			if c.allowed {
				want["Access-Control-Allow-Origin"], want["Access-Control-Allow-Credentials"] = c.origin, "true"
				want["Access-Control-Expose-Headers"], status["OPTIONS"] = "X-Error-Code", 204
			}
			if c.allowed && method == "OPTIONS" {
				want["Access-Control-Allow-Methods"] = "DELETE, GET, OPTIONS"
			}
			for name, value := range want {
				if got := w.Header().Get(name); got != value {
					t.Errorf("%s from %q, shared %v: %s %q, want %q", method, c.origin, c.shared, name, got, value)
				}
			}
			if w.Code != status[method] {
				t.Errorf("%s from %q, shared %v: %d, want %d", method, c.origin, c.shared, w.Code, status[method])
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sent string
		kept bool
	}{{"fra1::iad1::abc-123", true}, {"", false}, {"a b", false}, {"<script>", false}, {strings.Repeat("a", 101), false}} {
		if got := requestID(request("GET", "X-Vercel-Id", c.sent)); (got == c.sent) != c.kept || got == "" {
			t.Errorf("%q became %q", c.sent, got)
		}
	}
}

func TestPrefersJSON(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	want := map[Code]int{
		"signed_out": 401, "bad_request": 400, "forbidden_origin": 403, "state_mismatch": 400, "state_expired": 400, "access_denied": 403,
		"code_rejected": 400, "token_rejected": 502, "missing_permission": 422, "user_changed": 409, "no_instagram_account": 422,
		"throttled": 503, "meta_unavailable": 502, "store_unavailable": 503, "misconfigured": 500, "not_found": 404, "bad_signature": 401, "unauthorized": 401, "forbidden": 403,
		"ticket_rejected": 401, "auth_unavailable": 503,
		"method_not_allowed": 405, "internal": 500, "too_large": 413,
	}
	for code, status := range want {
		if entry := errorTable[code]; entry.status != status {
			t.Errorf("%s: %+v", code, entry)
		}
		for _, part := range []string{"title", "what", "next"} {
			code.text(page.English, part) // panics where it is missing
		}
	}
	if len(errorTable) != len(want) {
		t.Errorf("%d codes, want %d", len(errorTable), len(want))
	}
}

func TestHostname(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ forwarded, host, want string }{
		{"", "app.example", "app.example"}, {"", "app.example:3000", "app.example"}, {"www.app.example", "127.0.0.1:1", "www.app.example"},
		{"a.example, b.example", "x", "a.example"}, {"", "[::1]:3000", "::1"}, {"", "[::1]", "::1"},
	} {
		r := request("GET", "X-Forwarded-Host", c.forwarded)
		r.Host = c.host
		if got := (&Request{Request: r}).Hostname(); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// Functions without an App of their context share one of the environment, which
// is read once, in a process of its own here. The start is logged with the version, to
// standard output, and what fails to standard error.
func TestEnvironmentIsReadOnce(t *testing.T) {
	t.Parallel()
	const inside = "IGCONNECT_TEST_STARTS"
	if os.Getenv(inside) == "" {
		run := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		run.Env = append(os.Environ(), inside+"=yes", "FB_APP_ID=1234567890")
		var failures bytes.Buffer
		run.Stderr = &failures
		output, err := run.Output()
		if err != nil {
			t.Fatalf("%v\n%s%s", err, output, &failures)
		}
		usual, _, _ := bytes.Cut(output, []byte("PASS\n")) // the test binary says that itself
		if record := recordOf(t, usual); record["msg"] != "start" || record["version"] != app.Version || record["level"] != "INFO" {
			t.Errorf("%v", record)
		}
		if record := recordOf(t, failures.Bytes()); record["code"] != "misconfigured" || record["level"] != "ERROR" {
			t.Errorf("%v", record)
		}
		return
	}
	first, err := appFor(t.Context())
	if err != nil || first.Config.AppID != "1234567890" {
		t.Fatalf("%v, %v", first, err)
	}
	other := &app.App{}
	for _, c := range []struct{ given, want *app.App }{{nil, first}, {other, other}, {nil, first}} {
		r := request("GET")
		if c.given != nil {
			r = r.WithContext(WithApp(r.Context(), c.given))
		}
		if got, err := appFor(r.Context()); got != c.want || err != nil {
			t.Errorf("%p, %v, want %p", got, err, c.want)
		}
	}
	Serve(httptest.NewRecorder(), request("GET"), Route{
		Limit: time.Minute, Needs: []string{"FB_APP_SECRET"}, Methods: map[string]Handler{"GET": nil},
	})
}
