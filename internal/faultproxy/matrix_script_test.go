package faultproxy_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"igconnect/internal/faultproxy"
)

// script is what a flow does where nothing fails.
type script struct {
	flow    flow
	records []faultproxy.Record
	states
	cells []*cell
}

// cell is one fault at one call of a flow, or at several that a fault of the connection hits
// together.
type cell struct {
	script *script
	calls  []faultproxy.Call
	fault  faultproxy.Fault
	after  []faultproxy.Call // that must be answered before the connection fails

	ran, failed bool
	log         string
	label       string
	took        time.Duration // until the answer was there, its body too
	by          []*exception  // that the label and the state are right by
}

func (c *cell) inFlow() string { return c.calls[0].String() + "/" + c.fault.Name }

func (c *cell) name() string { return c.script.flow.name + "/" + c.inFlow() }

// spare is what was left of the flow's limit.
func (c *cell) spare() time.Duration { return c.script.flow.limit - c.took }

// hit are the recorded calls that the fault was for: the one, and those that may come later under
// the same name; of a broken connection all that did not get through.
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

// recordingLatency is far more than what lies between the calls of one step.
const recordingLatency = 250 * time.Millisecond

// record runs the flow undisturbed, and notes its calls and what the tables hold before and after.
func (m *matrix) record(t *testing.T, s *script) {
	on := m.enter(s.flow)
	defer m.leave(s.flow, on)
	d := m.deploy(t, on, s.flow)
	act, _ := s.flow.prepare(d)
	s.before = d.state()
	d.Faults.Reset()
	d.Faults.SetLatency(recordingLatency)
	a := act()
	s.records, s.complete = d.Faults.Records(), d.state()
	if !s.flow.done(d, a) {
		t.Fatalf("answered %d %s: %s\n%s", a.StatusCode, a.Code(), a.Body, d.Watch.Log())
	}
	// What is due would come up in other cells.
	d.SQL("delete from public.user_configs where user_id = $1", d.User)

	// The calls are sorted by their steps: those of one step come in another order each time.
	step := map[faultproxy.Call]int{}
	for _, r := range s.records {
		step[r.Call] = len(s.callsBefore(r))
	}
	slices.SortStableFunc(s.records, func(a, b faultproxy.Record) int {
		return cmp.Or(cmp.Compare(step[a.Call], step[b.Call]), cmp.Compare(a.String(), b.String()))
	})
}

// makeCells makes a cell of each recorded call and each fault that it can have.
func (s *script) makeCells() (cells []*cell) {
	groups := map[string]*cell{}
	for _, r := range s.records {
		if !matches(s.flow.only, r.Call.String()) {
			continue
		}
		for _, fault := range faultproxy.List() {
			if fault.Meta && r.Upstream != "meta" || fault.Body && !r.HasBody {
				continue
			}
			c := &cell{script: s, calls: []faultproxy.Call{r.Call}, fault: fault}
			if fault.OfConnection() {
				c.after = s.justBefore(r)
				key := fmt.Sprint(r.Upstream, fault.Name, c.after)
				if group := groups[key]; group != nil {
					group.calls = append(group.calls, r.Call)
					continue
				}
				groups[key] = c
			}
			cells = append(cells, c)
		}
	}
	return cells
}

// callsBefore are the calls that were answered before r began.
func (s *script) callsBefore(r faultproxy.Record) []faultproxy.Record {
	return slices.DeleteFunc(slices.Clone(s.records), func(other faultproxy.Record) bool { return !other.End.Before(r.Start) })
}

// justBefore are those of them that no other one followed.
func (s *script) justBefore(r faultproxy.Record) []faultproxy.Call {
	var calls []faultproxy.Call
	all := s.callsBefore(r)
	for _, one := range all {
		if !slices.ContainsFunc(all, func(other faultproxy.Record) bool { return one.End.Before(other.Start) }) {
			calls = append(calls, one.Call)
		}
	}
	return calls
}
