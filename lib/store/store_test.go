package store

import (
	"encoding/base64"
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
		t.Run(c.name, func(t *testing.T) {
			s, err := New(c.url, secret.New(c.key))
			if c.fine != (err == nil) || c.fine != (s != nil) {
				t.Fatalf("New: %v, %v", s != nil, err)
			}
			if err != nil {
				checkSilent(t, err)
			}
		})
	}
}

// TestConcurrent runs many calls over several stores in one process: each goes
// to its own project with its own key, user and tokens.
func TestConcurrent(t *testing.T) {
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
			case bearer == tokenOf(uuid.Nil):
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"code":"session_not_found","message":"gone"}`)
			default:
				subject, _ := Subject(secret.New(bearer))
				_, _ = fmt.Fprintf(w, `{"id":%q}`, subject)
			}
		})
		s := newStore(t, p.URL, key)
		for range workers {
			wait.Go(func() {
				for range rounds {
					who := uuid.New()
					if got, err := s.User(t.Context(), secret.New(tokenOf(who))); err != nil || got != who {
						t.Errorf("User = %v, %v, want %v", got, err, who)
					}
					if _, err := s.User(t.Context(), secret.New(tokenOf(uuid.Nil))); err != ErrSignedOut {
						t.Errorf("User = %v, want ErrSignedOut", err)
					}
					if err := s.Save(t.Context(), []Connection{full(), sparse()}); err != nil {
						t.Error(err)
					}
					if err := s.SetSubscription(t.Context(), who, []string{instant}, Subscription{}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wait.Wait()
}

// tokenOf makes an access token as Supabase Auth does, but for the signature.
func tokenOf(who uuid.UUID) string {
	return jwtOf(`{"aud":"authenticated","sub":"` + who.String() + `","role":"authenticated"}`)
}

func jwtOf(claims string) string {
	return "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}
