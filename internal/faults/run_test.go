package faults_test

import (
	"context"
	"regexp"
	"slices"
	"time"

	"igconnect/internal/faultproxy"
)

// recordingLatency is far more than what lies between the calls of one step.
const recordingLatency = 100 * time.Millisecond

// run plays a cell's flow in a new world: with the fault, and then once more
// without it. A cell without a fault writes down what its flow does.
func (m *matrix) run(ctx context.Context, h *house, c *cell) {
	if c.script.flow.exclusive {
		h.alone.Lock()
		defer h.alone.Unlock()
	}
	m.busy <- struct{}{}
	defer func() { <-m.busy }()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			failure, ok := v.(trouble)
			if !ok {
				panic(v)
			}
			c.problem("%v", failure)
		}
	}()
	w := create(ctx, h, m.authority, m.elsewhere.url, c.script.flow)
	ended := false
	defer func() {
		if !ended {
			w.end()
		}
	}()

	act, again := c.script.flow.prepare(w)
	before := w.state()
	w.group.Reset()
	if c.fault.Name == "" {
		c.undisturbed(w, before, act)
	} else {
		m.disturbed(w, c, before, act, again)
	}
	asked := w.group.Records()
	ended = true
	log := w.end()
	for _, leak := range w.leaked(log, asked) {
		c.problem("leaked: %s", leak)
	}
	if proof := proofs[c.fault.Name]; proof != nil && !proof.MatchString(log) {
		c.problem("the connection did not fail")
	}
	if panicked.MatchString(log) {
		c.problem("a panic")
	}
	if len(c.problems) > 0 {
		c.problem("the log: %s", log)
	}
}

// undisturbed records the calls, and what the tables hold before and after.
func (c *cell) undisturbed(w *world, before string, act func() answer) {
	w.group.SetLatency(recordingLatency)
	a := act()
	c.script.records = w.group.Records()
	c.script.states = states{before, w.state()}
	if !c.script.flow.done(w, a) {
		c.problem("answered %d %s: %s", a.StatusCode, a.code(), a.body)
	}
}

// disturbed runs the flow with the fault and checks what came of it.
func (m *matrix) disturbed(w *world, c *cell, before string, act func() answer, again func(answer) answer) {
	f, s := c.script.flow, c.script.states
	if before != s.before {
		c.problem("it began from another state:\n%s", before)
	}
	w.group.Order(faultproxy.Order{Call: c.calls[0], Fault: c.fault, After: c.after})
	if c.fault.OfConnection() {
		time.Sleep(50 * time.Millisecond) // until the function has seen that its idle connections are closed
	}
	if c.fault.Waits {
		<-m.busy
	}
	first := act()
	if c.fault.Waits {
		m.busy <- struct{}{}
	}
	asked, hits := w.group.Records(), w.group.Hits()
	must(w.group.Mend())

	// 1. and 2. The right answer; judge looks whether in time.
	c.label, c.took = f.labelOf(w, first), first.took
	expected := wanted(f, c.fault, c.hit(asked), s)
	c.by = expected.by
	if c.label != expected.label {
		c.problem("answered %d %s, want %s", first.StatusCode, c.label, expected.label)
	}
	if c.label == "throttled" && first.Header.Get("Retry-After") == "" {
		c.problem("throttled, without Retry-After")
	}
	if !c.fault.OfConnection() && hits == 0 {
		c.problem("no call met the fault")
	}

	// 3. Nothing half done.
	if after := w.state(); !slices.Contains(expected.states, after) {
		c.problem("the tables hold\n%s\nbut not one of\n%q", after, expected.states)
	}

	// 5. The next attempt.
	healed := f.done
	if f.healed != nil {
		healed = f.healed
	}
	second := again(first)
	if !healed(w, second) {
		c.problem("the next attempt answered %d %s: %s", second.StatusCode, f.labelOf(w, second), second.body)
	}
	if after := w.state(); after != s.complete && f.only == "" {
		c.problem("after the next attempt the tables hold\n%s\nwant\n%s", after, s.complete)
	}
}

func (f flow) labelOf(w *world, a answer) string {
	switch {
	case f.done(w, a):
		return "ok"
	case f.label != nil:
		return f.label(a)
	}
	return a.code()
}

// hit are the recorded calls that the fault was for: the one, and those that
// may come later under the same name; of a broken connection all that did not
// get through.
func (c *cell) hit(asked []faultproxy.Record) []faultproxy.Call {
	var hit []faultproxy.Call
	for _, r := range c.script.records {
		first := c.calls[0]
		switch {
		case c.fault.OfConnection():
			arrived := slices.ContainsFunc(asked, func(a faultproxy.Record) bool { return a.Call == r.Call })
			if r.Upstream == first.Upstream && !arrived {
				hit = append(hit, r.Call)
			}
		case r.Call == first || !c.fault.Once && r.Upstream == first.Upstream && r.Name == first.Name && r.N > first.N:
			hit = append(hit, r.Call)
		}
	}
	return hit
}

// panicked finds a panic in a log, that of the platform and ours.
var panicked = regexp.MustCompile(`panic|"stack"|goroutine \d`)

// proofs show in the log that a connection really failed.
var proofs = map[string]*regexp.Regexp{
	"refused": regexp.MustCompile(`connection refused`),
	"TLS":     regexp.MustCompile(`x509: certificate signed by unknown authority`),
}
