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

	"github.com/google/uuid"

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

// saved is what is left of an answer of Save where only its error matters.
func saved(_ []Connection, err error) error { return err }

func TestNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, url, key string
		fine           bool
	}{
		{"hosted", "https://abcdefghijklmnopqrst.supabase.co", newKey, true},
		{"local", "http://127.0.0.1:54321", legacyKey, true},
		{"a newline in the URL", "https://abcdefghijklmnopqrst.supabase.co\n", newKey, false},
		{"a word for a port", "https://abcdefghijklmnopqrst.supabase.co:port", newKey, false},
		{"an open bracket", "http://[::1", newKey, false},
		{"no key", "https://abcdefghijklmnopqrst.supabase.co", "", false},
	} {
		s, err := New(c.url, secret.New(c.key))
		if c.fine != (err == nil) || c.fine != (s != nil) {
			t.Fatalf("%s: New: %v, %v", c.name, s != nil, err)
		}
		if err != nil {
			checkSilent(t, err)
		}
	}
}

// TestConcurrent runs many calls over several stores in one process: each goes
// to its own project with its own key, user and tokens.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	const stores, workers, rounds = 3, 8, 4
	var wait sync.WaitGroup
	for n := range stores {
		key := fmt.Sprintf("%s%d", newKey, n)
		p := newProject(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Apikey"); got != key {
				t.Errorf("project %d got the key %q", n, got)
			}
			bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			switch {
			case r.URL.Path != "/auth/v1/user":
				if ok {
					t.Errorf("project %d got the Bearer %q", n, bearer)
				}
				w.WriteHeader(http.StatusCreated)
				_, _ = io.WriteString(w, "[]")
			case bearer == tokenOf("nobody"):
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"code":"session_not_found","message":"gone"}`)
			default:
				_, _ = fmt.Fprintf(w, `{"id":%q}`, strings.Split(bearer, ".")[1])
			}
		})
		s := newStore(t, p.URL, key)
		for range workers {
			wait.Go(func() {
				for range rounds {
					who := uuid.NewString()
					if got, err := s.User(t.Context(), secret.New(tokenOf(who))); err != nil || got != who {
						t.Errorf("User = %q, %v, want %q", got, err, who)
					}
					if _, err := s.User(t.Context(), secret.New(tokenOf("nobody"))); err != ErrSignedOut {
						t.Errorf("User: %v, want ErrSignedOut", err)
					}
					if err := saved(s.Save(t.Context(), []Sealed{full(), sparse()})); err != nil {
						t.Error(err)
					}
					if err := s.SetSubscription(t.Context(), who, []string{account}, Subscription{}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wait.Wait()
}

// tokenOf has the form of a session's token, with its user in the middle.
func tokenOf(user string) string { return "eyJh." + user + ".c2ln" }
