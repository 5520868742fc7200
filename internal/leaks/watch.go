package leaks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
)

// TB is the part of testing.TB that a [Watch] uses; programs that only search don't link testing.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Error(...any)
	Fatal(...any)
}

// Watch gathers what one test puts out, and the secrets that went into it. [NewWatch] makes it.
// Its methods may be called at the same time, and the watches of parallel tests are independent;
// only [Watch.TakeStderr] is not for them.
type Watch struct {
	t        TB
	stderr   string      // path of the file that os.Stderr is, "" if it isn't one
	answered atomic.Bool // a function answered a request

	mutex   sync.Mutex
	secrets map[string]string
	outputs map[string]*bytes.Buffer // by name
}

// NewWatch returns a watch that ends with the test, and fails it if a secret leaked or if
// functions answered without logging.
func NewWatch(t TB) *Watch {
	w := &Watch{t: t, secrets: map[string]string{}, outputs: map[string]*bytes.Buffer{}}
	t.Cleanup(w.check)
	return w
}

// LogWriter is where the App under test logs to.
func (w *Watch) LogWriter() io.Writer { return logWriter{w} }

type logWriter struct{ *Watch }

func (l logWriter) Write(text []byte) (int, error) { return l.add("log", text) }

// TakeStderr makes os.Stderr part of the log until the test ends, for functions that build their
// App from the environment. It must come before their first call, and not in a parallel test:
// os.Stderr is the process's.
func (w *Watch) TakeStderr() *Watch {
	w.t.Helper()
	file, err := os.CreateTemp(w.t.TempDir(), "log")
	if err != nil {
		w.t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr, w.stderr = file, file.Name()
	w.t.Cleanup(func() {
		os.Stderr = before
		file.Close()
		text := w.readStderr()
		w.stderr = ""
		w.add("log", text)
	})
	return w
}

func (w *Watch) readStderr() []byte {
	w.t.Helper()
	if w.stderr == "" {
		return nil
	}
	text, err := os.ReadFile(w.stderr)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// Log is what was logged so far.
func (w *Watch) Log() string {
	w.t.Helper()
	w.add("log", nil)
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.outputs["log"].String() + string(w.readStderr())
}

// Know adds secrets to be searched for, by name. Empty ones are ignored.
func (w *Watch) Know(secrets map[string]string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for name, value := range secrets {
		if value != "" {
			w.secrets[name] = value
		}
	}
}

// See adds text to the output of that name.
func (w *Watch) See(name string, text []byte) { w.add(name, fmt.Appendf(nil, "%s\n", text)) }

func (w *Watch) add(name string, text []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.outputs[name] == nil {
		w.outputs[name] = &bytes.Buffer{}
	}
	return w.outputs[name].Write(text)
}

// SeeDatabase adds all rows of a database, a Supabase Lite, except those of Supabase Auth, which
// keeps refresh tokens there. It may be called when the test's own context has ended.
func (w *Watch) SeeDatabase(db interface {
	Dump(context.Context) (rows map[string]string, err error) // by table
}) {
	w.t.Helper()
	tables, err := db.Dump(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for name, rows := range tables {
		if !strings.HasPrefix(name, "auth.") {
			w.See("tables", []byte(rows))
		}
	}
}

// Responses sees every response of a handler whole: status, headers with redirects and cookies,
// body.
func (w *Watch) Responses(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		tee := &tee{ResponseWriter: rw}
		defer func() {
			w.See("headers", fmt.Appendf(nil, "%d %v", tee.status, rw.Header()))
			w.See("bodies", tee.body.Bytes())
			if strings.HasPrefix(r.URL.Path, "/api/") && tee.status != http.StatusNotFound {
				w.answered.Store(true)
			}
		}()
		next.ServeHTTP(tee, r)
	})
}

// tee is a ResponseWriter that keeps a copy.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tee) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(part []byte) (int, error) {
	t.body.Write(part)
	return t.ResponseWriter.Write(part)
}

// RequestURLs sees the URL of each request to a simulator: servers and proxies log them.
func (w *Watch) RequestURLs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.SeeURL(r.URL)
		next.ServeHTTP(rw, r)
	})
}

// SeeURL sees the URL of one request. The input_token of debug_token is left out, because Meta
// takes it nowhere else.
func (w *Watch) SeeURL(u *url.URL) {
	query := u.Query()
	if path.Base(u.Path) == "debug_token" {
		query.Del("input_token")
	}
	w.See("request URLs", []byte(u.Path+"?"+query.Encode()))
}

// check fails the test for what leaked, and remembers all that was seen for [Main].
func (w *Watch) check() {
	if w.answered.Load() && w.Log() == "" {
		w.t.Error("functions answered and logged nothing: their log goes elsewhere")
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	all.mutex.Lock()
	defer all.mutex.Unlock()
	all.watches++
	for name, value := range w.secrets {
		all.secrets[value] = name
	}
	search := NewSearch(w.secrets)
	for name, output := range w.outputs {
		all.sizes[name] += output.Len()
		for _, leak := range search.In(output.Bytes()) {
			w.t.Error(name + ": " + leak.String())
		}
	}
}
