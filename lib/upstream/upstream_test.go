package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

const hidden = "very-secret"

func TestWithoutURL(t *testing.T) {
	t.Parallel()
	plain := errors.New("connection refused")
	address := "https://meta.test/debug_token?input_token=" + hidden
	inner := &url.Error{Op: "Get", URL: address, Err: plain}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/?input_token="+hidden, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, ofClient := server.Client().Do(request)
	if !strings.Contains(ofClient.Error(), hidden) {
		t.Fatalf("%v: net/http has changed", ofClient)
	}
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"none", nil, nil},
		{"without", plain, plain},
		{"with", inner, plain},
		{"wrapped", fmt.Errorf("calling: %w", inner), plain},
		{"one in the other", &url.Error{Op: "Post", URL: address, Err: inner}, plain},
		{"one in the other, wrapped", &url.Error{Op: "Post", URL: address, Err: fmt.Errorf("proxy: %w", inner)}, plain},
		{"what net/http really returns", ofClient, context.Canceled},
	} {
		if got := WithoutURL(c.err); !errors.Is(got, c.want) || strings.Contains(fmt.Sprint(got), hidden) {
			t.Errorf("%s: %v, want %v without a URL", c.name, got, c.want)
		}
	}
}

func TestNoRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("followed with %v", r.Header)
	}))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	client := &http.Client{CheckRedirect: NoRedirects}
	response, err := client.Post(server.URL, "text/plain", strings.NewReader(hidden))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusTemporaryRedirect || response.Header.Get("Location") != other.URL {
		t.Errorf("%s to %q", response.Status, response.Header.Get("Location"))
	}
}

// piped is a transport whose connections end in serve, on its own goroutine.
func piped(serve func(net.Conn)) *http.Transport {
	transport := NewTransport()
	transport.Proxy = nil
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go serve(there)
		return here, nil
	}
	return transport
}

// answering serves one connection: it answers whatever comes with the given text,
// which may be empty.
func answering(text string) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		buffer := make([]byte, 4096)
		for {
			_, err := conn.Read(buffer)
			if text != "" && err == nil {
				_, err = io.WriteString(conn, text)
			}
			if err != nil {
				return
			}
		}
	}
}

// TestIdleConnections: one of some seconds is used again, an old one is not.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	for idle, want := range map[time.Duration]int32{10 * time.Second: 1, 16 * time.Second: 2, time.Hour: 2} {
		synctest.Test(t, func(t *testing.T) {
			var dials atomic.Int32
			transport := piped(func(conn net.Conn) {
				dials.Add(1)
				answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(conn)
			})
			for range 2 {
				response, err := (&http.Client{Transport: transport}).Get("http://meta.test/")
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				time.Sleep(idle)
			}
			if got := dials.Load(); got != want {
				t.Errorf("idle for %v: %d connections, want %d", idle, got, want)
			}
			transport.CloseIdleConnections()
		})
	}
}

// TestHandshakeTimeout: a server that takes the connection and says nothing.
func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := (&http.Client{Transport: piped(answering(""))}).Get("https://meta.test/")
		if took := time.Since(start); err == nil || took != 5*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// TestHTTP2: many calls at once share one connection.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	transport := NewTransport()
	defer transport.CloseIdleConnections()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	response, err := (&http.Client{Transport: transport}).Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.ProtoMajor != 2 {
		t.Errorf("%s", response.Proto)
	}
}

// TestReadBody: to the end, whatever was announced, and not beyond the limit.
func TestReadBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body             string
		announced, limit int64
		want             string
	}{
		{"", 0, 10, ""},
		{"at the limit", 12, 12, "at the limit"},
		{"short", 5, 10, "short"},
		{"short", -1, 10, "short"}, // not announced
		{"short", 1 << 40, 10, "short"},
		{"more than that", 3, 100, "more than that"},
		{"too long", 8, 4, "too l"}, // one byte more than the limit, and an error
		{"too long", -1, 4, "too l"},
	} {
		response := &http.Response{ContentLength: c.announced, Body: io.NopCloser(strings.NewReader(c.body))}
		body, err := ReadBody(response, c.limit)
		if (err != nil) != (int64(len(c.body)) > c.limit) || string(body) != c.want {
			t.Errorf("%q announced as %d with limit %d: %q, %v", c.body, c.announced, c.limit, body, err)
		}
	}
	cut := io.NopCloser(io.MultiReader(strings.NewReader("cut"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if _, err := ReadBody(&http.Response{ContentLength: 10, Body: cut}, 10); err != io.ErrUnexpectedEOF {
		t.Errorf("cut: %v", err)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	passing, final := errors.New("passing"), errors.New("final")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		results []error
		calls   int
		want    error
	}{
		{"at once", context.Background(), []error{nil}, 1, nil},
		{"at the second try", context.Background(), []error{passing, nil}, 2, nil},
		{"at the third try", context.Background(), []error{passing, passing, nil}, 3, nil},
		{"never", context.Background(), []error{passing, passing, passing, nil}, 3, passing},
		{"final", context.Background(), []error{final, nil}, 1, final},
		{"passing, then final", context.Background(), []error{passing, final, nil}, 2, final},
		{"no time left", canceled, []error{passing, nil}, 1, passing},
	} {
		synctest.Test(t, func(t *testing.T) { // whose clock skips the pauses
			calls, transient := 0, func(err error) bool { return errors.Is(err, passing) }
			err := Retry(c.ctx, 3, func() error { calls++; return c.results[calls-1] }, transient)
			if err != c.want || calls != c.calls {
				t.Errorf("%s: %v after %d calls, want %v after %d", c.name, err, calls, c.want, c.calls)
			}
		})
	}
}

// TestPauses: on the clock of synctest they have exact lengths.
func TestPauses(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			try := func() error { at = append(at, time.Now()); return errors.New("passing") }
			_ = Retry(t.Context(), 3, try, func(error) bool { return true })
			first, second := at[1].Sub(at[0]), at[2].Sub(at[1])
			if first < 50*time.Millisecond || first >= 150*time.Millisecond || second < 150*time.Millisecond || second >= 450*time.Millisecond {
				t.Errorf("pauses of %v and %v", first, second)
			}
			seen[first] = true
		})
	}
	if len(seen) == 1 {
		t.Error("no jitter: clients that fail together come back together")
	}
}

// TestPauseEnds: a pause is never longer than the caller's time, and no try
// follows it.
func TestPauseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		start, calls, passing := time.Now(), 0, errors.New("passing")
		err := Retry(ctx, 3, func() error { calls++; return passing }, func(error) bool { return true })
		if took := time.Since(start); took != 30*time.Millisecond || calls != 1 || err != passing {
			t.Errorf("%v after %d calls in %v", err, calls, took)
		}
	})
}

func TestSideBySide(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{1: 6 * time.Second, 2: 3 * time.Second, 4: 2 * time.Second, 9: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var done atomic.Int32
			jobs := make([]func(), 6)
			for i := range jobs {
				jobs[i] = func() { time.Sleep(time.Second); done.Add(1) }
			}
			start := time.Now()
			SideBySide(n, jobs...)
			if took := time.Since(start); took != want || done.Load() != 6 {
				t.Errorf("%d at a time: %v, %d done", n, took, done.Load())
			}
		})
	}
	SideBySide(3) // no jobs
}

func TestSideBySidePanics(t *testing.T) {
	t.Parallel()
	finished := false
	defer func() {
		if v := recover(); v != "broken" || !finished {
			t.Errorf("recovered %v, the other job finished: %v", v, finished)
		}
	}()
	SideBySide(2, func() { panic("broken") }, func() { time.Sleep(10 * time.Millisecond); finished = true })
	t.Error("no panic")
}
