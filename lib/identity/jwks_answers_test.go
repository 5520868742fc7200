package identity

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestAnswers: what the address of the keys may answer, over a real connection.
func TestAnswers(t *testing.T) {
	t.Parallel()
	good := allKeys()
	other := newIssuer(t, good)
	writing := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); _, _ = io.WriteString(w, body) }
	}
	zipped := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, good+strings.Repeat(" ", n))
			_ = z.Close()
		}
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		err    error
		asked  int32
	}{
		{"keys", writing(good), nil, 1},
		{"as HTML", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			writing(good)(w, r)
		}, nil, 1},
		{"zipped", zipped(0), nil, 1},
		{"of 64 KB", writing(good + strings.Repeat(" ", 64<<10-len(good))), nil, 1},
		{"of 64 KB and a byte", writing(good + strings.Repeat(" ", 64<<10-len(good)+1)), ErrUnavailable, 2},
		{"huge", writing(good + strings.Repeat(" ", 4<<20)), ErrUnavailable, 2},
		{"huge, zipped small", zipped(4 << 20), ErrUnavailable, 2},
		{"HTML", writing("<!doctype html>"), ErrUnavailable, 2},
		{"nothing", writing(""), ErrUnavailable, 2},
		{"no usable key", writing(`{"keys":[{"kty":"oct","k":"AAAA"}]}`), ErrNoKey, 1},
		{"201", status(201, good), ErrUnavailable, 2},
		{"204", status(204, ""), ErrUnavailable, 2},
		{"404", status(404, good), ErrUnavailable, 2},
		{"500", status(500, good), ErrUnavailable, 2},
		{"a redirect", http.RedirectHandler(other.URL, http.StatusFound).ServeHTTP, ErrUnavailable, 2},
		{"a redirect with keys", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", other.URL)
			status(308, good)(w, r)
		}, ErrUnavailable, 2},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(good)+1))
			_, _ = io.WriteString(w, good)
		}, ErrUnavailable, 2},
		{"hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrUnavailable, 2},
	} {
		i := newIssuer(t, good)
		i.serve(c.answer)
		token := compact(members{"alg": "EdDSA", "kid": "ed"}, claim(nil), eddsa(private().ed))
		user, err := i.app(atNoon).CurrentUser(t.Context(), bearer(token))
		if !errors.Is(err, c.err) || (user == "ada") != (c.err == nil) {
			t.Errorf("%s: %q, %v, want %v", c.name, user, err, c.err)
		}
		i.expect(t, c.asked, c.name)
	}
	other.expect(t, 0, "redirects")

	gone := newIssuer(t, good)
	gone.Close()
	app := gone.app(atNoon)
	app.Keys.url += "/?secret"
	_, err := app.Keys.matching(t.Context(), "ed", "EdDSA")
	if !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := NewKeySet("http://bad host/", atNoon).matching(t.Context(), "ed", "EdDSA"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("no address: %v", err)
	}
}
