package upstream

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestExpectImage(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	typed := func(path, contentType string, status int) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Location", "/logo.svg")
			w.WriteHeader(status)
		})
	}
	typed("/logo.svg", "image/svg+xml; charset=utf-8", 200)
	typed("/page", "text/html", 200)
	typed("/nothing", "", 200)
	typed("/gone.png", "image/png", 404)
	typed("/moved.png", "image/png", 302)
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, want := range map[string]string{
		"/logo.svg": "", "/page": "Content-Type", "/nothing": "Content-Type", "/gone.png": "status 404", "/moved.png": "status 302",
	} {
		err := ExpectImage(t.Context(), server.URL+path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	server.Close()
	if err := ExpectImage(t.Context(), server.URL+"/logo.svg?secret"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a server that is gone: %v", err)
	}
	if err := ExpectImage(t.Context(), "http://bad host/"); err == nil {
		t.Error("no address is a picture")
	}
}
