package faults_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"igconnect/internal/faultproxy"
)

// script is what a flow does where nothing fails.
type script struct {
	flow    flow
	records []faultproxy.Record
	states
}

// cell is one fault at one call of a flow, or at several that a fault of the
// connection hits together.
type cell struct {
	script *script
	calls  []faultproxy.Call
	fault  faultproxy.Fault
	after  []faultproxy.Call

	label    string
	took     time.Duration // until the answer was there, its body too
	by       []*exception  // that the label and the state are right by
	problems []string
}

func (c *cell) name() string {
	return c.script.flow.name + " / " + c.calls[0].String() + " / " + c.fault.Name
}

// spare is what was left of the flow's limit.
func (c *cell) spare() time.Duration { return c.script.flow.limit - c.took }

func (c *cell) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// order sorts the calls by the step that they belong to: those of one step come
// in another order each time.
func (s *script) order() {
	step := map[faultproxy.Call]int{}
	for _, r := range s.records {
		step[r.Call] = len(s.before(r))
	}
	slices.SortStableFunc(s.records, func(a, b faultproxy.Record) int {
		return cmp.Or(cmp.Compare(step[a.Call], step[b.Call]), cmp.Compare(a.String(), b.String()))
	})
}

// cellsOf makes a cell of each recorded call and each fault that it can have.
func cellsOf(scripts []*script) []*cell {
	var cells []*cell
	for _, s := range scripts {
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
	}
	return cells
}

// before are the calls that were answered before r began.
func (s *script) before(r faultproxy.Record) []faultproxy.Record {
	return slices.DeleteFunc(slices.Clone(s.records), func(other faultproxy.Record) bool { return !other.End.Before(r.Start) })
}

// justBefore are those of them that no other one followed.
func (s *script) justBefore(r faultproxy.Record) []faultproxy.Call {
	var calls []faultproxy.Call
	all := s.before(r)
	for _, one := range all {
		if !slices.ContainsFunc(all, func(other faultproxy.Record) bool { return one.End.Before(other.Start) }) {
			calls = append(calls, one.Call)
		}
	}
	return calls
}
