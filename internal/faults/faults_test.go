package faults_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"igconnect/internal/faults"
)

const real = `{"name":"Ada","pages":[{"id":"1"}],"count":2,"valid":true}`

// bench is an upstream behind a proxy, and a client that trusts it.
type bench struct {
	t      *testing.T
	wire   *faults.Wire
	url    string
	client *http.Client
	limit  time.Duration
	asked  atomic.Int64 // of the upstream itself
}

func newBench(t *testing.T) *bench {
	t.Helper()
	authority, err := faults.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, wire: faults.NewWire("https://elsewhere.example/"), limit: 10 * time.Second}
	t.Cleanup(b.wire.Close)
	proxy, err := b.wire.NewProxy("meta", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		if r.ProtoMajor != 2 {
			t.Errorf("asked with %s", r.Proto)
		}
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, real)
	}), authority)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.Root)
	b.url = proxy.URL
	b.client = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return b
}

// awaiting lets the client give up soon where nothing else ends a fault.
func (b *bench) awaiting(fault faults.Fault) {
	if fault.Waits {
		b.limit = 300 * time.Millisecond
	}
}

// ask returns the answer's status and body, with what it gave before an error.
func (b *bench) ask(method, path string) (status int, body string, err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), b.limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// Each fault is what its name says, at the call that it is ordered for and at
// no other, and after it all is well.
func TestFaults(t *testing.T) {
	refused := func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
	untrusted := func(err error) bool { var unknown x509.UnknownAuthorityError; return errors.As(err, &unknown) }
	late := func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
	broken := func(err error) bool { return err != nil && !late(err) && !refused(err) && !untrusted(err) }
	wants := map[string]struct {
		status int
		body   string
		err    func(error) bool
		asked  int64 // how often the upstream was asked itself
	}{
		"refused": {err: refused}, "TLS": {err: untrusted},
		"hang": {err: late}, "slow": {status: 200, body: real, err: late, asked: 1}, "cut": {status: 200, body: real[:len(real)/2], err: broken, asked: 1},
		"500 once": {status: 500}, "500": {status: 500}, "429": {status: 429},
		"code 4": {status: 400, body: `"code":4,`}, "code 17": {status: 400, body: `"code":17,`}, "code 32": {status: 400, body: `"code":32,`},
		"code 613": {status: 400, body: `"code":613,`}, "code 80002": {status: 400, body: `"code":80002,`},
		"HTML": {status: 200, body: "<!doctype html>"}, "empty": {status: 200}, "null": {status: 200, body: "null"},
		"types": {status: 200, body: `{"count":"n2","name":7,"pages":{"element":{"id":7}},"valid":"b"}`, asked: 1},
		"5 MB":  {status: 200, body: real + strings.Repeat(" ", 5<<20), asked: 1}, "redirect": {status: 307},
	}
	all := faults.List()
	if len(all) != len(wants) {
		t.Errorf("%d faults, %d expectations", len(all), len(wants))
	}
	for _, fault := range all {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel() // two of them wait
			b, want := newBench(t), wants[fault.Name]
			b.awaiting(fault)
			b.wire.Break(faults.Order{Call: faults.Call{Upstream: "meta", Name: "GET /me", N: 1}, Fault: fault})
			if !fault.OfConnection() {
				if _, body, err := b.ask("GET", "/v24.0/another"); body != real || err != nil {
					t.Errorf("another call: %q, %v", body, err)
				}
				b.asked.Store(0)
			}
			status, body, err := b.ask("GET", "/v24.0/me?fields=id")
			if status != want.status || !strings.Contains(body, want.body) || (err != nil) != (want.err != nil) || want.err != nil && !want.err(err) || b.asked.Load() != want.asked {
				t.Errorf("%d %.200q, %v, asked %d times", status, body, err, b.asked.Load())
			}
			if status, body, _ := b.ask("GET", "/v24.0/me"); (body == real) != fault.Once && !fault.Waits {
				t.Errorf("the second time: %d %.200q", status, body)
			}
			if err := b.wire.Mend(); err != nil {
				t.Fatal(err)
			}
			b.limit = 10 * time.Second
			if status, body, err := b.ask("GET", "/v24.0/me"); status != 200 || body != real || err != nil {
				t.Errorf("afterwards: %d %.200q, %v", status, body, err)
			}
		})
	}
}

