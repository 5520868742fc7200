package faultproxy_test

import (
	"testing"

	"igconnect/internal/faultproxy"
)

// A fault of the connection begins with the last of the answers that it waits for, even where the
// connection is open.
func TestBreaksAfter(t *testing.T) {
	for _, fault := range faultproxy.List() {
		if !fault.OfConnection() {
			continue
		}
		s := newStage(t)
		s.group.Order(faultproxy.Order{
			Call: faultproxy.Call{Upstream: "meta", Name: "GET /third", N: 1}, Fault: fault,
			After: []faultproxy.Call{{Upstream: "meta", Name: "GET /first", N: 1}, {Upstream: "meta", Name: "GET /second", N: 1}},
		})
		for _, path := range []string{"/first", "/second"} {
			if _, body, err := s.ask("GET", path); body != original || err != nil {
				t.Errorf("%s, %s: %q, %v", fault.Name, path, body, err)
			}
		}
		if status, _, err := s.ask("GET", "/third"); err == nil {
			t.Errorf("%s: %d", fault.Name, status)
		}
		if s.asked.Load() != 2 {
			t.Errorf("%s: asked %d times", fault.Name, s.asked.Load())
		}
	}
}

// A call has the same name in every run.
func TestNames(t *testing.T) {
	s := newStage(t)
	for _, call := range []struct{ method, path, name string }{
		{"GET", "/v24.0/me?fields=id", "meta GET /me"},
		{"GET", "/v24.0/201/subscribed_apps", "meta GET /{id}/subscribed_apps"},
		{"GET", "/v24.0/202/subscribed_apps?limit=1", "meta GET /{id}/subscribed_apps #2"},
		{"POST", "/rest/v1/rpc/erasure", "meta POST /rpc/erasure"},
		{"GET", "/rest/v1/things/01a20764-c6bb-7669-9278-0c77e3b14807", "meta GET /things/{id}"},
		{"GET", "/v24.0/301", "meta GET /{id}"},
		{"POST", "/v24.0/oauth/access_token?grant_type=fb_exchange_token", "meta POST /oauth/access_token fb_exchange_token"},
	} {
		if _, _, err := s.ask(call.method, call.path); err != nil {
			t.Fatal(err)
		}
		records := s.group.Records()
		last := records[len(records)-1]
		if last.String() != call.name || last.URL != call.path || !last.End.After(last.Start) || !last.HasBody {
			t.Errorf("%s %s: %+v", call.method, call.path, last)
		}
	}
	s.group.Reset()
	if len(s.group.Records()) != 0 {
		t.Error("Reset keeps records")
	}
}
