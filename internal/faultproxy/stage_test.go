package faultproxy_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/internal/faultproxy"
)

// original is what the upstream of a stage answers.
const original = `{"name":"Ada","pages":[{"id":"1"}],"count":2,"valid":true}`

// stage is an upstream behind a proxy, and a client that trusts it.
type stage struct {
	t      *testing.T
	group  *faultproxy.Group
	url    string
	client *http.Client
	limit  time.Duration
	asked  atomic.Int64 // of the upstream itself
}

func newStage(t *testing.T) *stage {
	t.Helper()
	authority, err := faultproxy.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, group: &faultproxy.Group{Recording: true, Elsewhere: "https://elsewhere.example/"}, limit: 10 * time.Second}
	t.Cleanup(s.group.Close)
	proxy := s.group.Proxy("meta", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if r.ProtoMajor != 2 {
			t.Errorf("asked with %s", r.Proto)
		}
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, original)
	}))
	if s.url, err = proxy.Listen(authority); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.Root)
	s.client = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s
}

// awaiting lets the client give up soon where nothing else ends a fault.
func (s *stage) awaiting(fault faultproxy.Fault) {
	if fault.Waits {
		s.limit = 300 * time.Millisecond
	}
}

// ask returns the answer's status and body, with what it gave before an error.
func (s *stage) ask(method, path string) (status int, body string, err error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), s.limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}
