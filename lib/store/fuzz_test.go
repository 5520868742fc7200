package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// FuzzAnswers lets Supabase answer anything to every call: each ends without a
// panic, as success where the answer is one, or as a typed error that shows no
// key, token or URL of ours; and what comes out can be given on.
func FuzzAnswers(f *testing.F) {
	var status int
	var body []byte
	s := stubbed(f, newKey, func(*http.Request) (*http.Response, error) { return answer(status, string(body)), nil })
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the stub does not look at it, but nothing is repeated
	f.Fuzz(func(t *testing.T, withStatus int, withBody []byte) {
		status, body = 100+int(uint(withStatus-100)%900), withBody
		for op, err := range map[string]error{
			"saving": s.Save(ctx, []Connection{full()}), "correcting": s.SetSubscription(ctx, user, []string{instant}, Subscription{}),
			"deleting": s.Delete(ctx, user, instant), "stopping": s.Stop(ctx, "2002", []string{instant}, at, "not shared"),
		} { // their answers are empty, or rows
			text := bytes.TrimSpace(body)
			fits := len(text) == 0 || json.Valid(text) && bytes.ContainsAny(text[:1], "[{")
			if (err == nil) != (status < 300 && fits) {
				t.Errorf("%s: %d %q, %v", op, status, body, err)
			}
			checkTyped(t, status, err)
		}
		for op, call := range reads(s) {
			err := call(t, ctx)
			if err == nil && (status >= 300 || !json.Valid(body) || strings.TrimSpace(string(body)) == "null") {
				t.Errorf("%s: %d %q was believed", op, status, body)
			}
			checkTyped(t, status, err)
		}
	})
}

// reads are the calls whose answer is read, each with a look at what came out.
func reads(s *Store) map[string]func(*testing.T, context.Context) error {
	listed := func(rows []Stored, err error) func(*testing.T) error {
		return func(t *testing.T) error {
			for _, row := range rows {
				checkEncodes(t, row)
			}
			return err
		}
	}
	return map[string]func(*testing.T, context.Context) error{
		"User": func(t *testing.T, ctx context.Context) error {
			who, err := s.User(ctx, secret.New(accessToken))
			if (err == nil) != (who != uuid.Nil) {
				t.Errorf("User = %v, %v", who, err)
			}
			return err
		},
		"OfUser":         func(t *testing.T, ctx context.Context) error { return listed(s.OfUser(ctx, user))(t) },
		"OfPerson":       func(t *testing.T, ctx context.Context) error { return listed(s.OfPerson(ctx, "2002"))(t) },
		"OfUserOrPerson": func(t *testing.T, ctx context.Context) error { return listed(s.OfUserOrPerson(ctx, user, "2002"))(t) },
		"Tokens": func(t *testing.T, ctx context.Context) error {
			tokens, err := s.Tokens(ctx, instant)
			checkEncodes(t, tokens)
			return err
		},
		"Version":    func(_ *testing.T, ctx context.Context) error { _, err := s.Version(ctx); return err },
		"ProbeVault": func(_ *testing.T, ctx context.Context) error { _, err := s.ProbeVault(ctx); return err },
		"Ingest":     func(_ *testing.T, ctx context.Context) error { _, err := s.Ingest(ctx, []Event{}); return err },
		"ClaimDue": func(t *testing.T, ctx context.Context) error {
			due, err := s.ClaimDue(ctx, 40, time.Minute)
			for _, d := range due {
				checkEncodes(t, Checkup{Due: d}.onTheWire())
			}
			return err
		},
		"CountDue": func(_ *testing.T, ctx context.Context) error { _, err := s.CountDue(ctx); return err },
		"Release":  func(_ *testing.T, ctx context.Context) error { return s.Release(ctx, user) },
		"Settle":   func(_ *testing.T, ctx context.Context) error { _, err := s.Settle(ctx, []Checkup{}); return err },
		"Deauthorize": func(_ *testing.T, ctx context.Context) error {
			_, err := s.Deauthorize(ctx, "2002", "", at)
			return err
		},
		"Erase": func(_ *testing.T, ctx context.Context) error { return s.Erase(ctx, "2002", user) },
		"Erasure": func(t *testing.T, ctx context.Context) error {
			record, found, err := s.Erasure(ctx, user)
			if found && err != nil || !found && record != (Erasure{}) {
				t.Errorf("Erasure = %v, %v, %v", record, found, err)
			}
			checkEncodes(t, record)
			return err
		},
	}
}

// checkTyped wants an *Error fit for a log, ErrSignedOut or none.
func checkTyped(t *testing.T, status int, err error) {
	t.Helper()
	if err == nil || err == ErrSignedOut && (status == 401 || status == 403) {
		return
	}
	var failure *Error
	if !errors.As(err, &failure) || failure.Op == "" {
		t.Fatalf("status %d: error %#v", status, err)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, *failure)} { // checkSilent's, but for URLs that the body brings
		for _, value := range plain {
			if strings.Contains(text, value) {
				t.Errorf("the error shows a secret: %s", text)
			}
		}
	}
	if text := err.Error(); len(text) > 2000 || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") {
		t.Errorf("error %q", text)
	}
}

// checkEncodes wants a value that can be given on as JSON.
func checkEncodes(t *testing.T, value any) {
	t.Helper()
	if _, err := json.Marshal(value); err != nil {
		t.Errorf("%T: %v", value, err)
	}
}
