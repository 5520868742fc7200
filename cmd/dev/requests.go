package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// request is one that the functions or the simulated Meta received, without anything secret: no
// query, header or body.
type request struct {
	At           time.Time
	To           string // igconnect or Meta
	Method, Path string
	Note         string // code of the error, or Meta's step
	Status       int    // 0: nothing was answered, or Meta not yet
}

// Good reports whether it was answered, and with no error.
func (r request) Good() bool { return r.Status >= 200 && r.Status < 400 }

// requestLog has the last requests to the functions. Its zero value is empty.
type requestLog struct {
	mu   sync.Mutex
	last []request
}

// record keeps what h is asked below /api/.
func (l *requestLog) record(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			h.ServeHTTP(w, r)
			return
		}
		answer, begin := &statusWriter{ResponseWriter: w}, time.Now()
		defer func() {
			l.add(request{begin, "igconnect", r.Method, r.URL.Path, w.Header().Get("X-Error-Code"), answer.status})
		}()
		h.ServeHTTP(answer, r)
		answer.status = cmp.Or(answer.status, http.StatusOK) // of who wrote nothing
	})
}

func (l *requestLog) add(r request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = append(l.last, r)
	l.last = l.last[max(0, len(l.last)-maxShown):]
}

func (l *requestLog) all() []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.last)
}

// statusWriter knows the status that was written.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader passes the status on; the first that is no 1xx is that of the answer.
func (w *statusWriter) WriteHeader(status int) {
	if w.status < 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is that of w, with the status 200 where none was written.
func (w *statusWriter) Write(text []byte) (int, error) {
	w.status = cmp.Or(w.status, http.StatusOK)
	return w.ResponseWriter.Write(text)
}

// Unwrap is for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// lastRequests are those to the functions and to the simulated Meta, the newest first.
func (s *system) lastRequests() []request {
	all := s.requests.all()
	if s.meta != nil {
		received := s.meta.Requests()
		for _, r := range received[max(0, len(received)-maxShown):] {
			all = append(all, request{r.Start, "Meta", r.Method, r.Path, r.Step, r.Status})
		}
	}
	slices.SortStableFunc(all, func(a, b request) int { return b.At.Compare(a.At) })
	return all[:min(len(all), maxShown)]
}
