// Package metasim is a strict simulation of Meta for the dev server, the benchmark and the tests:
// the login dialog and the Graph API on one host, signed webhook deliveries, and callbacks to the
// app. Its clock can be moved, its people can change what they shared, and it can be told to fail.
//
// It is written from Meta's documentation and shares no code with the client that it tests, so
// that no mistake stands on both sides. It is stricter than Meta where Meta leaves room: every
// call with a token needs an appsecret_proof, as in an app with "Require App Secret" switched on.
// It counts no calls: it throttles only where [Sim.Inject] says so. It knows Facebook Login alone.
//
// Start with [New] and [Sim.AddPerson], and [Sim.Keep] where a restart must not forget anything;
// [Sim.Approve] logs a person in, [Sim.Deliver] posts an event, and people.go has what can happen
// to a person's account. Inside, routes.go lists the endpoints, with the check of the caller that
// each needs (access.go).
package metasim

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config says which app the Sim plays Meta for.
type Config struct {
	AppID, AppSecret string
	// RedirectURIs are the registered addresses, compared byte for byte.
	RedirectURIs []string
	// Now is the clock of codes, tokens and consents, which Sim.Jump moves forward. Nil: time.Now.
	Now func() time.Time
}

// DefaultScopes are the permissions that any config_id of Facebook Login for Business asks for.
var DefaultScopes = []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"}

// Sim is an http.Handler: the dialog, the Graph API and the pictures of the accounts. [New] makes
// it. All methods may be called at any time from any goroutine.
type Sim struct {
	cfg    Config
	jumped atomic.Int64 // nanoseconds that Jump added to Config.Now
	done   chan struct{}
	stop   func() // closes done, once

	mu            sync.Mutex
	people        []Person
	deleted       []string            // ids of Pages
	consents      map[string]*consent // by person id
	codes         map[string]*code
	tokens        map[string]*token
	subscriptions map[string][]string // fields by Page id
	faults        []*Fault
	latency       time.Duration
	requests      []*Request
	secrets       []string

	renewalKeepsExpiry    bool
	appSubscriptions      []AppSubscription
	usage                 map[string]string // headers
	inFlight, maxInFlight int               // calls of the Graph API

	// Of the webhook's deliveries and of the messages sent in answer to them.
	webhooks       *http.Client
	webhookTimeout time.Duration        // webhookTimeout, except in tests
	lastWritten    map[string]time.Time // by writer
	replies        []Reply

	keeper *keeper // nil: nothing is kept
}

// New makes a Sim without people. The caller closes it.
func New(cfg Config) *Sim {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	done := make(chan struct{})
	return &Sim{
		cfg: cfg, done: done, stop: sync.OnceFunc(func() { close(done) }),
		consents: map[string]*consent{}, codes: map[string]*code{}, tokens: map[string]*token{},
		subscriptions: map[string][]string{}, lastWritten: map[string]time.Time{},
		webhooks: newWebhookClient(), webhookTimeout: webhookTimeout,
	}
}

// Close releases every request that a fault hangs or delays, and the connections that deliveries
// left open.
func (s *Sim) Close() {
	s.stop()
	s.webhooks.CloseIdleConnections()
}

// Now is the Sim's clock: Config.Now, moved by all Jumps so far. The Date header of each answer
// shows it.
func (s *Sim) Now() time.Time { return s.cfg.Now().Add(s.Jumped()) }

// Jump moves the Sim's clock forward: codes, tokens, data access and reply windows expire as if
// the time had passed. Whoever compares times with the Sim must move his clock too; an [Event]
// keeps the time at which it was made, see [Event.At].
func (s *Sim) Jump(d time.Duration) { s.locked(func() { s.jumped.Add(int64(d)) }) }

// Jumped is by how much all Jumps so far moved the clock.
func (s *Sim) Jumped() time.Duration { return time.Duration(s.jumped.Load()) }

// locked runs f while nobody else reads or changes the Sim.
func (s *Sim) locked(f func()) {
	s.mu.Lock()
	defer s.unlock()
	f()
}

// read returns what f does, which changes nothing and runs while nobody else does.
func read[T any](s *Sim, f func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// ServeHTTP answers one request, as Meta would or as a [Fault] says.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := readCall(w, r)
	s.begin(c)
	var res response
	if !c.fault.Hang {
		// The work is done before the wait: a client that gives up waiting has used its code.
		res = s.respond(c)
	}
	if !s.wait(c) {
		s.end(c, 0)
		panic(http.ErrAbortHandler)
	}
	// Recorded before the bytes leave, so that a client that has its answer finds the record
	// complete.
	s.end(c, res.status)
	res.send(w, c.fault.Cut)
}

// respond makes the fault's answer in place of the real one, or the real one with the fault's
// headers.
func (s *Sim) respond(c *call) response {
	s.mu.Lock()
	defer s.unlock()
	c.now = s.Now()
	res, replaced := c.fault.response(c)
	if !replaced {
		res = s.serve(c)
	}
	res.header.Set("Date", c.now.UTC().Format(http.TimeFormat))
	for name, value := range s.usage {
		if c.route.graph() {
			res.header.Set(name, value)
		}
	}
	for name, values := range c.fault.Header {
		res.header[http.CanonicalHeaderKey(name)] = values
	}
	return res
}

// wait waits as long as the fault says and reports whether the client still wants its answer:
// not if it went away or the Sim was closed.
func (s *Sim) wait(c *call) bool {
	var over <-chan time.Time // never, for a request that hangs
	if !c.fault.Hang {
		if c.fault.Latency <= 0 {
			return true
		}
		over = time.After(c.fault.Latency)
	}
	select {
	case <-over:
		return true
	case <-c.r.Context().Done():
	case <-s.done:
	}
	return false
}
