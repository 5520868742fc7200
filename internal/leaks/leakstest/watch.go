// Package leakstest makes every test a test for leaks:
//
//	func TestMain(m *testing.M) { os.Exit(leakstest.Main(m.Run)) }
//
//	func start(t *testing.T) {
//		watch := leakstest.New(t)
//		server := httptest.NewServer(watch.Responses(handler))
//		t.Cleanup(func() { watch.Know(map[string]string{"FB_APP_SECRET": appSecret}) })
package leakstest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"igconnect/internal/leaks"
)

// Watch gathers everything that one world of a test puts out, and the secrets
// that went into it. Its methods may be called at once.
type Watch struct {
	t   testing.TB
	log string // the file that os.Stderr is

	mutex   sync.Mutex
	secrets map[string]string
	outputs map[string]*bytes.Buffer

	answered atomic.Bool // a request, by a function
}

// New returns a watch that ends with the test, and fails it if something
// leaked. Until then os.Stderr, the functions' log, is a file: New must come
// before their first call, since they take it once for an environment.
func New(t testing.TB) *Watch {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	w := &Watch{t: t, log: file.Name(), secrets: map[string]string{}, outputs: map[string]*bytes.Buffer{}}
	stderr := os.Stderr
	os.Stderr = file
	t.Cleanup(func() {
		os.Stderr = stderr
		file.Close()
		w.See("log", []byte(w.Log()))
		if w.answered.Load() && w.Log() == "" {
			t.Error("functions answered and logged nothing: their log goes elsewhere")
		}
		for _, leak := range w.leaks() {
			t.Error(leak)
		}
	})
	return w
}

// Log is what was written to os.Stderr.
func (w *Watch) Log() string {
	w.t.Helper()
	text, err := os.ReadFile(w.log)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// Know adds secrets to be searched for, by name. Empty ones are none.
func (w *Watch) Know(secrets map[string]string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for name, value := range secrets {
		if value != "" {
			w.secrets[name] = value
		}
	}
}

// See adds to an output of that name.
func (w *Watch) See(name string, text []byte) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.outputs[name] == nil {
		w.outputs[name] = &bytes.Buffer{}
	}
	w.outputs[name].Write(append(text, '\n'))
}

// Database is Supabase Lite, as far as it is searched.
type Database interface {
	Dump(context.Context) (map[string]string, error)
}

// SeeDatabase adds all that a database holds: its rows as text, by table. Those
// of Supabase Auth are its own: it keeps refresh tokens there. It may be called
// when the test's own context has ended.
func (w *Watch) SeeDatabase(db Database) {
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

// Responses sees every response of a handler whole: status, headers with
// redirects and cookies, body.
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

// RequestURLs sees the address of each request to a simulator: servers and
// proxies log them. Meta offers no other place for debug_token's input_token.
func (w *Watch) RequestURLs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if path.Base(r.URL.Path) == "debug_token" {
			query.Del("input_token")
		}
		w.See("request URLs", []byte(r.URL.Path+"?"+query.Encode()))
		next.ServeHTTP(rw, r)
	})
}

// leaks searches all that was seen, and remembers it for Main.
func (w *Watch) leaks() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	search := leaks.NewSearch(w.secrets)
	var found []string
	sizes := map[string]int{}
	for name, output := range w.outputs {
		sizes[name] = output.Len()
		for _, leak := range search.In(output.Bytes()) {
			found = append(found, name+": "+leak.String())
		}
	}
	all.add(w.secrets, sizes)
	return found
}
