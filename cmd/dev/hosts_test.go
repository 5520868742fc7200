package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOwnHosts: a name that somebody else pointed at this machine is not ours.
func TestOwnHosts(t *testing.T) {
	s := &system{origin: "https://Dev.example.com"}
	h := s.ownHosts(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for host, own := range map[string]bool{
		"localhost:3000":         true,
		"LOCALHOST":              true,
		"127.0.0.1:3000":         true,
		"[::1]:3000":             true,
		"[::1]":                  true,
		"dev.example.com":        true,
		"dev.example.com:443":    true,
		"":                       false,
		":3000":                  false,
		"localhost.:3000":        false,
		"evil.example:3000":      false,
		"localhost.evil.example": false,
		"a.dev.example.com":      false,
		"127.0.0.1.evil.example": false,
		"127.0.0.2":              false,
		"0.0.0.0:3000":           false,
		"[::2]:3000":             false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		want := http.StatusMisdirectedRequest
		if own {
			want = http.StatusNoContent
		}
		if rec.Code != want {
			t.Errorf("Host %q: %d, want %d", host, rec.Code, want)
		}
	}
}
