package store

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
)

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
			checkFailure(t, s.Save(t.Context(), []Sealed{full()}), Error{Op: "saving the connections", Status: status})
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
			err := newStore(t, c.url, newKey).Save(ctx, []Sealed{full()})
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
