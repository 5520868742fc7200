package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
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
	want.cause, want.ofAuth = got.cause, got.ofAuth
	if *got != want {
		t.Errorf("error %#v\nwant  %#v", *got, want)
	}
	checkSilent(t, err)
}

// TestRefusals is the fault table of supabase-go that needs no network: each
// status and body, what it becomes, and how many times it was tried.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   Error
		tries  int
	}{
		{"a constraint", 409, `{"code":"23503","details":"Key (user_id)=(6f09) is not present in table \"users\".","hint":null,"message":"insert or update on table \"user_configs\" violates foreign key constraint"}`,
			Error{Status: 409, Code: "23503", Message: `insert or update on table "user_configs" violates foreign key constraint`}, 1},
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
			Error{Status: 400, Message: "bad row […]", Hint: "[…]", Code: "[…]"}, 1},
		{"echo of the call", 400, `{"message":"Bearer ` + legacyKey + ` at https://abcdefghijklmnopqrst.supabase.co/rest/v1/user_configs"}`,
			Error{Status: 400, Message: "Bearer […] at https:[…]"}, 1},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			tries := 0
			s := stubbed(t, legacyKey, func(*http.Request) (*http.Response, error) {
				tries++
				return answer(c.status, c.body), nil
			})
			c.want.Op = "saving the connections"
			checkFailure(t, saved(s.Save(t.Context(), []Sealed{full()})), c.want)
			if tries != c.tries {
				t.Errorf("%d tries, want %d", tries, c.tries)
			}
		})
	}
}

// TestFaults: what the operator has to mend, what the row's or the request's fault is, and what may
// pass. From public reports, and tried on PostgREST and the gateways: Kong, Envoy and Cloudflare
// answer in words of their own, in plain text or with a page.
func TestFaults(t *testing.T) {
	t.Parallel()
	const outage, refused = "", "refused"
	coded := func(code string) string { return `{"code":"` + code + `","details":null,"hint":null,"message":"x"}` }
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   string // part of the fix, or one of the above
	}{
		{"no key", 401, `{"message":"No API key found in request","hint":"x"}`, "SUPABASE_SECRET_KEY"},
		{"a foreign key", 401, `{"message":"Invalid API key","hint":"x"}`, "this very project"},
		{"a foreign key, Kong", 401, `{"message":"Unauthorized"}`, "this very project"},
		{"a foreign key, Envoy", 401, "Unauthorized", "this very project"},
		{"a foreign key, a page", 401, "<html>401</html>", "this very project"},
		{"a foreign key, no words", 401, "", "this very project"},
		{"legacy keys switched off", 401, `{"message":"Legacy API keys are disabled"}`, "this very project"},
		{"a key signed otherwise", 401, coded("PGRST301"), "this very project"},
		{"no role for strangers", 401, coded("PGRST302"), "this very project"},
		{"a key that ended", 401, coded("PGRST303"), "this very project"},
		{"Kong's list of those who may", 403, `{"message":"You cannot consume this service"}`, "this very project"},
		{"a firewall", 403, "<html>Blocked</html>", "this very project"},
		{"the role anon", 401, coded("42501"), "not the publishable"},
		{"the role authenticated", 403, coded("42501"), "not the publishable"},
		{"no function", 404, coded("PGRST202"), "supabase db push --remote"},
		{"no table", 404, coded("PGRST205"), "supabase db push --remote"},
		{"no column", 400, coded("PGRST204"), "supabase db push --remote"},
		{"no table inside", 404, coded("42P01"), "supabase db push --remote"},
		{"no function inside", 404, coded("42883"), "supabase db push --remote"},
		{"no column inside", 400, coded("42703"), "supabase db push --remote"},
		{"a hidden schema", 406, coded("PGRST106"), "Data API"},
		{"another service, 404", 404, "<html>404</html>", "SUPABASE_URL"},
		{"another service, 400", 400, "\n<!doctype html>", "SUPABASE_URL"},
		{"another service, 405", 405, "Method Not Allowed", "SUPABASE_URL"},
		{"a gateway without this route", 404, `{"message":"no Route matched with those values"}`, "SUPABASE_URL"},
		{"nobody", 404, "", "SUPABASE_URL"},

		{"a constraint", 409, coded("23505"), refused},
		{"a check", 400, coded("23514"), refused},
		{"a code of its own", 400, coded("P0001"), refused},
		{"a number out of range", 400, coded("22003"), refused},
		{"too long for an index", 500, coded("54000"), refused},
		{"a body that is cut", 400, coded("PGRST102"), refused},
		{"too large, a page", 413, "<html>too large</html>", refused},
		{"a code that is unknown", 403, coded("x"), outage},
		{"throttled, a page", 429, "<html>slow down</html>", outage},
		{"not paid for", 402, `{"message":"exceeded"}`, outage},
		{"a lock", 500, coded("55P03"), outage},
		{"a statement's time", 500, coded("57014"), outage},
		{"a deadlock", 500, coded("40P01"), outage},
		{"a conflict", 500, coded("40001"), outage},
		{"read-only", 405, coded("25006"), outage},
		{"a page, as networks show for a while", 200, "<html>Welcome</html>", outage},
		{"a page, on another host", 302, "<html>moved</html>", outage},
		{"no database", 503, coded("PGRST001"), outage},
		{"a gateway, a page", 502, "<html>502</html>", outage},
		{"a paused project", 540, `{"message":"paused"}`, outage},
	} {
		failure := refusal(c.status, []byte(c.body))
		got := outage
		if fault := failure.Fault(); fault != nil {
			got = fault.Fix
			if !strings.HasSuffix(failure.Error(), fault.Fix) || failure.Refused() {
				t.Errorf("%s: Refused = %v, and the log says %s", c.name, failure.Refused(), failure)
			}
		} else if failure.Refused() {
			got = refused
		}
		if (got == c.want) != (c.want == outage || c.want == refused) || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, status := range []int{0, 200, 300} {
		if e := (&Error{Status: status}); e.Fault() != nil || e.Refused() {
			t.Errorf("%d: %v, Refused = %v", status, e.Fault(), e.Refused())
		}
	}
}

