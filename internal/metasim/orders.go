package metasim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Order is a fault or a delay to be served instead of, or along with, the real
// answer. Without any of the fields that replace the answer (Status, Code,
// Body, Hang, Redirect) the request is served as usual.
type Order struct {
	// Step is one of "dialog", "exchange", "upgrade", "me", "permissions",
	// "accounts", "page", "debug_token", "subscribe", "unsubscribe",
	// "subscriptions", "revoke", "messages", "businesses", "owned_pages",
	// "client_pages", "app_subscriptions". Empty: any of them but the dialog.
	Step  string
	Times int // how many requests it applies to; 0: for good
	Skip  int // let this many pass first

	Latency time.Duration // added to SetLatency's

	// Code makes an answer in Meta's error envelope, with Status (default 400).
	// Status alone is Meta's "please retry later", code 2.
	Status        int
	Code, Subcode int
	Message       string
	Transient     bool

	Header http.Header // set on whatever is answered, e.g. X-App-Usage

	// Body is answered as it stands, with Status (default 200) and ContentType
	// (default that of the Graph API).
	Body        *string
	ContentType string

	Cut      bool   // declare the answer's length, send half of it, close the connection
	Hang     bool   // answer nothing until the client goes away or Sim.Close
	NoExpiry bool   // leave expires_in out of a token's answer; debug_token still knows it
	Redirect string // 307 to this URL
	Person   string // an upgrade answers with a token of this person's, whoever's came in
}

// Order puts o at the end of the queue. The first order of the queue that fits
// a request serves it, alone: an order for good hides those behind it.
// It panics on a Step or a Person that does not exist: such an order would never
// be served.
func (s *Sim) Order(o Order) {
	known := func(rt route) bool { return rt.step == o.Step }
	if o.Step != "" && !slices.ContainsFunc(routes, known) && !known(upgradeRoute) {
		panic("metasim: no step " + strconv.Quote(o.Step))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Person != "" {
		s.mustPerson(o.Person)
	}
	s.orders = append(s.orders, &o)
}

// Clear drops all orders.
func (s *Sim) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = nil
}

// SetLatency delays every answer of the Graph API (not the dialog's) by d.
func (s *Sim) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = d
}

// takeOrder returns the order that serves a request of route rt, or the zero
// Order. The caller holds s.mu.
func (s *Sim) takeOrder(rt route) Order {
	for i, o := range s.orders {
		if o.Step != rt.step && (o.Step != "" || !rt.graph()) {
			continue
		}
		if o.Skip > 0 {
			o.Skip--
			return Order{}
		}
		if o.Times == 1 {
			s.orders = slices.Delete(s.orders, i, i+1)
		}
		if o.Times > 1 {
			o.Times--
		}
		return *o
	}
	return Order{}
}

// answer returns the answer that o puts in place of the real one, and whether
// there is one.
func (o Order) answer(c *call) (answer, bool) {
	switch {
	case o.Redirect != "":
		a := plain(http.StatusTemporaryRedirect, "", nil)
		a.header.Set("Location", o.Redirect)
		return a, true
	case o.Body != nil:
		return plain(cmp.Or(o.Status, http.StatusOK), cmp.Or(o.ContentType, jsonType), []byte(*o.Body)), true
	case o.Code != 0:
		return c.refuse(&fault{
			status: o.Status, code: o.Code, subcode: o.Subcode,
			message: o.Message, transient: o.Transient,
		}), true
	case o.Status != 0:
		return c.refuse(&fault{
			status: o.Status, code: 2, transient: true,
			message: "An unexpected error has occurred. Please retry your request later.",
		}), true
	}
	return answer{}, false
}
