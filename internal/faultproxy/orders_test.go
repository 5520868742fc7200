package faultproxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/internal/faultproxy"
)

// plain is an upstream behind a proxy that listens without TLS.
func plain(t *testing.T) (group *faultproxy.Group, ask func(method, path string) string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		io.WriteString(w, "answer to "+string(body))
	}))
	t.Cleanup(upstream.Close)
	group = &faultproxy.Group{}
	t.Cleanup(group.Close)
	address, err := group.Proxy("supabase", faultproxy.To(upstream.URL)).Listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	return group, func(method, path string) string {
		request, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return "error"
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.Status[:4] + string(body)
	}, asked
}

// An order is about the calls that its fields say, so many times; the first order that fits
// counts.
func TestOrders(t *testing.T) {
	group, ask, asked := plain(t)
	sum := faultproxy.Call{Name: "POST /rpc/sum"}
	late := faultproxy.Instead(502, "text/html", "<h1>late")
	late.Done = true
	group.Order(faultproxy.Order{Call: sum, Times: 2, Fault: faultproxy.Instead(503, "text/plain", "down")})
	group.Order(faultproxy.Order{Call: sum, Times: 1, Fault: faultproxy.Lost})
	withdraw := group.Order(faultproxy.Order{Fault: faultproxy.Instead(404, "text/plain", "")})
	group.Order(faultproxy.Order{Match: faultproxy.Path("/rest/v1/things"), Fault: late})
	if err := withdraw(); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		method, path, want string
		asked              int64
	}{
		{"POST", "/rest/v1/other", "200 answer to x", 1},
		{"POST", "/rest/v1/rpc/sum", "503 down", 0},
		{"GET", "/rest/v1/rpc/sum", "200 answer to x", 1},
		{"POST", "/rest/v1/rpc/sum", "503 down", 0},
		{"POST", "/rest/v1/rpc/sum", "error", 1},
		{"POST", "/rest/v1/rpc/sum", "200 answer to x", 1},
		{"PATCH", "/rest/v1/things", "502 <h1>late", 1},
		{"PATCH", "/rest/v1/things", "502 <h1>late", 1},
	} {
		asked.Store(0)
		if got := ask(c.method, c.path); got != c.want || asked.Load() != c.asked {
			t.Errorf("%d. %s %s: %q, asked %d times", i, c.method, c.path, got, asked.Load())
		}
	}
	if hits := group.Hits(); hits != 5 {
		t.Errorf("%d hits", hits)
	}
	if err := group.Mend(); err != nil {
		t.Fatal(err)
	}
	group.Reset()
	if got := ask("GET", "/rest/v1/things"); got != "200 answer to x" || group.Hits() != 0 || len(group.Records()) != 0 {
		t.Errorf("afterwards: %q, %d hits, %d records", got, group.Hits(), len(group.Records()))
	}
}

// A call that is held goes on when it is let go, and others pass it. A latency is that of every
// call.
func TestHoldAndLatency(t *testing.T) {
	group, ask, _ := plain(t)
	until, held := make(chan struct{}), make(chan string)
	group.Order(faultproxy.Order{Call: faultproxy.Call{Name: "GET /held"}, Fault: faultproxy.Hold(until)})
	go func() { held <- ask("GET", "/held") }()
	if got := ask("GET", "/passes"); got != "200 answer to x" {
		t.Errorf("another call: %q", got)
	}
	select {
	case got := <-held:
		t.Errorf("not held: %q", got)
	case <-time.After(50 * time.Millisecond):
	}
	close(until)
	if got := <-held; got != "200 answer to x" {
		t.Errorf("let go: %q", got)
	}
	group.SetLatency(30 * time.Millisecond)
	begun := time.Now()
	if ask("GET", "/slow"); time.Since(begun) < 30*time.Millisecond {
		t.Errorf("took %v", time.Since(begun))
	}
}
