package metasim

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is one request that the Sim received.
type Request struct {
	Step         string // as in Order.Step; also "picture" and "unknown"
	Method, Path string
	Query        url.Values
	Form         url.Values // the body's fields; of a JSON body its top level
	Header       http.Header
	Start, End   time.Time // of the machine's clock, not Sim.Now; End is zero while it runs
	Status       int       // 0: nothing was answered
}

// begin records the arrival of c and takes the order and the delay that apply.
func (s *Sim) begin(c *call) (*Request, Order, time.Duration) {
	r := &Request{
		Step: c.route.step, Method: c.r.Method, Path: c.r.URL.Path,
		Query: c.query, Form: c.form, Header: c.r.Header.Clone(), Start: time.Now(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	o := s.takeOrder(c.route)
	delay := o.Latency
	if c.route.graph() {
		s.inFlight++
		s.maxInFlight = max(s.maxInFlight, s.inFlight)
		delay += s.latency
	}
	return r, o, delay
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

// Reset forgets the requests, the replies and how many calls there were at
// once; people, tokens and orders stay, and so does who has written.
func (s *Sim) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.replies = nil, nil
	s.maxInFlight = s.inFlight
}

// Secrets returns every code and token handed out so far, for tests that
// search for leaks.
func (s *Sim) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// keepSecret notes a value as handed out.
func (s *Sim) keepSecret(value string) {
	if !slices.Contains(s.secrets, value) {
		s.secrets = append(s.secrets, value)
	}
}
