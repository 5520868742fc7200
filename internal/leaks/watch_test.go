package leaks

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestWatch: what was handed to a handler and comes out of it somewhere is found.
func TestWatch(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a header":   func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Debug", "a-secret-token") },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/?t=a-secret-token", 302) },
		"a cookie": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "t", Value: "YS1zZWNyZXQtdG9rZW4"}) // base64
		},
		"a body": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a-sec", "ret-token") },
	} {
		watch := NewWatch()
		watch.Know(map[string]string{"token": "a-secret-token", "not set": ""})
		ask(t, watch, handler)
		if found := watch.Leaks(); len(found) == 0 || strings.Contains(strings.Join(found, ""), "a-secret-token") {
			t.Errorf("%s: %v", name, found)
		}
	}
	watch := NewWatch()
	watch.Know(map[string]string{"token": "a-secret-token"})
	ask(t, watch, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	watch.See("table", []byte("sealed"))
	if found := watch.Leaks(); len(found) != 0 {
		t.Error(found)
	}
}

func ask(t *testing.T, watch *Watch, handler http.HandlerFunc) {
	server := httptest.NewServer(watch.Responses(handler))
	defer server.Close()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
}

// TestMainFindsOutput: what a process prints is searched for the secrets of all
// its worlds.
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
				watch := NewWatch()
				watch.Know(map[string]string{"token": "a-secret-token"})
				watch.Leaks()
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
