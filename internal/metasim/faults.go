package metasim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is an error or a delay in place of, or along with, the real answer. Without any of the
// fields that replace the answer (Status, Code, Body, Hang, Redirect) the request is served as
// usual.
type Fault struct {
	// Step is one of "dialog", "exchange", "upgrade", "me", "permissions", "accounts", "page",
	// "debug_token", "subscribe", "unsubscribe", "subscriptions", "revoke", "messages",
	// "businesses", "owned_pages", "client_pages", "app_subscriptions". Empty: any but the dialog.
	Step  string
	Of    string // id of a person: only requests with a token of theirs, or about one. Empty: all
	Times int    // how many requests it applies to; 0: all from now on
	Skip  int    // let this many pass first

	Latency time.Duration // added to SetLatency's

	// Code makes an answer in Meta's error envelope, with Status (default 400). Status alone is
	// Meta's "please retry later", code 2.
	Status, Code, Subcode int
	Message               string
	Transient             bool

	Header http.Header // set on whatever is answered, e.g. X-App-Usage

	// Body is answered as it stands, with Status (default 200) and ContentType (default that of
	// the Graph API).
	Body        *string
	ContentType string

	Cut      bool   // declare the answer's length, send half of it, close the connection
	Hang     bool   // answer nothing until the client goes away or Sim.Close
	NoExpiry bool   // leave expires_in out of a token's answer; debug_token still knows it
	Redirect string // 307 to this URL
	Person   string // an upgrade answers with a token of this person's, whoever's came in
}

// Inject puts f at the end of a queue. The first fault of the queue that fits a request serves
// it, alone: a fault without Times hides those behind it. It panics on a Step or a person that
// does not exist: such a fault would never occur.
func (s *Sim) Inject(f Fault) {
	known := func(rt route) bool { return rt.step == f.Step }
	if f.Step != "" && !slices.ContainsFunc(routes, known) && !known(upgradeRoute) {
		panic("metasim: no step " + strconv.Quote(f.Step))
	}
	s.locked(func() {
		for _, id := range []string{f.Person, f.Of} {
			if id != "" {
				s.mustPerson(id)
			}
		}
		s.faults = append(s.faults, &f)
	})
}

// ClearFaults drops all faults.
func (s *Sim) ClearFaults() { s.locked(func() { s.faults = nil }) }

// SetLatency delays every answer of the Graph API (not the dialog's) by d.
func (s *Sim) SetLatency(d time.Duration) { s.locked(func() { s.latency = d }) }

// SetUsage puts X-App-Usage and X-Business-Use-Case-Usage, with that many percent of every limit
// used up, on every answer of the Graph API. 0, as in the beginning: neither. It throttles
// nothing; a [Fault] with code 4 does.
func (s *Sim) SetUsage(percent int) {
	n, regain, usage := percent, 0, map[string]string{} // regain: minutes
	if percent >= 100 {
		regain = 60
	}
	if percent > 0 {
		usage["X-App-Usage"] = fmt.Sprintf(`{"call_count":%d,"total_time":%d,"total_cputime":%d}`, n, n, n)
		usage["X-Business-Use-Case-Usage"] = fmt.Sprintf(`{%q:[{"type":"instagram","call_count":%d,`+
			`"total_cputime":%d,"total_time":%d,"estimated_time_to_regain_access":%d}]}`, s.cfg.AppID, n, n, n, regain)
	}
	s.locked(func() { s.usage = usage })
}

// takeFault returns the fault that serves a request, or the zero Fault. The caller holds s.mu.
func (s *Sim) takeFault(c *call) Fault {
	for i, f := range s.faults {
		if f.Step != c.route.step && (f.Step != "" || !c.route.graph()) || f.Of != "" && f.Of != s.subject(c) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			return Fault{}
		}
		if f.Times == 1 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		if f.Times > 1 {
			f.Times--
		}
		return *f
	}
	return Fault{}
}

// subject is the id of the person whose token a request is about, or else carries; "" for none.
func (s *Sim) subject(c *call) string {
	bearer := strings.TrimPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	for _, value := range []string{c.param("input_token"), c.param("fb_exchange_token"), bearer} {
		if t := s.tokens[value]; t != nil {
			return t.Person
		}
	}
	return ""
}

// response returns the answer that f puts in place of the real one, and whether there is one.
func (f Fault) response(c *call) (response, bool) {
	e := &apiError{status: f.Status, Code: f.Code, Subcode: f.Subcode, Message: f.Message, Transient: f.Transient}
	switch {
	case f.Redirect != "":
		return redirectTo(http.StatusTemporaryRedirect, f.Redirect), true
	case f.Body != nil:
		contentType := cmp.Or(f.ContentType, jsonType)
		return newResponse(cmp.Or(f.Status, http.StatusOK), contentType, []byte(*f.Body)), true
	case f.Code == 0 && f.Status == 0:
		return response{}, false
	case f.Code == 0:
		e.Code, e.Transient, e.Message = 2, true, "An unexpected error has occurred. Please retry your request later."
	}
	return c.refuse(e), true
}

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
func (s *Sim) begin(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.record = &Request{
		Step: c.route.step, Method: c.r.Method, Path: c.r.URL.Path,
		Query: c.query, Form: c.form, Header: c.r.Header.Clone(), Start: time.Now(),
	}
	s.requests = append(s.requests, c.record)
	c.fault = s.takeFault(c)
	if c.route.graph() {
		s.inFlight++
		s.maxInFlight = max(s.maxInFlight, s.inFlight)
		c.fault.Latency += s.latency
	}
}

// end records the answer to c.
func (s *Sim) end(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.record.End, c.record.Status = time.Now(), status
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
func (s *Sim) MaxConcurrent() int { return read(s, func() int { return s.maxInFlight }) }

// Reset forgets the requests, the replies and how many calls there were at once. People, tokens
// and faults stay, and so do the reply windows.
func (s *Sim) Reset() {
	s.locked(func() { s.requests, s.replies, s.maxInFlight = nil, nil, s.inFlight })
}

// Secrets returns every code and token handed out so far, for tests that search for leaks.
func (s *Sim) Secrets() []string { return read(s, func() []string { return slices.Clone(s.secrets) }) }
