package metasim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is one request that the Sim received.
type Request struct {
	Step         string // as in Fault.Step; also "picture" and "unknown"
	Method, Path string
	Query        url.Values
	Form         url.Values // the body's fields; of a JSON body its top level
	Header       http.Header
	Start, End   time.Time // of the machine's clock, not Sim.Now; End is zero while it runs
	Status       int       // 0: nothing was answered
}

// begin records the arrival of c and takes the fault that applies, its Latency with SetLatency's.
func (s *Sim) begin(c *call) (*Request, Fault) {
	r := &Request{
		Step: c.route.step, Method: c.r.Method, Path: c.r.URL.Path,
		Query: c.query, Form: c.form, Header: c.r.Header.Clone(), Start: time.Now(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	f := s.takeFault(c.route)
	if c.route.graph() {
		s.inFlight++
		s.maxInFlight = max(s.maxInFlight, s.inFlight)
		f.Latency += s.latency
	}
	return r, f
}

func (s *Sim) end(c *call, r *Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.End, r.Status = time.Now(), status
	if c.route.graph() {
		s.inFlight--
	}
}

// Requests returns what was received so far, in order of arrival.
func (s *Sim) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Request, len(s.requests))
	for i, r := range s.requests {
		all[i] = *r
	}
	return all
}

// MaxConcurrent returns the most calls of the Graph API that were in flight at the same time
// since Reset.
func (s *Sim) MaxConcurrent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.maxInFlight
}

// Reset forgets the requests, the replies and how many calls there were at once. People, tokens
// and faults stay, and so do the reply windows.
func (s *Sim) Reset() {
	s.locked(func() { s.requests, s.replies, s.maxInFlight = nil, nil, s.inFlight })
}

// Secrets returns every code and token handed out so far, for tests that search for leaks.
func (s *Sim) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// SetUsage puts X-App-Usage and X-Business-Use-Case-Usage, with that many percent of every limit
// used up, on every answer of the Graph API. 0, as in the beginning: neither. It throttles
// nothing; a [Fault] with code 4 does.
func (s *Sim) SetUsage(percent int) { s.locked(func() { s.usage = percent }) }

// addUsage sets the headers that SetUsage asks for. The caller holds s.mu.
func (s *Sim) addUsage(c *call, h http.Header) {
	if s.usage == 0 || !c.route.graph() {
		return
	}
	regain := 0 // minutes
	if s.usage >= 100 {
		regain = 60
	}
	n := s.usage
	h.Set("X-App-Usage", fmt.Sprintf(`{"call_count":%d,"total_time":%d,"total_cputime":%d}`, n, n, n))
	h.Set("X-Business-Use-Case-Usage", fmt.Sprintf(`{%q:[{"type":"instagram","call_count":%d,`+
		`"total_cputime":%d,"total_time":%d,"estimated_time_to_regain_access":%d}]}`,
		s.cfg.AppID, n, n, n, regain))
}