// An answer without a body can be slow and cut as well.
func TestWithoutBody(t *testing.T) {
	for _, fault := range faults.List() {
		if fault.Name != "slow" && fault.Name != "cut" {
			continue
		}
		b := newBench(t)
		b.awaiting(fault)
		b.wire.Break(faults.Order{Call: faults.Call{Upstream: "meta", Name: "DELETE /me", N: 1}, Fault: fault})
		if status, body, err := b.ask("DELETE", "/me"); err == nil || b.asked.Load() != 1 {
			t.Errorf("%s: %d %q", fault.Name, status, body)
		}
	}
}

// A fault of the connection begins with the last of the answers that it waits
// for, even where the connection is open.
func TestBreaksAfter(t *testing.T) {
	for _, fault := range faults.List() {
		if !fault.OfConnection() {
			continue
		}
		b := newBench(t)
		b.wire.Break(faults.Order{
			Call: faults.Call{Upstream: "meta", Name: "GET /third", N: 1}, Fault: fault,
			After: []faults.Call{{Upstream: "meta", Name: "GET /first", N: 1}, {Upstream: "meta", Name: "GET /second", N: 1}},
		})
		for _, path := range []string{"/first", "/second"} {
			if _, body, err := b.ask("GET", path); body != real || err != nil {
				t.Errorf("%s, %s: %q, %v", fault.Name, path, body, err)
			}
		}
		if status, _, err := b.ask("GET", "/third"); err == nil {
			t.Errorf("%s: %d", fault.Name, status)
		}
		if b.asked.Load() != 2 {
			t.Errorf("%s: asked %d times", fault.Name, b.asked.Load())
		}
	}
}

// A call has the same name in every run.
func TestNames(t *testing.T) {
	b := newBench(t)
	for _, call := range []struct{ method, path, name string }{
		{"GET", "/v24.0/me?fields=id", "meta GET /me"},
		{"GET", "/v24.0/201/subscribed_apps", "meta GET /{id}/subscribed_apps"},
		{"GET", "/v24.0/202/subscribed_apps?limit=1", "meta GET /{id}/subscribed_apps #2"},
		{"POST", "/rest/v1/rpc/erasure", "meta POST /rpc/erasure"},
		{"GET", "/rest/v1/things/01a20764-c6bb-7669-9278-0c77e3b14807", "meta GET /things/{id}"},
		{"GET", "/v24.0/301", "meta GET /{id}"},
		{"POST", "/v24.0/oauth/access_token?grant_type=fb_exchange_token", "meta POST /oauth/access_token fb_exchange_token"},
	} {
		if _, _, err := b.ask(call.method, call.path); err != nil {
			t.Fatal(err)
		}
		records := b.wire.Records()
		last := records[len(records)-1]
		if last.String() != call.name || last.URL != call.path || last.Ended <= last.Began || !last.HasBody {
			t.Errorf("%s %s: %+v", call.method, call.path, last)
		}
	}
	b.wire.Reset()
	if len(b.wire.Records()) != 0 {
		t.Error("Reset keeps records")
	}
}

func TestWrongTypes(t *testing.T) {
	for body, want := range map[string]string{
		`"text"`: `7`, `12`: `"n12"`, `true`: `"b"`, `null`: `7`, `[]`: `{}`, `{}`: `[]`, `["a"]`: `{"element":7}`,
		`{"a":{"b":[1.50]}}`: `{"a":{"b":{"element":"n1.50"}}}`, `<html>`: `<html>`, ``: ``,
	} {
		if got := string(faults.WrongTypes([]byte(body))); got != want {
			t.Errorf("%s became %s, want %s", body, got, want)
		}
	}
}
