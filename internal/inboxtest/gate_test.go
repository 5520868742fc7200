package inboxtest_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// gate stands before Supabase and lets calls that fill the inbox fail.
type gate struct {
	supabase http.Handler

	mu     sync.Mutex
	faults []fault // each for one call
}

// fault answers a call in place of Supabase.
type fault func(supabase http.Handler, w http.ResponseWriter, r *http.Request)

func newGate(t testing.TB, supabase string) *gate {
	t.Helper()
	target, err := url.Parse(supabase)
	if err != nil {
		t.Fatal(err)
	}
	return &gate{supabase: httputil.NewSingleHostReverseProxy(target)}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve := func(supabase http.Handler, w http.ResponseWriter, r *http.Request) { supabase.ServeHTTP(w, r) }
	if strings.HasSuffix(r.URL.Path, "/rpc/ingest_instagram_events") {
		g.mu.Lock()
		if len(g.faults) > 0 {
			serve, g.faults = g.faults[0], g.faults[1:]
		}
		g.mu.Unlock()
	}
	serve(g.supabase, w, r)
}

// fail lets the next calls fail.
func (g *gate) fail(faults ...fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = append(g.faults, faults...)
}

// left is how many calls are still to fail.
func (g *gate) left() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.faults)
}

// down: the call does not reach the database.
func down(_ http.Handler, w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "no database", http.StatusServiceUnavailable)
}

// lost: the database commits, and nobody learns of it.
func lost(supabase http.Handler, _ http.ResponseWriter, r *http.Request) {
	supabase.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}
