package store

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"igconnect/lib/secret"
)

// The values of the tests have the shapes and lengths of real ones, because
// texts of a server are masked by their looks.
const (
	legacyKey   = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.S-2QbVLLsMv4qYzBnYxHtVtQzWvQvNhQ3nG0YqkD1aM"
	newKey      = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz"
	accessToken = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2ZjA5YzI3ZSJ9.v8Zc1LJq0bQy2D4mXo9s7TtEwRkUiPaSdFgHjKlZxCv"
	igToken     = "EAABsbCS1iHgBO7ZCxqL0aZBfZC9gkq8ZAvTestTokenOfSixtyDays"
	pageToken   = "EAABsbCS1iHgBO9PageZCwYtestTokenThatNeverExpires"
)

var plain = []string{legacyKey, newKey, accessToken, igToken, pageToken}

// request is one that reached a server.
type request struct {
	Method, URI string
	Header      http.Header
	Body        string
}

// project is a Supabase project that answers as told and remembers all that it was asked.
type project struct {
	*httptest.Server
	mu   sync.Mutex
	sent []request
}

func newProject(t *testing.T, answer http.HandlerFunc) *project {
	t.Helper()
	p := &project{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		p.sent = append(p.sent, request{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
		p.mu.Unlock()
		answer(w, r)
	}))
	p.Config.ErrorLog = log.New(io.Discard, "", 0) // it reports the faults that are ordered here
	p.Start()
	t.Cleanup(p.Close)
	return p
}

func (p *project) requests() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// answering makes a handler that gives the same answer always.
func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func newStore(t testing.TB, projectURL, key string) *Store {
	t.Helper()
	s, err := New(projectURL, secret.New(key))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// roundTripper stands where the network is, below the guard.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var stubs atomic.Int64

// stubbed makes a store whose guard sends into a function: without sockets the
// pauses and limits pass at once in a synctest bubble.
func stubbed(t testing.TB, key string, next roundTripper) *Store {
	t.Helper()
	scheme := fmt.Sprintf("stub%d", stubs.Add(1))
	http.DefaultTransport.(*http.Transport).RegisterProtocol(schemePrefix+scheme, &guard{next: next})
	return newStore(t, scheme+"://project.supabase.test", key)
}

// answer is a response of a stub.
func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// inBubble runs a part of a test in a synctest bubble of its own, side by side with the others.
func inBubble(t *testing.T, name string, test func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

// checkSilent fails if an error shows what it must not.
func checkSilent(t testing.TB, err error) {
	t.Helper()
	text := fmt.Sprintf("%v %+v %#v %q", err, err, err, err)
	for _, part := range append([]string{"http://", "https://", "/rest/v1", "/auth/v1", "on_conflict"}, plain...) {
		if strings.Contains(text, part) {
			t.Errorf("the error shows a secret or a URL: %s", text)
		}
	}
}
