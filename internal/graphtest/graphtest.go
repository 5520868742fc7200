// Package graphtest is a Meta for tests of what calls it: a script of answers to
// requests, which are checked and recorded, and checks of what came of them. Use
// it where each request matters; internal/metasim is a Meta that thinks for itself.
//
//	graphtest.Run(t, graphtest.Routes{"GET /me": graphtest.Says(`{"id":"1"}`)},
//		func(t *testing.T, m *graphtest.Meta) { … m.Client … m.Got … })
package graphtest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// What the calls of a test may send. The first two are of a proof vector that
// Meta's SDK publishes.
const (
	AppSecret = "shhhhh!is.my.secret"
	UserToken = "foo_token"
	PageToken = "page_token"
	Code      = "AQ-the-code"
	AppID     = "1234567890"
	Host      = "graph.test"
)

// Request is a request as it arrived.
type Request struct {
	Line          string // method and path
	Query, Form   url.Values
	Authorization string
	ContentType   string
	Accept        string
}

// Routes are a scripted Meta: what answers which method and path, below /v24.0.
type Routes map[string]http.HandlerFunc

// Meta is a [graph.Client] and the scripted Meta that it calls.
type Meta struct {
	*graph.Client
	Lenient bool // with secrets of the test's own, which are not checked
	Got     []Request
	mutex   sync.Mutex
}

// Run plays the routes for f in a bubble: real HTTP over pipes instead of
// sockets, on a clock that jumps to the next timer. Pauses and time-outs cost
// no time and have exact lengths.
func Run(t *testing.T, answers Routes, f func(*testing.T, *Meta)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &Meta{}
		pipes := &pipes{waiting: make(chan net.Conn), done: make(chan struct{})}
		server := httptest.NewUnstartedServer(m.serve(t, answers))
		server.Listener.Close()
		server.Listener = pipes
		server.Start()
		transport := &http.Transport{DialContext: pipes.dial}
		m.Client = &graph.Client{
			HTTP:  &http.Client{Transport: transport, CheckRedirect: upstream.NoRedirects},
			URL:   "http://" + Host + "/v24.0",
			AppID: AppID, Secret: secret.New(AppSecret),
			Now: time.Now,
		}
		t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
		f(t, m)
	})
}

// RealClient returns a client that calls a server over sockets, with the transport
// of production.
func RealClient(t *testing.T, address string) *graph.Client {
	transport := upstream.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return &graph.Client{
		HTTP: &http.Client{Transport: transport, CheckRedirect: upstream.NoRedirects},
		URL:  address + "/v24.0", AppID: AppID, Secret: secret.New(AppSecret), Now: time.Now,
	}
}

// serve records each request, checks what every one of them must keep to, and
// answers.
func (m *Meta) serve(t *testing.T, answers Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		form, formErr := url.ParseQuery(string(body))
		if err := errors.Join(err, formErr); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		line := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v24.0")
		if !m.Lenient {
			checkSecrets(t, r, form)
		}
		m.mutex.Lock()
		m.Got = append(m.Got, Request{
			Line: line, Query: r.URL.Query(), Form: form,
			Authorization: r.Header.Get("Authorization"), ContentType: r.Header.Get("Content-Type"), Accept: r.Header.Get("Accept"),
		})
		m.mutex.Unlock()
		answer := answers[line]
		if answer == nil || !strings.HasPrefix(r.URL.Path, "/v24.0/") {
			t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
			answer = Status(http.StatusNotFound, "")
		}
		answer(w, r)
	}
}

// checkSecrets wants secrets in the header or the body alone, sent to Meta
// alone, and each token proven.
func checkSecrets(t *testing.T, r *http.Request, form url.Values) {
	if r.Host != Host {
		t.Errorf("a request went to %s", r.Host)
	}
	query := r.URL.Query()
	if r.URL.Path == "/v24.0/debug_token" {
		query.Del("input_token")
	}
	for _, s := range []string{UserToken, PageToken, AppSecret, Code} {
		if strings.Contains(r.URL.Path+" "+fmt.Sprint(query), s) {
			t.Errorf("%s %s has a secret in its URL", r.Method, r.URL.Path)
		}
	}
	bearer, sent := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	mac := hmac.New(sha256.New, []byte(AppSecret))
	mac.Write([]byte(bearer))
	if proof := query.Get("appsecret_proof") + form.Get("appsecret_proof"); sent && proof != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("%s %s proves its token with %q", r.Method, r.URL.Path, proof)
	}
}

// Lines are the requests so far, in the order of their arrival.
func (m *Meta) Lines() []string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var lines []string
	for _, request := range m.Got {
		lines = append(lines, request.Line)
	}
	return lines
}

// Count tells how often a request was made.
func (m *Meta) Count(line string) (n int) {
	for _, l := range m.Lines() {
		if l == line {
			n++
		}
	}
	return n
}

// Says answers 200 with a body.
func Says(body string) http.HandlerFunc { return Status(http.StatusOK, body) }

// Status answers with a status and a body.
func Status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// Refuses answers 400 in Meta's [Envelope].
func Refuses(code, subcode int, message string, more ...string) http.HandlerFunc {
	return Status(http.StatusBadRequest, Envelope(code, subcode, message, more...))
}

// Envelope is an error as Meta writes it; more are further members of it.
func Envelope(code, subcode int, message string, more ...string) string {
	members := append([]string{
		fmt.Sprintf(`"message":%q,"type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"AbCdEfGh"`, message, code, subcode),
	}, more...)
	return `{"error":{` + strings.Join(members, ",") + `}}`
}

// InTurn answers with one handler after the other; the last one stays.
func InTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mutex sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		next := handlers[0]
		if len(handlers) > 1 {
			handlers = slices.Delete(slices.Clone(handlers), 0, 1)
		}
		mutex.Unlock()
		next(w, r)
	}
}

// Hangs answers nothing until the client goes away.
func Hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Endless writes until the client has had enough.
func Endless(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(strings.Repeat("[", 64<<10))
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// Cut promises more than it sends.
func Cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "16")
	_, _ = w.Write([]byte(`{"success`))
	panic(http.ErrAbortHandler)
}

// pipes is a net.Listener without sockets.
type pipes struct {
	waiting chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.waiting:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.waiting <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }
