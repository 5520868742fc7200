package store

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"igconnect/lib/secret"
)

// checkFailure compares an error with what an *Error should hold.
func checkFailure(t *testing.T, err error, want Error) {
	t.Helper()
	var got *Error
	if !errors.As(err, &got) {
		t.Fatalf("error %T %v, want an *Error", err, err)
	}
	if got.Op != want.Op || got.Status != want.Status || got.Code != want.Code || got.Message != want.Message ||
		got.Hint != want.Hint || got.Details.Reveal() != want.Details.Reveal() {
		t.Errorf("error %#v with details %q\nwant  %#v with details %q", got, got.Details.Reveal(), &want, want.Details.Reveal())
	}
	checkSilent(t, err)
}

// TestRefusals is the fault table of supabase-go that needs no network: each
// status and body, what it becomes, and how many times it was tried.
func TestRefusals(t *testing.T) {
	const op = "saving the connections"
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   Error
		tries  int
	}{
		{"a constraint", 409, `{"code":"23503","details":"Key (user_id)=(6f09) is not present in table \"users\".","hint":null,"message":"insert or update on table \"user_configs\" violates foreign key constraint"}`,
			Error{Status: 409, Code: "23503", Message: `insert or update on table "user_configs" violates foreign key constraint`,
				Details: secret.New(`Key (user_id)=(6f09) is not present in table "users".`)}, 1},
		{"a stale schema", 404, `{"code":"PGRST205","details":null,"hint":"Perhaps you meant the table 'public.users'","message":"Could not find the table"}`,
			Error{Status: 404, Code: "PGRST205", Message: "Could not find the table", Hint: "Perhaps you meant the table 'public.users'"}, 1},
		{"an ambiguous function", 300, `{"code":"PGRST203","details":null,"hint":"Try renaming","message":"Could not choose"}`,
			Error{Status: 300, Code: "PGRST203", Message: "Could not choose", Hint: "Try renaming"}, 1},
		{"the gateway", 401, `{"message":"Invalid API key","hint":"Double check your Supabase API key."}`,
			Error{Status: 401, Message: "Invalid API key", Hint: "Double check your Supabase API key."}, 1},
		{"Auth, numeric code", 403, `{"code":403,"error_code":"bad_jwt","msg":"invalid JWT"}`,
			Error{Status: 403, Code: "bad_jwt", Message: "invalid JWT"}, 1},
		{"numeric code alone", 400, `{"code":400,"message":"no"}`, Error{Status: 400, Message: "no"}, 1},
		{"null", 400, `null`, Error{Status: 400}, 1},
		{"null with 500", 500, `null`, Error{Status: 500}, 3},
		{"empty", 404, ``, Error{Status: 404}, 1},
		{"empty with 502", 502, ``, Error{Status: 502}, 3},
		{"HTML", 403, `<html><h1>Blocked</h1></html>`, Error{Status: 403}, 1},
		{"HTML with 502", 502, `<html><h1>Bad Gateway</h1></html>`, Error{Status: 502}, 3},
		{"a list", 400, `[]`, Error{Status: 400}, 1},
		{"a string", 400, `"no"`, Error{Status: 400}, 1},
		{"cut JSON", 400, `{"code":"23503","mess`, Error{Status: 400}, 1},
		{"JSON and more", 400, `{"message":"a"}{"message":"b"}`, Error{Status: 400}, 1},
		{"unavailable", 503, `{"code":"PGRST001","message":"no database"}`, Error{Status: 503, Code: "PGRST001", Message: "no database"}, 3},
		{"throttled", 429, `{"message":"slow down"}`, Error{Status: 429, Message: "slow down"}, 3},
		{"no such status", 999, `{}`, Error{Status: 999}, 3},
		{"redirect without a place", 302, ``, Error{Status: 302}, 1},
		{"not modified", 304, ``, Error{Status: 304}, 1},
		{"echo of the token", 400, `{"message":"bad row ` + igToken + `","hint":"` + pageToken + `","code":"` + newKey + `","details":"` + igToken + `"}`,
			Error{Status: 400, Message: "bad row […]", Hint: "[…]", Code: "[…]", Details: secret.New(igToken)}, 1},
		{"echo of the call", 400, `{"message":"Bearer ` + legacyKey + ` at https://abcdefghijklmnopqrst.supabase.co/rest/v1/user_configs"}`,
			Error{Status: 400, Message: "Bearer […] at https:[…]"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				s := stubbed(t, legacyKey, func(*http.Request) (*http.Response, error) {
					tries++
					return answer(c.status, c.body), nil
				})
				c.want.Op = op
				checkFailure(t, s.Save(t.Context(), []Connection{full()}), c.want)
				if tries != c.tries {
					t.Errorf("%d tries, want %d", tries, c.tries)
				}
			})
		})
	}
}

