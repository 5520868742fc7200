package faultproxy_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"igconnect/internal/faultproxy"
)

// Each fault is what its name says, at the call that it is ordered for and at no other, and after
// it all is well.
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
		"hang": {err: late}, "slow": {status: 200, body: original, err: late, asked: 1}, "cut": {status: 200, body: original[:len(original)/2], err: broken, asked: 1},
		"500 once": {status: 500}, "500": {status: 500}, "429": {status: 429},
		"code 4": {status: 400, body: `"code":4,`}, "code 17": {status: 400, body: `"code":17,`}, "code 32": {status: 400, body: `"code":32,`},
		"code 613": {status: 400, body: `"code":613,`}, "code 80002": {status: 400, body: `"code":80002,`},
		"HTML": {status: 200, body: "<!doctype html>"}, "empty": {status: 200}, "null": {status: 200, body: "null"},
		"types": {status: 200, body: `{"count":"n2","name":7,"pages":{"element":{"id":7}},"valid":"b"}`, asked: 1},
		"5 MB":  {status: 200, body: original + strings.Repeat(" ", 5<<20), asked: 1}, "redirect": {status: 307},
	}
	all := faultproxy.List()
	if len(all) != len(wants) {
		t.Errorf("%d faults, %d expectations", len(all), len(wants))
	}
	for _, fault := range all {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel() // two of them wait
			s, want := newStage(t), wants[fault.Name]
			s.awaiting(fault)
			s.group.Order(faultproxy.Order{Call: faultproxy.Call{Upstream: "meta", Name: "GET /me", N: 1}, Fault: fault})
			if !fault.OfConnection() {
				if _, body, err := s.ask("GET", "/v24.0/another"); body != original || err != nil {
					t.Errorf("another call: %q, %v", body, err)
				}
				s.asked.Store(0)
			}
			status, body, err := s.ask("GET", "/v24.0/me?fields=id")
			if status != want.status || !strings.Contains(body, want.body) || (err != nil) != (want.err != nil) || want.err != nil && !want.err(err) || s.asked.Load() != want.asked {
				t.Errorf("%d %.200q, %v, asked %d times", status, body, err, s.asked.Load())
			}
			if status, body, _ := s.ask("GET", "/v24.0/me"); (body == original) != fault.Once && !fault.Waits {
				t.Errorf("the second time: %d %.200q", status, body)
			}
			if err := s.group.Mend(); err != nil {
				t.Fatal(err)
			}
			s.limit = 10 * time.Second
			if status, body, err := s.ask("GET", "/v24.0/me"); status != 200 || body != original || err != nil {
				t.Errorf("afterwards: %d %.200q, %v", status, body, err)
			}
		})
	}
}

// An answer without a body can be slow and cut as well.
func TestWithoutBody(t *testing.T) {
	for _, fault := range faultproxy.List() {
		if fault.Name != "slow" && fault.Name != "cut" {
			continue
		}
		s := newStage(t)
		s.awaiting(fault)
		s.group.Order(faultproxy.Order{Call: faultproxy.Call{Upstream: "meta", Name: "DELETE /me", N: 1}, Fault: fault})
		if status, body, err := s.ask("DELETE", "/me"); err == nil || s.asked.Load() != 1 {
			t.Errorf("%s: %d %q", fault.Name, status, body)
		}
	}
}
