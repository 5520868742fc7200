package graph_test

import (
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"igconnect/internal/graphtest"
	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

// TestNoConnection: a call that is tried once takes no time.
func TestNoConnection(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	strange := httptest.NewUnstartedServer(http.NotFoundHandler())
	strange.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake that fails
	strange.StartTLS()
	defer strange.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, c := range []struct {
		name, address string
		cause         func(error) bool
	}{
		{"refused", closed.URL, func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }},
		{"an unknown certificate", strange.URL, func(err error) bool { return errors.As(err, new(x509.UnknownAuthorityError)) }},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), func(err error) bool { return errors.Unwrap(err) != nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := exchange(t.Context(), graphtest.RealClient(t, c.address))
			failure := failureOf(t, err, graph.Unavailable)
			if failure.Status != 0 || !c.cause(err) {
				t.Errorf("status %d, cause %v", failure.Status, errors.Unwrap(err))
			}
			if errors.As(err, new(*url.Error)) || strings.Contains(err.Error(), "/v24.0") {
				t.Errorf("the URL is still there: %v", err)
			}
			wantClean(t, err, code, appSecret, graphtest.PageToken)
		})
	}
}

// TestNoRedirects: neither the Authorization header nor the form may reach
// another host, whatever kind of redirect leads there.
func TestNoRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		t.Errorf("followed: %s %s, Authorization %q, body %q", r.Method, r.URL, r.Header.Get("Authorization"), body)
	}))
	defer other.Close()
	for _, code := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			requests := 0
			meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				http.Redirect(w, r, other.URL+r.URL.Path, code)
			}))
			defer meta.Close()
			err := exchange(t.Context(), graphtest.RealClient(t, meta.URL))
			if failure := failureOf(t, err, graph.Unavailable); failure.Status != code || requests != 1 {
				t.Errorf("status %d after %d requests", failure.Status, requests)
			}
		})
	}
	run(t, "another host", routes{subscribeLine: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.test"+r.URL.Path, http.StatusTemporaryRedirect)
	}}, func(t *testing.T, m *meta) { // the fake Meta objects to requests for another host
		err := subscribe(t.Context(), m.Client, paged)
		failureOf(t, err, graph.Unavailable)
	})
}

// TestUnsendableToken: Meta gave us one that no header can carry.
func TestUnsendableToken(t *testing.T) {
	run(t, "no header", nil, func(t *testing.T, m *meta) {
		err := subscribe(t.Context(), m.Client, secret.New("page_token\r\nX-Evil: 1"))
		failureOf(t, err, graph.Unavailable)
		wantClean(t, err, code, appSecret, graphtest.PageToken)
	})
}

// TestTryTimeout: without a deadline, a hang takes three tries of six seconds
// and the pauses between them.
func TestTryTimeout(t *testing.T) {
	run(t, "three tries", routes{subscribeLine: hangs}, func(t *testing.T, m *meta) {
		start := time.Now()
		err := subscribe(t.Context(), m.Client, paged)
		failureOf(t, err, graph.Unavailable)
		took := time.Since(start)
		if least, most := 18200*time.Millisecond, 18600*time.Millisecond; took < least || took > most || len(m.Requests()) != 3 {
			t.Errorf("%d tries in %v, want 3 in %v to %v", len(m.Requests()), took, least, most)
		}
	})
}

// TestProofVectors are those that Meta's SDKs publish.
func TestProofVectors(t *testing.T) {
	for _, c := range []struct{ token, secret, want string }{
		{"foo_token", "shhhhh!is.my.secret", "796ba0d8a6b339e476a7b166a9e8ac0a395f7de736dc37de5f2f4397f5854eb8"},
		{"test", "test", "88cd2108b5347d973cf39cdf9053d7dd42704876d8c9a9bd8e2d168259d3ddf7"},
	} {
		run(t, c.token, routes{subscribeLine: says("true")}, func(t *testing.T, m *meta) {
			m.Secret = secret.New(c.secret)
			err := subscribe(t.Context(), m.Client, secret.New(c.token))
			if proof := m.Requests()[0].Form.Get("appsecret_proof"); proof != c.want || err != nil {
				t.Errorf("proof %s, want %s (%v)", proof, c.want, err)
			}
		})
	}
}
