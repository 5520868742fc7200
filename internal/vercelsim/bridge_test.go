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
	srv := httptest.NewServer(testDeployment(fn))
	t.Cleanup(srv.Close)
	req := must(http.NewRequest(method, srv.URL+path, strings.NewReader(body)))
	req.Host = "app.example"
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "X-Vercel-Id"} {
		req.Header.Set(name, "forged")
	}
	res := must(http.DefaultTransport.RoundTrip(req))
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// must returns value; an error, which no test expects there, ends all.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// visit sends a deployment a request without the network.
func visit(d *Deployment, method, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	d.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
	return rec
}

// TestRequest: what a function is given.
func TestRequest(t *testing.T) {
	var got *http.Request
	var body []byte
	serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}, "POST", "/api/auth/echo?code=1", "a=b")
	if got.Context() != context.Background() || got.TLS != nil {
		t.Error("the context is not Background, or TLS is set")
	}
	for what, values := range map[string][2]string{ // got and want
		"body":              {string(body), "a=b"},
		"RequestURI":        {got.RequestURI, "/api/auth/echo"},
		"URL":               {got.URL.String(), "/api/auth/echo?code=1"},
		"RemoteAddr":        {got.RemoteAddr, "127.0.0.1"},
		"Host":              {got.Host, "app.example"},
		"the Host header":   {got.Header.Get("Host"), "app.example"},
		"X-Forwarded-Host":  {got.Header.Get("X-Forwarded-Host"), "app.example"},
		"X-Forwarded-For":   {got.Header.Get("X-Forwarded-For"), "127.0.0.1"},
		"X-Forwarded-Proto": {got.Header.Get("X-Forwarded-Proto"), "http"},
		"X-Vercel-Id":       {got.Header.Get("X-Vercel-Id")[:6], "dev1::"},
	} {
		if values[0] != values[1] {
			t.Errorf("%s is %q, want %q", what, values[0], values[1])
		}
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
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	answer := func(statuses ...int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, status := range statuses {
				w.WriteHeader(status)
			}
		}
	}
	for name, tt := range map[string]struct {
		fn          http.HandlerFunc
		status      int
		key, header string // "-": absent
	}{
		"nothing written":        {answer(), 200, "Content-Type", "-"},
		"no sniffing":            {write("<html>"), 200, "Content-Type", "-"},
		"the last status counts": {answer(400, 201), 201, "Content-Length", "0"},
		"a header after Write is sent": {func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "x")
			w.Header().Set("X-Late", "1")
		}, 200, "X-Late", "1"},
		"a length of its own is not believed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99")
			io.WriteString(w, "x")
		}, 200, "Content-Length", "1"},
		"no content":          {answer(204), 204, "Content-Length", "-"},
		"no status at all":    {answer(0), 502, "X-Vercel-Error", "FUNCTION_INVOCATION_FAILED"},
		"as much as may be":   {write(big[1:]), 200, "X-Vercel-Error", "-"},
		"more than may be":    {write(big), 500, "X-Vercel-Error", "FUNCTION_RESPONSE_PAYLOAD_TOO_LARGE"},
		"its redirect stands": {http.RedirectHandler("/x", http.StatusSeeOther).ServeHTTP, 303, "Location", "/x"},
	} {
		t.Run(name, func(t *testing.T) {
			res := serve(t, tt.fn, "GET", "/api/echo", "")
			got := "-"
			if values, ok := res.Header[tt.key]; ok {
				got = strings.Join(values, "|")
			}
			if res.StatusCode != tt.status || got != tt.header {
				t.Errorf("%d, %s: %s; want %d, %s", res.StatusCode, tt.key, got, tt.status, tt.header)
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
	d := testDeployment(func(http.ResponseWriter, *http.Request) { panic("boom") })
	func() {
		defer func() {
			if v := recover(); v != "boom" {
				t.Errorf("recovered %v, want boom", v)
			}
		}()
		visit(d, "GET", "/api/echo")
		t.Error("the panic did not go on")
	}()

	var told any
	d.OnPanic = func(v any) { told = v }
	if rec := visit(d, "GET", "/api/echo"); told != "boom" || rec.Code != 500 {
		t.Errorf("told %v, answered %d", told, rec.Code)
	}
}

// TestDuration: a function that outlives its maxDuration is answered for.
func TestDuration(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	d := testDeployment(func(http.ResponseWriter, *http.Request) { <-release })
	d.Rules.durations[0].limit = time.Millisecond
	if rec := visit(d, "GET", "/api/echo"); rec.Code != http.StatusGatewayTimeout {
		t.Errorf("%d, want 504", rec.Code)
	}
}

// TestOutlivesClient: a client that goes away cancels nothing.
func TestOutlivesClient(t *testing.T) {
	started, finished := make(chan struct{}), make(chan error, 1)
	srv := httptest.NewServer(testDeployment(func(w http.ResponseWriter, r *http.Request) {
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
