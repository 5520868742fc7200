package store

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

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
					if err := s.Save(t.Context(), []Sealed{full(), sparse()}); err != nil {
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
