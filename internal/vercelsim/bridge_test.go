package vercelsim

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve calls fn on a real server and returns its response.
func serve(t *testing.T, fn http.HandlerFunc, method, path, body string) *http.Response {
	t.Helper()
	srv := httptest.NewServer(testDeployment(t, fn))
	t.Cleanup(srv.Close)
	req, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "app.example"
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "X-Vercel-Id"} {
		req.Header.Set(name, "forged")
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestRequest: what a function is given.
func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}, "POST", "/api/auth/echo?code=1", "a=b")

	if got.Context() != context.Background() {
		t.Error("the context is not Background")
	}
	if got.TLS != nil {
		t.Error("TLS is set")
	}
	for _, tt := range []struct{ what, got, want string }{
		{"body", string(body), "a=b"},
		{"RequestURI", got.RequestURI, "/api/auth/echo"},
		{"URL", got.URL.String(), "/api/auth/echo?code=1"},
		{"RemoteAddr", got.RemoteAddr, "127.0.0.1"},
		{"Host", got.Host, "app.example"},
		{"the Host header", got.Header.Get("Host"), "app.example"},
		{"X-Forwarded-Host", got.Header.Get("X-Forwarded-Host"), "app.example"},
		{"X-Forwarded-For", got.Header.Get("X-Forwarded-For"), "127.0.0.1"},
		{"X-Forwarded-Proto", got.Header.Get("X-Forwarded-Proto"), "http"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	if id := got.Header.Get("X-Vercel-Id"); !strings.HasPrefix(id, "dev1::") {
		t.Errorf("X-Vercel-Id is %q", id)
	}
}

func TestProto(t *testing.T) {
	var got string
	p := testDeployment(t, func(w http.ResponseWriter, r *http.Request) { got = r.Header.Get("X-Forwarded-Proto") })
	p.Proto = "https"
	p.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/echo", nil))
	if got != "https" {
		t.Errorf("X-Forwarded-Proto is %q, want https", got)
	}
}

// TestWriter: the response writer can do no more than the interface says.
func TestWriter(t *testing.T) {
	serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(http.Flusher); ok {
			t.Error("it is a Flusher")
		}
		if _, ok := w.(http.Hijacker); ok {
			t.Error("it is a Hijacker")
		}
		if _, ok := w.(io.ReaderFrom); ok {
			t.Error("it is an io.ReaderFrom")
		}
		if err := http.NewResponseController(w).Flush(); err == nil {
			t.Error("it can flush")
		}
	}, "GET", "/api/echo", "")
}

func TestResponse(t *testing.T) {
	big := strings.Repeat("x", maxBody+1)
	for name, tt := range map[string]struct {
		fn     http.HandlerFunc
		status int
		header string // "Key: value"; a value "-" means absent
	}{
		"nothing written": {func(http.ResponseWriter, *http.Request) {}, 200, "Content-Type: -"},
		"no sniffing":     {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") }, 200, "Content-Type: -"},
		"the last status counts": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			w.WriteHeader(201)
		}, 201, "Content-Length: 0"},
		"a header after Write is sent": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.Header().Set("X-Late", "1")
		}, 200, "X-Late: 1"},
		"a length of its own is not believed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99")
			io.WriteString(w, "x")
		}, 200, "Content-Length: 1"},
		"no content":          {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, 204, "Content-Length: -"},
		"no status at all":    {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(0) }, 502, "X-Vercel-Error: FUNCTION_INVOCATION_FAILED"},
		"as much as may be":   {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, big[1:]) }, 200, "X-Vercel-Error: -"},
		"more than may be":    {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, big) }, 500, "X-Vercel-Error: FUNCTION_RESPONSE_PAYLOAD_TOO_LARGE"},
		"its redirect stands": {func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Location", "/x"); w.WriteHeader(303) }, 303, "Location: /x"},
	} {
		t.Run(name, func(t *testing.T) {
			res := serve(t, tt.fn, "GET", "/api/echo", "")
			defer res.Body.Close()
			key, want, _ := strings.Cut(tt.header, ": ")
			got := "-"
			if values, ok := res.Header[key]; ok {
				got = strings.Join(values, "|")
			}
			if res.StatusCode != tt.status || got != want {
				t.Errorf("%d, %s: %s; want %d, %s", res.StatusCode, key, got, tt.status, tt.header)
			}
		})
	}
}

func TestRequestLimit(t *testing.T) {
	called := 0
	fn := func(w http.ResponseWriter, r *http.Request) { called++ }
	big := strings.Repeat("x", maxBody+1)
	if res := serve(t, fn, "POST", "/api/echo", big[1:]); res.StatusCode != 200 || called != 1 {
		t.Errorf("at the limit: %d after %d calls", res.StatusCode, called)
	}
	if res := serve(t, fn, "POST", "/api/echo", big); res.StatusCode != http.StatusRequestEntityTooLarge || called != 1 {
		t.Errorf("over the limit: %d after %d calls", res.StatusCode, called)
	}
}

func TestPanic(t *testing.T) {
	boom := func(http.ResponseWriter, *http.Request) { panic("boom") }
	p := testDeployment(t, boom)
	r := httptest.NewRequest("GET", "/api/echo", nil)

	func() {
		defer func() {
			if v := recover(); v != "boom" {
				t.Errorf("recovered %v, want boom", v)
			}
		}()
		p.ServeHTTP(httptest.NewRecorder(), r)
		t.Error("the panic did not go on")
	}()

	var told any
	p.OnPanic = func(v any) { told = v }
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, r)
	if told != "boom" || rec.Code != 500 {
		t.Errorf("told %v, answered %d", told, rec.Code)
	}
}

// TestDuration: a function that outlives its maxDuration is answered for.
func TestDuration(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	p := testDeployment(t, func(http.ResponseWriter, *http.Request) { <-release })
	p.Rules.durations[0].limit = time.Millisecond
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, httptest.NewRequest("GET", "/api/echo", nil))
	if rec.Code != http.StatusGatewayTimeout {
		t.Errorf("%d, want 504", rec.Code)
	}
}

// TestOutlivesClient: a client that goes away cancels nothing.
func TestOutlivesClient(t *testing.T) {
	started, finished := make(chan struct{}), make(chan error, 1)
	srv := httptest.NewServer(testDeployment(t, func(w http.ResponseWriter, r *http.Request) {
		close(started)
		select {
		case <-r.Context().Done():
			finished <- r.Context().Err()
		case <-time.After(50 * time.Millisecond):
			finished <- nil
		}
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/api/echo", nil)
	go http.DefaultTransport.RoundTrip(req)
	<-started
	cancel()
	if err := <-finished; err != nil {
		t.Errorf("the function's context ended: %v", err)
	}
}
