package leaks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
)

// fakeTest is a test that keeps its errors instead of failing.
type fakeTest struct {
	*testing.T
	cleanups []func()
	errors   []string
}

func (f *fakeTest) Cleanup(do func()) { f.cleanups = append(f.cleanups, do) }
func (f *fakeTest) Error(v ...any)    { f.errors = append(f.errors, fmt.Sprint(v...)) }

// tables is a database, its rows by table.
type tables map[string]string

func (t tables) Dump(context.Context) (map[string]string, error) { return t, nil }

// errorsOf returns the errors of a test that uses a watch so.
func errorsOf(t *testing.T, use func(*Watch)) string {
	t.Helper()
	f := &fakeTest{T: t}
	watch := NewWatch(f)
	watch.Know(map[string]string{"token": "a-secret-token", "not set": ""})
	use(watch)
	for _, do := range slices.Backward(f.cleanups) {
		do()
	}
	return strings.Join(f.errors, "\n")
}

// TestWatch: what was handed to a handler and comes out somewhere is found.
func TestWatch(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a header":   func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Debug", "a-secret-token") },
		"a redirect": http.RedirectHandler("/?t=a-secret-token", http.StatusFound).ServeHTTP,
		"a cookie": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "t", Value: "YS1zZWNyZXQtdG9rZW4"}) // base64
		},
		"a body": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a-sec", "ret-token") },
	} {
		found := errorsOf(t, func(watch *Watch) { ask(watch.Responses(handler), "/") })
		if found == "" || strings.Contains(found, "a-secret-token") {
			t.Errorf("%s: %q", name, found)
		}
	}
	answers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	for path, leak := range map[string]bool{
		"/": false, "/?token=a-secret-token": true, "/v24.0/debug_token?input_token=a-secret-token": false,
		"/v24.0/debug_token?input_token=t&fields=a-secret-token": true, "/v24.0/me?input_token=a-secret-token": true,
		"/v24.0/me?next=/debug_token&input_token=a-secret-token": true,
	} {
		if found := errorsOf(t, func(watch *Watch) { ask(watch.RequestURLs(answers), path) }); (found != "") != leak {
			t.Errorf("%s: %q", path, found)
		}
	}
	for rows, leak := range map[string]bool{"(a-secret-token)": true, "(sealed)": false} {
		found := errorsOf(t, func(watch *Watch) {
			watch.SeeDatabase(tables{"public.t": rows, "auth.sessions": "a-secret-token"})
		})
		if (found != "") != leak {
			t.Errorf("%s: %q", rows, found)
		}
	}
	silent := errorsOf(t, func(watch *Watch) { ask(watch.Responses(answers), "/api/login") })
	none := errorsOf(t, func(watch *Watch) { ask(watch.Responses(http.NotFoundHandler()), "/api/login") })
	if !strings.Contains(silent, "logged nothing") || none != "" {
		t.Errorf("a function without a log: %q; no function: %q", silent, none)
	}
}

// TestLogs: each watch has a log of its own, which is read back and searched.
func TestLogs(t *testing.T) {
	for _, name := range []string{"one", "another", "a third"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := errorsOf(t, func(watch *Watch) {
				for _, part := range []string{name, " a-sec", "ret-token\n"} {
					io.WriteString(watch.LogWriter(), part)
				}
				if got := watch.Log(); got != name+" a-secret-token\n" {
					t.Errorf("logged %q", got)
				}
			})
			if !strings.HasPrefix(found, "log: token (plain)") || strings.Contains(found, "a-secret-token") {
				t.Errorf("found %q", found)
			}
		})
	}
}

func ask(handler http.Handler, path string) {
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
}

// TestMainFindsOutput: what a process prints is searched for the secrets of all watches.
func TestMainFindsOutput(t *testing.T) {
	shown := os.Stdout
	defer func() { os.Stdout = shown }()
	for text, want := range map[string]int{"": 0, "nothing": 0, "x612d7365637265742d746f6b656ex": 1 /* hex */, "a-secret-token": 1} {
		for _, output := range []**os.File{&os.Stdout, &os.Stderr} {
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			os.Stdout = null
			status := Main(func() int {
				errorsOf(t, func(*Watch) {})
				fmt.Fprint(*output, text)
				return 0
			})
			os.Stdout = shown
			null.Close()
			if status != want {
				t.Errorf("%q: exit status %d, want %d", text, status, want)
			}
		}
	}
	if status := Main(func() int { return 3 }); status != 3 {
		t.Errorf("the tests' own status became %d", status)
	}
}