// TestRepeated: a passing fault is not seen, and each try carries the same
// whole body.
func TestRepeated(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults []any // a status or an error
	}{
		{"503", []any{503}},
		{"429", []any{429}},
		{"500, 504", []any{500, 504}},
		{"a dead connection", []any{io.ErrUnexpectedEOF}},
		{"refused, 502", []any{syscall.ECONNREFUSED, 502}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bodies []string
				s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					bodies = append(bodies, string(body))
					if len(bodies) > len(c.faults) {
						return answer(201, ""), nil
					}
					switch fault := c.faults[len(bodies)-1].(type) {
					case error:
						return nil, fault
					case int:
						return answer(fault, "<html>"), nil
					}
					panic("no such fault")
				})
				if err := s.Save(t.Context(), []Connection{full()}); err != nil {
					t.Fatal(err)
				}
				if len(bodies) != len(c.faults)+1 {
					t.Fatalf("%d tries, want %d", len(bodies), len(c.faults)+1)
				}
				for _, body := range bodies {
					if body != bodies[0] || !strings.Contains(body, igToken) {
						t.Errorf("a try sent %q, the first %q", body, bodies[0])
					}
				}
			})
		})
	}
}

// TestHang: 5 s a try, three tries, and never longer than the caller allows.
func TestHang(t *testing.T) {
	for _, c := range []struct {
		name        string
		limit       time.Duration
		atMost      time.Duration
		atLeast     time.Duration
		tries       int
		wantsCaller bool
	}{
		{"its own limit", time.Hour, 16 * time.Second, 15 * time.Second, 3, false},
		{"the caller's", 2 * time.Second, 2 * time.Second, 2 * time.Second, 1, true},
		{"the caller's, in the second try", 7 * time.Second, 7 * time.Second, 7 * time.Second, 2, true},
	} {
		for name, call := range map[string]func(context.Context, *Store) error{
			"Save": func(ctx context.Context, s *Store) error { return s.Save(ctx, []Connection{full()}) },
			"SetSubscription": func(ctx context.Context, s *Store) error {
				return s.SetSubscription(ctx, user, []string{instant}, Subscription{})
			},
			"User": func(ctx context.Context, s *Store) error { _, err := s.User(ctx, secret.New(accessToken)); return err },
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					tries := 0
					s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
						tries++
						<-r.Context().Done()
						return nil, r.Context().Err()
					})
					ctx, cancel := context.WithTimeout(t.Context(), c.limit)
					defer cancel()
					start := time.Now()
					err := call(ctx, s)
					if took := time.Since(start); took < c.atLeast || took > c.atMost {
						t.Errorf("it took %s", took)
					}
					if tries != c.tries || (ctx.Err() != nil) != c.wantsCaller {
						t.Errorf("%d tries, the caller's context: %v", tries, ctx.Err())
					}
					var failure *Error
					if !errors.As(err, &failure) || !errors.Is(err, context.DeadlineExceeded) || failure.Status != 0 {
						t.Errorf("error %#v", err)
					}
					checkSilent(t, err)
				})
			})
		}
	}
}

// endless is a body that ends only far behind the limit, so that this test can
// fail, and counts what was taken of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 8*maxBody {
		return 0, io.EOF
	}
	e.read += len(p)
	return len(p), nil
}

func (*endless) Close() error { return nil }

func TestBodyLimit(t *testing.T) {
	t.Run("endless", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			body := &endless{}
			s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) {
				body.read = 0
				return &http.Response{StatusCode: 200, Body: body}, nil
			})
			checkFailure(t, s.Save(t.Context(), nil), Error{Op: "saving the connections", Status: 200})
			if body.read > maxBody+1<<10 {
				t.Errorf("%d bytes were read", body.read)
			}
		})
	})
	for _, c := range []struct {
		name   string
		status int
		size   int
		fits   bool
	}{
		{"at the limit", 200, maxBody, true},
		{"one over", 200, maxBody + 1, false},
		{"one over, refused", 400, maxBody + 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := strings.Repeat(" ", c.size)
				s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(c.status, body), nil })
				err := s.Save(t.Context(), nil)
				if c.fits {
					if err != nil {
						t.Error(err)
					}
					return
				}
				checkFailure(t, err, Error{Op: "saving the connections", Status: c.status})
				if !strings.Contains(err.Error(), "over the limit") {
					t.Error(err)
				}
			})
		})
	}
}
