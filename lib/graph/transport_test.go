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

	"igconnect/lib/graph"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// realClient calls a server over sockets, with the transport of production.
func realClient(t *testing.T, address string) *graph.Client {
	transport := upstream.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return &graph.Client{
		HTTP: &http.Client{Transport: transport, CheckRedirect: upstream.NoRedirects},
		URL:  address + "/v24.0", AppID: appID, Secret: secret.New(appSecret), Now: time.Now,
	}
}

// TestNoConnection: Exchange tries once, so these take no time.
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
			_, err := realClient(t, c.address).Exchange(t.Context(), code, redirectURI)
			failure := failureOf(t, err, graph.Unavailable)
			if failure.Status != 0 || !c.cause(err) {
				t.Errorf("status %d, cause %v", failure.Status, errors.Unwrap(err))
			}
			if errors.As(err, new(*url.Error)) || strings.Contains(err.Error(), "/v24.0") {
				t.Errorf("the URL is still there: %v", err)
			}
			wantClean(t, err, code, appSecret, pageToken)
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
			_, err := realClient(t, meta.URL).Exchange(t.Context(), "AQ-the-code", redirectURI)
			if failure := failureOf(t, err, graph.Unavailable); failure.Status != code || requests != 1 {
				t.Errorf("status %d after %d requests", failure.Status, requests)
			}
		})
	}
	run(t, routes{"POST /901/subscribed_apps": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere.test"+r.URL.Path, http.StatusTemporaryRedirect)
	}}, func(t *testing.T, m *meta) { // the fake Meta objects to requests for another host
		_, err := m.Subscribe(t.Context(), "901", paged, feed)
		failureOf(t, err, graph.Unavailable)
	})
}

// TestUnsendableToken: Meta gave us one that no header can carry.
func TestUnsendableToken(t *testing.T) {
	run(t, routes{}, func(t *testing.T, m *meta) {
		_, err := m.Subscribe(t.Context(), "901", secret.New("page_token\r\nX-Evil: 1"), feed)
		failureOf(t, err, graph.Unavailable)
		wantClean(t, err, code, appSecret, pageToken)
	})
}
