// Package metasim is Meta, simulated strictly: the login dialog and the Graph
// API on one host, signed webhook deliveries and callbacks, a clock to move and
// fates for its people, for the dev server and the tests. It is written from
// Meta's documented behaviour and shares no code with the client that it tests.
//
// It is stricter than Meta where Meta leaves room: every call with a token
// needs an appsecret_proof, as in an app with "Require App Secret" switched on.
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
	// Configurations are those of Facebook Login for Business: config_id to the
	// permissions it asks for. Nil: any config_id asks for DefaultScopes.
	Configurations map[string][]string
	// Now is the clock of codes, tokens and consents, which Sim.Jump moves
	// forward. Nil: time.Now.
	Now func() time.Time
}

// DefaultScopes are the permissions that a config_id asks for when
// Config.Configurations is nil.
var DefaultScopes = []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"}

// Sim is an http.Handler: the dialog, the Graph API and the pictures of its
// people. All methods may be called at any time from any goroutine.
type Sim struct {
	cfg    Config
	jumped atomic.Int64 // nanoseconds that Jump added to Config.Now
	done   chan struct{}
	stop   sync.Once

	mu            sync.Mutex
	people        []Person
	consents      map[string]*consent // by person id
	codes         map[string]*code
	tokens        map[string]*token
	subscriptions map[string][]string // by Page id
	orders        []*Order
	latency       time.Duration
	requests      []*Request
	secrets       []string

	keepsExpiry           bool // a renewal keeps the old token's
	appSubscriptions      []AppSubscription
	usage                 int // percent
	inFlight, maxInFlight int // calls of the Graph API

	// Of the webhook's deliveries and of what is sent in answer to them.
	webhooks         *http.Client
	patience         time.Duration // webhookPatience, but in tests
	notOnFeed, toAll bool
	written          writers
	replies          []Reply
}

// New makes a Sim without people.
func New(cfg Config) *Sim {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Sim{
		cfg:           cfg,
		done:          make(chan struct{}),
		consents:      map[string]*consent{},
		codes:         map[string]*code{},
		tokens:        map[string]*token{},
		subscriptions: map[string][]string{},
		webhooks:      newWebhookClient(),
		patience:      webhookPatience,
		written:       writers{},
	}
}

// Close releases every request that an order hangs or delays, and the
// connections that deliveries left open.
func (s *Sim) Close() {
	s.stop.Do(func() { close(s.done) })
	s.webhooks.CloseIdleConnections()
}

// ServeHTTP answers one request, as Meta would or as an order says.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := readCall(w, r)
	record, order, delay := s.begin(c)
	if order.Hang {
		s.wait(c, nil)
		s.end(c, record, 0)
		panic(http.ErrAbortHandler)
	}
	// The work is done before the wait: a client that gives up waiting has used
	// its code all the same.
	a := s.answer(c, order)
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		if !s.wait(c, timer.C) {
			s.end(c, record, 0)
			panic(http.ErrAbortHandler)
		}
	}
	// Stamped before the bytes leave, so that a client that has its answer finds
	// the record complete.
	s.end(c, record, a.status)
	a.send(w, order.Cut)
}

// answer is what c gets: an order's answer in place of the real one, or the
// real one with an order's headers on it.
func (s *Sim) answer(c *call, o Order) answer {
	a, replaced := o.answer(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	c.now, c.noExpiry, c.renewAs = s.Now(), o.NoExpiry, o.Person
	if !replaced {
		a = c.route.serve(s, c)
	}
	a.header.Set("Date", c.now.UTC().Format(http.TimeFormat))
	s.addUsage(c, a.header)
	for name, values := range o.Header {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	return a
}

// wait waits for tick and reports whether it came before the client went away
// or the Sim was closed. A nil tick never comes.
func (s *Sim) wait(c *call, tick <-chan time.Time) bool {
	select {
	case <-tick:
		return true
	case <-c.r.Context().Done():
	case <-s.done:
	}
	return false
}
