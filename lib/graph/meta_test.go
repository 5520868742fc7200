package graph_test

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

const (
	appID       = "1234567890"
	appSecret   = "shhhhh!is.my.secret" // of Meta's published proof vector
	userToken   = "foo_token"           // likewise
	pageToken   = "page_token"
	code        = "AQ-the-code"
	redirectURI = "https://app.example.com/api/auth/callback?app=1"
	host        = "graph.test"
)

var (
	user   = secret.New(userToken)
	paged  = secret.New(pageToken)
	fields = []string{"messages", "messaging_postbacks"}
	feed   = []string{"feed"}
)

// wire is a request as it arrived.
type wire struct {
	Line          string // method and path
	Query, Form   url.Values
	Authorization string
	ContentType   string
	Accept        string
}

// routes are a scripted Meta: what answers which method and path, below /v24.0.
type routes map[string]http.HandlerFunc

// meta is a graph.Client and the scripted Meta that it calls.
type meta struct {
	*graph.Client
	lenient bool // with secrets of the test's own, which are not checked
	mutex   sync.Mutex
	got     []wire
}

// run plays the routes for f in a bubble: real HTTP over pipes instead of
// sockets, on a clock that jumps to the next timer. Pauses and time-outs cost
// no time and have exact lengths.
func run(t *testing.T, answers routes, f func(*testing.T, *meta)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := &meta{}
		pipes := &pipes{waiting: make(chan net.Conn), done: make(chan struct{})}
		server := httptest.NewUnstartedServer(m.serve(t, answers))
		server.Listener.Close()
		server.Listener = pipes
		server.Start()
		transport := &http.Transport{DialContext: pipes.dial}
		m.Client = &graph.Client{
			HTTP:  &http.Client{Transport: transport, CheckRedirect: upstream.NoRedirects},
			URL:   "http://" + host + "/v24.0",
			AppID: appID, Secret: secret.New(appSecret),
			Now: time.Now,
		}
		t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
		f(t, m)
	})
}

// serve records each request, checks what every one of them must keep to, and
// answers.
func (m *meta) serve(t *testing.T, answers routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		form, formErr := url.ParseQuery(string(body))
		if err := errors.Join(err, formErr); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		line := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v24.0")
		if !m.lenient {
			checkSecrets(t, r, form)
		}
		m.mutex.Lock()
		m.got = append(m.got, wire{
			Line: line, Query: r.URL.Query(), Form: form,
			Authorization: r.Header.Get("Authorization"), ContentType: r.Header.Get("Content-Type"), Accept: r.Header.Get("Accept"),
		})
		m.mutex.Unlock()
		answer := answers[line]
		if answer == nil || !strings.HasPrefix(r.URL.Path, "/v24.0/") {
			t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
			answer = status(http.StatusNotFound, "")
		}
		answer(w, r)
	}
}

// checkSecrets wants secrets in the header or the body alone, sent to Meta
// alone, and each token proven.
func checkSecrets(t *testing.T, r *http.Request, form url.Values) {
	if r.Host != host {
		t.Errorf("a request went to %s", r.Host)
	}
	query := r.URL.Query()
	if r.URL.Path == "/v24.0/debug_token" {
		query.Del("input_token")
	}
	for _, s := range []string{userToken, pageToken, appSecret, code} {
		if strings.Contains(r.URL.Path+" "+fmt.Sprint(query), s) {
			t.Errorf("%s %s has a secret in its URL", r.Method, r.URL.Path)
		}
	}
	bearer, sent := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write([]byte(bearer))
	if proof := query.Get("appsecret_proof") + form.Get("appsecret_proof"); sent && proof != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("%s %s proves its token with %q", r.Method, r.URL.Path, proof)
	}
}

// lines are the requests so far, in the order of their arrival.
func (m *meta) lines() []string {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var lines []string
	for _, w := range m.got {
		lines = append(lines, w.Line)
	}
	return lines
}

// count tells how often a request was made.
func (m *meta) count(line string) (n int) {
	for _, l := range m.lines() {
		if l == line {
			n++
		}
	}
	return n
}

// says answers 200 with a body.
func says(body string) http.HandlerFunc { return status(http.StatusOK, body) }

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// refuses answers 400 in Meta's envelope; more are further members of it.
func refuses(code, subcode int, message string, more ...string) http.HandlerFunc {
	return status(http.StatusBadRequest, envelope(code, subcode, message, more...))
}

func envelope(code, subcode int, message string, more ...string) string {
	members := append([]string{
		fmt.Sprintf(`"message":%q,"type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"AbCdEfGh"`, message, code, subcode),
	}, more...)
	return `{"error":{` + strings.Join(members, ",") + `}}`
}

// inTurn answers with one handler after the other; the last one stays.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
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

// hangs answers nothing until the client goes away.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// failureOf wants an *graph.Error of that class and returns it.
func failureOf(t *testing.T, err error, class graph.Class) *graph.Error {
	t.Helper()
	var failure *graph.Error
	if !errors.As(err, &failure) {
		t.Fatalf("error %v (%T), want a *graph.Error", err, err)
	}
	if failure.Class != class {
		t.Errorf("class %d, want %d: %v", failure.Class, class, err)
	}
	return failure
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
