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
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

const hidden = "very-secret"

func TestWithoutURL(t *testing.T) {
	plain := errors.New("connection refused")
	address := "https://meta.test/debug_token?input_token=" + hidden
	inner := &url.Error{Op: "Get", URL: address, Err: plain}
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
	} {
		t.Run(c.name, func(t *testing.T) {
			got := WithoutURL(c.err)
			if !errors.Is(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			if strings.Contains(fmt.Sprint(got), hidden) {
				t.Errorf("the URL is still there: %v", got)
			}
		})
	}
}

// TestWithoutURLOfClient: what net/http really returns, with its causes kept.
func TestWithoutURLOfClient(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/?input_token="+hidden, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.Client().Do(request)
	if !strings.Contains(err.Error(), hidden) {
		t.Fatalf("%v: net/http has changed", err)
	}
	if err = WithoutURL(err); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), hidden) {
		t.Errorf("%v", err)
	}
}

func TestNoRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("followed with %v", r.Header) }))
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

// TestIdleConnections: one of some seconds is used again, an old one is not.
func TestIdleConnections(t *testing.T) {
	for _, c := range []struct {
		idle  time.Duration
		dials int
	}{{10 * time.Second, 1}, {16 * time.Second, 2}, {time.Hour, 2}} {
		t.Run(c.idle.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dials := 0
				transport := NewTransport()
				transport.Proxy = nil
				transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
					dials++
					here, there := net.Pipe()
					go answerAll(there)
					return here, nil
				}
				client := &http.Client{Transport: transport}
				for range 2 {
					response, err := client.Get("http://meta.test/")
					if err != nil {
						t.Fatal(err)
					}
					response.Body.Close()
					time.Sleep(c.idle)
				}
				if dials != c.dials {
					t.Errorf("%d connections, want %d", dials, c.dials)
				}
				transport.CloseIdleConnections()
			})
		})
	}
}

// answerAll is a server of one connection.
func answerAll(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 4096)
	for {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		if _, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); err != nil {
			return
		}
	}
}

// TestHandshakeTimeout: a server that takes the connection and says nothing.
func TestHandshakeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := NewTransport()
		transport.Proxy = nil
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() { // takes whatever comes
				defer there.Close()
				buffer := make([]byte, 4096)
				for {
					if _, err := there.Read(buffer); err != nil {
						return
					}
				}
			}()
			return here, nil
		}
		start := time.Now()
		_, err := (&http.Client{Transport: transport}).Get("https://meta.test/")
		if err == nil || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestHTTP2: many calls at once share one connection.
func TestHTTP2(t *testing.T) {
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

// TestReadBody: to the end, or one byte beyond the limit, whatever length was announced.
func TestReadBody(t *testing.T) {
	for _, c := range []struct {
		body      string
		announced int64
		limit     int64
		want      string
	}{
		{"", 0, 10, ""},
		{"short", 5, 10, "short"},
		{"short", -1, 10, "short"}, // not announced
		{"short", 1 << 40, 10, "short"},
		{"more than that", 3, 100, "more than that"},
		{"too long", 8, 4, "too l"},
		{"too long", -1, 4, "too l"},
	} {
		body, err := ReadBody(&http.Response{ContentLength: c.announced, Body: io.NopCloser(strings.NewReader(c.body))}, c.limit)
		if err != nil || string(body) != c.want {
			t.Errorf("%q announced as %d with limit %d: %q, %v", c.body, c.announced, c.limit, body, err)
		}
	}
	cut := io.NopCloser(io.MultiReader(strings.NewReader("cut"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if _, err := ReadBody(&http.Response{ContentLength: 10, Body: cut}, 10); err != io.ErrUnexpectedEOF {
		t.Errorf("cut: %v", err)
	}
}
