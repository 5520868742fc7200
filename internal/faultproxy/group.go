// Package faultproxy puts a proxy in front of each upstream of a program, to measure and to break
// its calls. The proxies of one [Group] share a latency, a record of all calls, and the orders by
// which some calls fail: answered in place of the upstream, late, never, cut, changed, or without
// a connection ([List] has the usual faults). What is in front of a proxy and behind it is real.
//
//	var group faultproxy.Group
//	defer group.Close()
//	proxy := group.Proxy("supabase", faultproxy.To(supabaseURL))
//	server := httptest.NewServer(proxy) // or proxy.Listen, for TLS and faults of the connection
//	group.Order(faultproxy.Order{
//		Call: faultproxy.Call{Name: "POST /rpc/ingest_instagram_events"}, Times: 3, Fault: faultproxy.Lost,
//	})
package faultproxy

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call names one request to an upstream. It has the same name in every run of a program.
type Call struct {
	Upstream string // as given to [Group.Proxy]
	Name     string // method and path without prefix and ids, "GET /{id}/subscribed_apps", and the grant_type
	N        int    // the n-th of this name since Reset, from 1
}

func (c Call) String() string {
	if c.N > 1 {
		return fmt.Sprintf("%s %s #%d", c.Upstream, c.Name, c.N)
	}
	return c.Upstream + " " + c.Name
}

// Record is one call that was made.
type Record struct {
	Call
	URL        string    // path and query
	Start, End time.Time // End is zero until it is answered
	HasBody    bool      // its answer
}

// Order lets calls fail: those that all given fields are about. Without any it is all calls.
type Order struct {
	Call                                // fields that are not zero; with N that call and the later ones of its name
	Match    func(r *http.Request) bool // nil: any request
	Fault    Fault
	Times    int    // how many calls fail; 0: for good
	After    []Call // a fault of the connection begins when these are answered; needs Recording
	dropping bool   // of connections has begun
}

// Path matches requests for exactly this path, by any method.
func Path(path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Path == path }
}

// Group is the proxies in front of one program. Its zero value is ready; its fields must be set
// before the first call. Its methods may be called at once.
type Group struct {
	Recording bool   // keep a Record of each call until Reset
	Elsewhere string // where the fault "redirect" leads: nobody may ever ask there

	mu      sync.Mutex
	latency time.Duration
	counts  map[Call]int // calls by name, with N left out
	records []*Record
	orders  []*Order
	hits    int
	proxies []*Proxy
}

func (g *Group) locked(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	do()
}

// SetLatency delays every call by d before it goes on.
func (g *Group) SetLatency(d time.Duration) { g.locked(func() { g.latency = d }) }

// Reset forgets the calls so far, and counts anew. Orders stay.
func (g *Group) Reset() { g.locked(func() { g.counts, g.records, g.hits = nil, nil, 0 }) }

// Records returns the calls since Reset, in the order in which they came.
func (g *Group) Records() []Record {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Record, len(g.records))
	for i, r := range g.records {
		all[i] = *r
	}
	return all
}

// Hits returns how many calls since Reset met a fault. Those that found no connection are not
// among them: nobody saw them.
func (g *Group) Hits() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hits
}

// Order adds an order. A call meets the fault of the first one that is about it. The order stands
// until it is served, withdrawn by the function that is returned, or Mend. An error says that a
// port could not be opened again.
func (g *Group) Order(o Order) (withdraw func() error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.orders = append(g.orders, &o)
	g.dropConnections()
	return func() error { return g.withdraw(func(other *Order) bool { return other == &o }) }
}

// Mend withdraws all orders.
func (g *Group) Mend() error { return g.withdraw(func(*Order) bool { return true }) }

func (g *Group) withdraw(which func(*Order) bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	g.orders = slices.DeleteFunc(g.orders, func(o *Order) bool {
		if which(o) && o.dropping {
			errs = append(errs, g.proxy(o.Upstream).mend())
		}
		return which(o)
	})
	return errors.Join(errs...)
}

// Close ends the proxies that listen, and whatever hangs in any of them.
func (g *Group) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.proxies {
		p.end()
		p.server.Close()
	}
}

// proxy is the one in front of an upstream.
func (g *Group) proxy(upstream string) *Proxy {
	return g.proxies[slices.IndexFunc(g.proxies, func(p *Proxy) bool { return p.upstream == upstream })]
}

// begin notes a call, and returns its latency and the fault that it meets, if any.
func (g *Group) begin(upstream string, r *http.Request, grantType string) (*Record, time.Duration, *Fault) {
	call := Call{Upstream: upstream, Name: nameOf(r, grantType)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.counts == nil {
		g.counts = map[Call]int{}
	}
	g.counts[call]++
	call.N = g.counts[call]
	record := &Record{Call: call, URL: r.URL.RequestURI(), Start: time.Now()}
	if g.Recording {
		g.records = append(g.records, record)
	}
	for i, o := range g.orders {
		if o.Fault.OfConnection() || !o.covers(call, r) {
			continue
		}
		g.hits++
		if o.Times == 1 {
			g.orders = slices.Delete(g.orders, i, i+1)
		}
		o.Times--
		return record, g.latency, &o.Fault
	}
	return record, g.latency, nil
}

// covers reports whether the order is about a call.
func (o *Order) covers(c Call, r *http.Request) bool {
	return (o.Upstream == "" || c.Upstream == o.Upstream) && (o.Name == "" || c.Name == o.Name) &&
		(o.N == 0 || c.N == o.N || c.N > o.N && !o.Fault.Once) && (o.Match == nil || o.Match(r))
}

// answered notes that a call is about to be answered. A fault of the connection that waits for it
// begins now, before anybody can act on the answer.
func (g *Group) answered(r *Record, a answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.End, r.HasBody = time.Now(), len(a.body) > 0
	g.dropConnections()
}

// dropConnections begins the faults of connections that wait for nothing more.
func (g *Group) dropConnections() {
	for _, o := range g.orders {
		waiting := func(call Call) bool {
			return !slices.ContainsFunc(g.records, func(r *Record) bool { return r.Call == call && !r.End.IsZero() })
		}
		if o.Fault.OfConnection() && !o.dropping && !slices.ContainsFunc(o.After, waiting) {
			o.dropping = true
			o.Fault.drops(g.proxy(o.Upstream))
		}
	}
}

var (
	prefixes = regexp.MustCompile(`^(/rest/v1|/v\d+\.\d+)/`)
	ids      = regexp.MustCompile(`/(\d+|[0-9a-f]{8}-[0-9a-f-]{27})(/|$)`)
)

// nameOf is the method and the path, without what differs from run to run. Two calls of one path
// that ask for different things are told apart by grant_type.
func nameOf(r *http.Request, grantType string) string {
	path := ids.ReplaceAllString(prefixes.ReplaceAllString(r.URL.Path, "/"), "/{id}$2")
	return strings.TrimSpace(r.Method + " " + path + " " + grantType)
}
