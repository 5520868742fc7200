package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// memory stands in front of Supabase Lite. While it is on, what Lite answered once is answered again without asking it,
// whatever is in the request's body.
type memory struct {
	lite http.Handler
	on   atomic.Bool

	mu      sync.Mutex
	answers map[string]*httptest.ResponseRecorder // by what was asked, and of whom
}

func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !m.on.Load() {
		m.lite.ServeHTTP(w, r)
		return
	}
	key := r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization")
	m.mu.Lock()
	kept := m.answers[key]
	m.mu.Unlock()
	if kept == nil {
		kept = httptest.NewRecorder()
		m.lite.ServeHTTP(kept, r)
		m.mu.Lock()
		m.answers[key] = kept
		m.mu.Unlock()
	} else {
		io.Copy(io.Discard, r.Body)
	}
	maps.Copy(w.Header(), kept.Header())
	w.WriteHeader(kept.Code)
	w.Write(kept.Body.Bytes())
}

// use turns the memory on until the function that it returns is called.
func (m *memory) use() (stop func()) {
	m.on.Store(true)
	return func() { m.on.Store(false) }
}
