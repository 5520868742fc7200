// Package faults puts itself between a function and its upstreams, over TLS,
// notes every call that the function makes, and breaks the one that is ordered
// in the way that is ordered. What is in front of it and behind it is real.
package faults

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call names one request to an upstream, the same in every run of a flow.
type Call struct {
	Upstream string // "meta", "supabase"
	Name     string // "GET /{id}/subscribed_apps"
	N        int    // the n-th of this name, from 1
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
	URL          string // path and query
	Began, Ended int    // places in the order of all beginnings and ends; Ended is 0 until it is answered
	HasBody      bool   // its answer
}

// Order is a fault at one call.
type Order struct {
	Call
	Fault Fault
	After []Call // a fault of the connection begins when these are answered
}

// Wire is what all proxies of one world have in common: the record and the
// order.
type Wire struct {
	Elsewhere string        // where a redirect leads: nobody may ever ask there
	Latency   time.Duration // of every call: it shows which ones run side by side

	mu      sync.Mutex
	moments int
	records []*Record
	order   *Order
	hits    int
	broken  *Proxy // by a fault of the connection
	proxies []*Proxy
	done    chan struct{} // ends what hangs
}

// NewWire makes a wire without proxies.
func NewWire(elsewhere string) *Wire { return &Wire{Elsewhere: elsewhere, done: make(chan struct{})} }

// Reset forgets the calls so far.
func (w *Wire) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records, w.hits = nil, 0
}

// Records returns the calls since Reset, in the order in which they came.
func (w *Wire) Records() []Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]Record, len(w.records))
	for i, r := range w.records {
		all[i] = *r
	}
	return all
}

// Hits returns how many calls met the fault. Those that found no connection are
// not among them: nobody saw them.
func (w *Wire) Hits() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hits
}

// Break orders a fault, for good or until Mend.
func (w *Wire) Break(o Order) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.order = &o
	w.breakConnections()
}

// Mend ends the fault.
func (w *Wire) Mend() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.order = nil
	if w.broken == nil {
		return nil
	}
	err := w.broken.mend()
	w.broken = nil
	return err
}

// Close ends the proxies and whatever hangs in them.
func (w *Wire) Close() {
	close(w.done)
	for _, p := range w.proxies {
		p.close()
	}
}

// begin notes a call and returns the fault that it meets, if any.
func (w *Wire) begin(upstream string, r *http.Request, form url.Values) (*Record, *Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	call := Call{Upstream: upstream, Name: nameOf(r, form), N: 1}
	for _, earlier := range w.records {
		if earlier.Upstream == call.Upstream && earlier.Name == call.Name {
			call.N++
		}
	}
	w.moments++
	record := &Record{Call: call, URL: r.URL.RequestURI(), Began: w.moments}
	w.records = append(w.records, record)
	if o := w.order; o != nil && o.Fault.breaks == nil && o.covers(call) {
		w.hits++
		return record, &o.Fault
	}
	return record, nil
}

// covers tells whether the order is about a call: the one that was named, and
// its repetitions.
func (o *Order) covers(c Call) bool {
	return c.Upstream == o.Upstream && c.Name == o.Name && (c.N == o.N || c.N > o.N && !o.Fault.Once)
}

// end notes that a call is about to be answered. A fault of the connection that
// waits for it begins now, before anybody can act on the answer.
func (w *Wire) end(r *Record, a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moments++
	r.Ended, r.HasBody = w.moments, len(a.body) > 0
	w.breakConnections()
}

func (w *Wire) breakConnections() {
	o := w.order
	if o == nil || o.Fault.breaks == nil || w.broken != nil {
		return
	}
	for _, call := range o.After {
		if !slices.ContainsFunc(w.records, func(r *Record) bool { return r.Call == call && r.Ended > 0 }) {
			return
		}
	}
	at := slices.IndexFunc(w.proxies, func(p *Proxy) bool { return p.upstream == o.Upstream })
	w.broken = w.proxies[at]
	o.Fault.breaks(w.broken)
}

var (
	prefixes = regexp.MustCompile(`^(/rest/v1|/v\d+\.\d+)/`)
	ids      = regexp.MustCompile(`/(\d+|[0-9a-f]{8}-[0-9a-f-]{27})(/|$)`)
)

// nameOf is the method and the path, without what differs from run to run. Two
// calls of one path that ask for different things are told apart by grant_type.
func nameOf(r *http.Request, form url.Values) string {
	path := ids.ReplaceAllString(prefixes.ReplaceAllString(r.URL.Path, "/"), "/{id}$2")
	return strings.TrimSpace(r.Method + " " + path + " " + cmp.Or(form.Get("grant_type"), r.URL.Query().Get("grant_type")))
}