// TestRepeated: a passing fault is not seen. Each try carries the same whole body
// and the same filters, and the caller's list stays as it was.
func TestRepeated(t *testing.T) {
	t.Parallel()
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
		inBubble(t, c.name, func(t *testing.T) {
			var sent []string
			s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				sent = append(sent, r.URL.RawQuery+" "+string(body))
				if len(sent) > len(c.faults) {
					return answer(200, "[]"), nil
				}
				if status, ok := c.faults[len(sent)-1].(int); ok {
					return answer(status, "<html>"), nil
				}
				return nil, c.faults[len(sent)-1].(error)
			})
			ids := []string{"1", "2"}
			for want, call := range map[string]func() error{
				igToken:   func() error { return saved(s.Save(t.Context(), []Sealed{full()})) },
				`removed`: func() error { return s.Stop(t.Context(), "2002", ids, at, "removed") },
			} {
				sent = nil
				if err := call(); err != nil || len(sent) != len(c.faults)+1 {
					t.Fatalf("%d tries, want %d: %v", len(sent), len(c.faults)+1, err)
				}
				for _, try := range sent {
					if try != sent[0] || !strings.Contains(try, want) || ids[0] != "1" || ids[1] != "2" {
						t.Errorf("a try sent %q, the first %q, of the ids %q", try, sent[0], ids)
					}
				}
			}
		})
	}
}

