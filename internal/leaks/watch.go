package leaks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// TB is the part of testing.TB that a [Watch] uses; programs that only search don't link testing.
type TB interface {
	Helper()
	Cleanup(func())
	Error(...any)
	Fatal(...any)
}

// Watch gathers what one test puts out, and the secrets that went into it. [NewWatch] makes it.
// Its methods may be called at the same time, and the watches of parallel tests are independent.
type Watch struct {
	t        TB
	answered atomic.Bool // a function answered a request

	mutex   sync.Mutex
	secrets map[string]string
	outputs map[string][]byte // by name
}

// NewWatch returns a watch that ends with the test, and fails it if a secret leaked or if
// functions answered without logging.
func NewWatch(t TB) *Watch {
	w := &Watch{t: t, secrets: map[string]string{}, outputs: map[string][]byte{}}
	t.Cleanup(w.check)
	return w
}

// LogWriter is where the App under test logs to.
func (w *Watch) LogWriter() io.Writer { return logWriter{w} }

type logWriter struct{ *Watch }

func (l logWriter) Write(text []byte) (int, error) {
	l.add("log", text)
	return len(text), nil
}

// Log is what was logged so far.
func (w *Watch) Log() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return string(w.outputs["log"])
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

func (w *Watch) add(name string, text []byte) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.outputs[name] = append(w.outputs[name], text...)
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
		all.sizes[name] += len(output)
		for _, leak := range search.In(output) {
			w.t.Error(name + ": " + leak.String())
		}
	}
}

// Main runs the tests of a package as run does, and then searches all that the process wrote to
// stdout and stderr for the secrets of every [Watch]. It returns the exit status: run's, or 1 if
// something leaked. It prints what was searched.
func Main(run func() int) int {
	stdout, stderr := capture(&os.Stdout), capture(&os.Stderr)
	status := run()
	outputs := map[string][]byte{"stdout": stdout(), "stderr": stderr()}
	if all.watches == 0 { // none of the tests that were asked for has one
		return status
	}
	secrets, sizes := map[string]string{}, maps.Clone(all.sizes)
	for value, name := range all.secrets {
		secrets[fmt.Sprintf("%s (%d)", name, len(secrets))] = value
	}
	search := NewSearch(secrets)
	for name, output := range outputs {
		sizes[name] = len(output)
		for _, leak := range search.In(output) {
			fmt.Printf("LEAK in %s: %s\n", name, leak)
			status = 1
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		parts = append(parts, fmt.Sprintf("%s %d KB", name, (sizes[name]+999)/1000))
	}
	fmt.Printf("searched for %d secrets of %d watches: %s\n", len(secrets), all.watches, strings.Join(parts, ", "))
	return status
}

// capture begins to copy what is written to *output, os.Stdout or os.Stderr, which still shows
// everything. stop puts it back and returns the copy. It panics where a pipe can't be made.
func capture(output **os.File) (stop func() []byte) {
	r, w, err := os.Pipe()
	if err != nil {
		panic("capturing output: " + err.Error())
	}
	shown := *output
	var copied bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { io.Copy(io.MultiWriter(shown, &copied), r) })
	*output = w
	return func() []byte {
		*output = shown
		w.Close()
		reading.Wait()
		return copied.Bytes()
	}
}

// all is what the watches of this process knew and saw. Names of secrets are by value, because
// watches use the same names for different secrets.
var all = struct {
	mutex   sync.Mutex
	secrets map[string]string
	sizes   map[string]int // bytes by output
	watches int
}{secrets: map[string]string{}, sizes: map[string]int{}}
