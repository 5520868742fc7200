// Package graphtest is a Meta for tests of what calls it: a script of answers to requests, which are
// checked and recorded, and checks of what came of them. Use it where each request matters;
// internal/metasim is a Meta that thinks for itself.
//
//	graphtest.Run(t, "a person", graphtest.Routes{"GET /me": graphtest.Says(`{"id":"1"}`)},
//		func(t *testing.T, m *graphtest.Meta) { … m.Client … m.Requests() … })
package graphtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// What the calls of a test may send. The first two are of a proof vector that Meta's SDK publishes.
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
	Line                               string // method and path
	Query, Form                        url.Values
	Authorization, ContentType, Accept string
}

// Routes are a scripted Meta: what answers which method and path, below /v24.0.
type Routes map[string]http.HandlerFunc

// Meta is a [graph.Client] and the scripted Meta that it calls.
type Meta struct {
	*graph.Client
	mutex sync.Mutex
	got   []Request
}

// Run plays the routes for f, a subtest, in a bubble: real HTTP over pipes instead of sockets, on
// a clock that jumps to the next timer. Pauses and time-outs cost no time and have exact lengths.
func Run(t *testing.T, name string, answers Routes, f func(*testing.T, *Meta)) {
	t.Helper()
	bubble := func(t *testing.T) {
		m := &Meta{}
		server := &http.Server{Handler: m.serve(t, answers)}
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() { _ = server.Serve(&pipe{there}) }()
			return here, nil
		}}
		m.Client = client(transport, "http://"+Host)
		t.Cleanup(func() { transport.CloseIdleConnections(); server.Close() })
		f(t, m)
	}
	t.Run(name, func(t *testing.T) { synctest.Test(t, bubble) })
}

// RealClient returns a client that calls a server over sockets, with the transport of production.
func RealClient(t *testing.T, address string) *graph.Client {
	transport := upstream.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return client(transport, address)
}

func client(transport *http.Transport, address string) *graph.Client {
	return &graph.Client{
		HTTP: &http.Client{Transport: transport, CheckRedirect: upstream.NoRedirects},
		URL:  address + "/v24.0", AppID: AppID, Secret: secret.New(AppSecret), Now: time.Now,
	}
}

// serve records each request, checks what every one of them must keep to, and answers.
func (m *Meta) serve(t *testing.T, answers Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		form, formErr := url.ParseQuery(string(body))
		if err != nil || formErr != nil {
			t.Errorf("%s %s: %v, %v", r.Method, r.URL.Path, err, formErr)
		}
		m.checkSecrets(t, r, form)
		path, ok := strings.CutPrefix(r.URL.Path, "/v24.0/")
		header := r.Header
		request := Request{r.Method + " /" + path, r.URL.Query(), form, header.Get("Authorization"), header.Get("Content-Type"), header.Get("Accept")}
		params := request.Query
		if r.Method == http.MethodPost {
			params = request.Form
		}
		if locale := params["locale"]; len(locale) != 1 || locale[0] != "en_US" { // what every call asks for
			t.Errorf("%s asks for the locale %q", request.Line, locale)
		}
		params.Del("locale")
		m.mutex.Lock()
		m.got = append(m.got, request)
		m.mutex.Unlock()
		answer := answers[request.Line]
		if answer == nil || !ok {
			t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
			answer = Status(http.StatusNotFound, "")
		}
		answer(w, r)
	}
}

// checkSecrets wants secrets in the header or the body alone, sent to Meta
// alone, and each token proven.
func (m *Meta) checkSecrets(t *testing.T, r *http.Request, form url.Values) {
	if r.Host != Host {
		t.Errorf("a request went to %s", r.Host)
	}
	query := r.URL.Query()
	if r.URL.Path == "/v24.0/debug_token" {
		query.Del("input_token")
	}
	for _, s := range []string{UserToken, PageToken, m.Secret.Reveal(), Code} {
		if strings.Contains(r.URL.Path+" "+fmt.Sprint(query), s) {
			t.Errorf("%s %s has a secret in its URL", r.Method, r.URL.Path)
		}
	}
	bearer, sent := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	mac := hmac.New(sha256.New, []byte(m.Secret.Reveal()))
	mac.Write([]byte(bearer))
	if proof := query.Get("appsecret_proof") + form.Get("appsecret_proof"); sent && proof != hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("%s %s proves its token with %q", r.Method, r.URL.Path, proof)
	}
}

// Requests returns the requests so far, in the order of their arrival; where lines
// are given, those with one of them.
func (m *Meta) Requests(lines ...string) []Request {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	other := func(r Request) bool { return len(lines) > 0 && !slices.Contains(lines, r.Line) }
	return slices.DeleteFunc(slices.Clone(m.got), other)
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
	members := fmt.Sprintf(`"message":%q,"type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"AbCdEfGh"`, message, code, subcode)
	return `{"error":{` + strings.Join(append([]string{members}, more...), ",") + `}}`
}

// InTurn answers with one handler after the other; the last one stays.
func InTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(n.Add(1)), len(handlers))-1](w, r)
	}
}

// Hangs answers nothing until the client goes away.
func Hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Drops ends the connection without an answer.
func Drops(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Cut promises more than it sends.
func Cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "16")
	_, _ = w.Write([]byte(`{"success`))
	panic(http.ErrAbortHandler)
}

// OK stands for the class of a call that does not fail.
const OK graph.Class = -1

// FailureOf wants an *graph.Error of that class, or none for [OK], and returns it.
func FailureOf(t *testing.T, err error, class graph.Class) *graph.Error {
	t.Helper()
	failure := &graph.Error{Class: OK}
	if err != nil && !errors.As(err, &failure) {
		t.Fatalf("error %v (%T), want a *graph.Error", err, err)
	}
	if failure.Class != class {
		t.Fatalf("class %d, want %d: %v", failure.Class, class, err)
	}
	return failure
}

// WantClean prints an error, and all that it wraps, in every way, and wants
// none of the secrets in it.
func WantClean(t *testing.T, err error, secrets ...string) {
	t.Helper()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("x", "err", err)
	printed := log.String()
	for ; err != nil; err = errors.Unwrap(err) {
		printed += fmt.Sprintf("%v\n%+v\n%#v\n", err, err, err)
	}
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), strings.ToLower(url.QueryEscape(s))} {
			if strings.Contains(printed, form) {
				t.Fatalf("%s is shown:\n%s", form, printed)
			}
		}
	}
}

// CheckStorable wants values that the tables can take: texts in UTF-8 and without
// NUL, and times that JSON can hold. It does not look into pointers and bytes.
// https://www.postgresql.org/docs/current/datatype-character.html
func CheckStorable(t *testing.T, values ...any) {
	t.Helper()
	for _, value := range values {
		text := fmt.Sprintf("%+v", value)
		if _, err := json.Marshal(value); err != nil || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			t.Errorf("not storable: %q, %v", text, err)
		}
	}
}

// pipe is a net.Listener that has one connection, and then no more.
type pipe struct{ next net.Conn }

func (p *pipe) Accept() (net.Conn, error) {
	if conn := p.next; conn != nil {
		p.next = nil
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p *pipe) Close() error   { return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