// TestHang: 5 s a try, three tries, and never longer than the caller allows.
func TestHang(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                   string
		limit, atLeast, atMost time.Duration
		tries                  int
	}{
		{"its own limit", time.Hour, 15 * time.Second, 16 * time.Second, 3},
		{"the caller's", 2 * time.Second, 2 * time.Second, 2 * time.Second, 1},
		{"the caller's, in the second try", 7 * time.Second, 7 * time.Second, 7 * time.Second, 2},
	} {
		for name, call := range map[string]func(context.Context, *Store) error{
			"Save": func(ctx context.Context, s *Store) error { return saved(s.Save(ctx, []Sealed{full()})) },
			"SetSubscription": func(ctx context.Context, s *Store) error {
				return s.SetSubscription(ctx, user, []string{account}, Subscription{})
			},
			"User": func(ctx context.Context, s *Store) error { _, err := s.User(ctx, secret.New(accessToken)); return err },
		} {
			inBubble(t, name+", "+c.name, func(t *testing.T) {
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
				if tries != c.tries || (ctx.Err() != nil) != (c.atMost == c.limit) {
					t.Errorf("%d tries, the caller's context: %v", tries, ctx.Err())
				}
				var failure *Error
				if !errors.As(err, &failure) || !errors.Is(err, context.DeadlineExceeded) || failure.Status != 0 {
					t.Errorf("error %#v", err)
				}
				checkSilent(t, err)
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
	t.Parallel()
	inBubble(t, "endless", func(t *testing.T) {
		body := &endless{}
		s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) {
			body.read = 0
			return &http.Response{StatusCode: 200, Body: body}, nil
		})
		checkFailure(t, saved(s.Save(t.Context(), nil)), Error{Op: "saving the connections", Status: 200})
		if body.read > maxBody+1<<10 {
			t.Errorf("%d bytes were read", body.read)
		}
	})
	for _, c := range []struct {
		name         string
		status, size int
	}{
		{"at the limit", 200, maxBody},
		{"one over", 200, maxBody + 1},
		{"one over, refused", 400, maxBody + 1},
	} {
		inBubble(t, c.name, func(t *testing.T) {
			body := strings.Repeat(" ", c.size-2) + "[]"
			s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(c.status, body), nil })
			err := saved(s.Save(t.Context(), nil))
			if c.size <= maxBody {
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
	}
}

// TestRedirects: the key and the tokens never follow a redirect.
func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			other := newProject(t, answering(200, `{"id":"`+user+`"}`))
			p := newProject(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", other.URL+r.RequestURI)
				w.WriteHeader(status)
			})
			s := newStore(t, p.URL, legacyKey)
			checkFailure(t, saved(s.Save(t.Context(), []Sealed{full()})), Error{Op: "saving the connections", Status: status})
			checkFailure(t, s.SetSubscription(t.Context(), user, []string{account}, Subscription{}), Error{Op: "noting the subscription", Status: status})
			_, err := s.User(t.Context(), secret.New(accessToken))
			checkFailure(t, err, Error{Op: "asking who is signed in", Status: status})
			if len(p.requests()) != 3 || len(other.requests()) != 0 {
				t.Errorf("%d requests, and %d at the other host", len(p.requests()), len(other.requests()))
			}
		})
	}
}

// TestBrokenConnections has the faults that need real sockets.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	tls := httptest.NewUnstartedServer(answering(201, ""))
	tls.Config.ErrorLog = newProject(t, answering(200, "")).Config.ErrorLog
	tls.StartTLS()
	t.Cleanup(tls.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	echo := " " + newKey + " " + igToken
	for _, c := range []struct {
		name, url string
		limit     time.Duration
		want      Error
		text      string
	}{
		{"refused", closed.URL, time.Minute, Error{}, "connection refused"},
		{"unknown certificate", tls.URL, time.Minute, Error{}, "certificate"},
		{"HTTP where HTTPS should be", strings.Replace(newProject(t, answering(201, "")).URL, "http:", "https:", 1), time.Minute, Error{}, "TLS handshake"},
		{"no answer", speaking(t, "", stop), 100 * time.Millisecond, Error{}, "deadline"},
		{"an answer without its end", speaking(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", stop), 100 * time.Millisecond, Error{Status: 200}, "deadline"},
		{"a cut answer", speaking(t, "HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nabc", nil), time.Minute, Error{Status: 201}, "unexpected EOF"},
		{"a cut refusal", speaking(t, "HTTP/1.1 409 Conflict\r\nContent-Length: 99\r\n\r\n{\"code\":\"23503\",", nil), time.Minute, Error{Status: 409}, "unexpected EOF"},
		{"hung up", speaking(t, "", nil), time.Minute, Error{}, ""},
		{"no HTTP, echoing", speaking(t, "SSH"+echo+"\r\n\r\n", nil), time.Minute, Error{}, "malformed HTTP"},
		{"a bad header, echoing", speaking(t, "HTTP/1.1 200 OK\r\nContent-Length:"+echo+"\r\n\r\n", nil), time.Minute, Error{}, "bad Content-Length"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			defer cancel()
			err := saved(newStore(t, c.url, newKey).Save(ctx, []Sealed{full()}))
			c.want.Op = "saving the connections"
			checkFailure(t, err, c.want)
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %q, want %q in it", err, c.text)
			}
		})
	}
}

// speaking is a server that reads a request's first bytes, says text, and
// hangs up, or waits for stop where there is one.
func speaking(t *testing.T, text string, stop <-chan struct{}) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 64<<10))
				_, _ = io.WriteString(conn, text)
				if stop != nil {
					<-stop
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}
