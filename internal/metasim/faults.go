package metasim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
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
	Times int // how many requests it applies to; 0: all from now on
	Skip  int // let this many pass first

	Latency time.Duration // added to SetLatency's

	// Code makes an answer in Meta's error envelope, with Status (default 400). Status alone is
	// Meta's "please retry later", code 2.
	Status        int
	Code, Subcode int
	Message       string
	Transient     bool

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
// it, alone: a fault without Times hides those behind it. It panics on a Step or a Person that
// does not exist: such a fault would never occur.
func (s *Sim) Inject(f Fault) {
	known := func(rt route) bool { return rt.step == f.Step }
	if f.Step != "" && !slices.ContainsFunc(routes, known) && !known(upgradeRoute) {
		panic("metasim: no step " + strconv.Quote(f.Step))
	}
	s.locked(func() {
		if f.Person != "" {
			s.mustPerson(f.Person)
		}
		s.faults = append(s.faults, &f)
	})
}

// ClearFaults drops all faults.
func (s *Sim) ClearFaults() { s.locked(func() { s.faults = nil }) }

// SetLatency delays every answer of the Graph API (not the dialog's) by d.
func (s *Sim) SetLatency(d time.Duration) { s.locked(func() { s.latency = d }) }

// takeFault returns the fault that serves a request of route rt, or the zero Fault. The caller
// holds s.mu.
func (s *Sim) takeFault(rt route) Fault {
	for i, f := range s.faults {
		if f.Step != rt.step && (f.Step != "" || !rt.graph()) {
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

// response returns the answer that f puts in place of the real one, and whether there is one.
func (f Fault) response(c *call) (response, bool) {
	switch {
	case f.Redirect != "":
		return redirectTo(http.StatusTemporaryRedirect, f.Redirect), true
	case f.Body != nil:
		contentType := cmp.Or(f.ContentType, jsonType)
		return newResponse(cmp.Or(f.Status, http.StatusOK), contentType, []byte(*f.Body)), true
	case f.Code != 0:
		return c.refuse(&apiError{
			status: f.Status, Code: f.Code, Subcode: f.Subcode,
			Message: f.Message, Transient: f.Transient,
		}), true
	case f.Status != 0:
		return c.refuse(&apiError{
			status: f.Status, Code: 2, Transient: true,
			Message: "An unexpected error has occurred. Please retry your request later.",
		}), true
	}
	return response{}, false
}
