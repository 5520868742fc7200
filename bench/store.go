package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// call is one call upstream, as the upstream saw it.
type call struct{ start, end time.Time }

// store stands before Supabase Lite: it delays every call, as metasim does for Meta, and remembers when it came and
// went. A fault answers a call in Supabase's place.
type store struct {
	lite    http.Handler
	latency atomic.Int64 // nanoseconds
	replays atomic.Bool  // a call that Lite answered before is answered from memory

	mu      sync.Mutex
	calls   []call
	faults  []storeFault
	answers map[string]*httptest.ResponseRecorder // by what was asked, and of whom
}

// storeFault lets calls of a path fail as if Supabase were down.
type storeFault struct {
	path string
	left int
}

func newStore(liteURL string) (*store, error) {
	target, err := url.Parse(liteURL)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 256
	transport.IdleConnTimeout = 2 * time.Second // Node closes its own after five, and would meet a call with that
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	return &store{lite: proxy, answers: map[string]*httptest.ResponseRecorder{}}, nil
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	time.Sleep(time.Duration(s.latency.Load()))
	if s.fails(r.URL.Path) {
		http.Error(w, `{"message":"ordered by the benchmark"}`, http.StatusServiceUnavailable)
	} else if s.replays.Load() {
		s.replay(w, r)
	} else {
		s.lite.ServeHTTP(w, r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call{start, time.Now()})
}

// replay answers as Lite answered the same call the first time, whatever was in its body.
func (s *store) replay(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization")
	s.mu.Lock()
	kept := s.answers[key]
	s.mu.Unlock()
	if kept == nil {
		kept = httptest.NewRecorder()
		s.lite.ServeHTTP(kept, r)
		s.mu.Lock()
		s.answers[key] = kept
		s.mu.Unlock()
	} else {
		io.Copy(io.Discard, r.Body)
	}
	maps.Copy(w.Header(), kept.Header())
	w.WriteHeader(kept.Code)
	w.Write(kept.Body.Bytes())
}

func (s *store) fails(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		if s.faults[i].path == path && s.faults[i].left > 0 {
			s.faults[i].left--
			return true
		}
	}
	return false
}

// order lets the next n calls of a path fail.
func (s *store) order(path string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, storeFault{path, n})
}

// take returns the calls so far and forgets them.
func (s *store) take() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}
