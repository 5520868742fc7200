package faultproxy_test

import (
	"regexp"
	"slices"
	"testing"

	"igconnect/internal/faultproxy"
)

// want is what a cell must come to: what the answer says, and what may then stand in the tables.
type want struct {
	label  string // an error code; "ok"
	states []string
	by     []*exception // that say so
}

// states are what the tables held before the flow, and hold after it where nothing fails.
type states struct{ before, complete string }

// wanted is what a fault at the given calls must come to, which stand in the order in which they
// are made: the answer to the first that must not fail, and what that one may leave behind. What
// the others may leave is not about this answer; an exception says so where an earlier one leaves
// something too. Only where each of them may fail is any state right that one of them may leave.
func wanted(f flow, fault faultproxy.Fault, hit []faultproxy.Call, s states) want {
	all := want{label: "ok"}
	for _, call := range hit {
		one := wantedAt(f, fault, call, s)
		if one.label != "ok" {
			return one
		}
		all.states = append(all.states, one.states...)
		all.by = append(all.by, one.by...)
	}
	return all
}

// wantedAt is what a fault at one call must come to: what the first exception that is about it
// says, or the rule.
func wantedAt(f flow, fault faultproxy.Fault, call faultproxy.Call, s states) want {
	unless := []string{s.before} // it failed
	if fault.Done {
		unless = append(unless, s.complete)
	}
	for i := range exceptions {
		e := &exceptions[i]
		if !matches(e.flows, f.name) || !matches(e.call, call.String()) || !matches(e.faults, fault.Name) {
			continue
		}
		w := want{e.label, unless, []*exception{e}}
		if e.state != nil {
			w.states = e.state(s)
		} else if e.label == "ok" {
			w.states = []string{s.complete}
		}
		return w
	}
	switch {
	case fault.Once:
		return want{label: "ok", states: []string{s.complete}}
	case call.Upstream == "supabase":
		return want{label: "store_unavailable", states: unless}
	case fault.Name == "429" || fault.Meta:
		return want{label: "throttled", states: unless}
	}
	return want{label: "meta_unavailable", states: unless}
}

// matches reports whether an expression is about all of a text; none is about every text.
func matches(expression, text string) bool {
	return expression == "" || regexp.MustCompile("^(?:"+expression+")$").MatchString(text)
}

func TestWanted(t *testing.T) {
	var (
		s                              = states{before: "nothing", complete: "data access known; subscribed; not refusal noted"}
		debug, me, subscribe           = metaCall("GET /debug_token"), metaCall("GET /me"), metaCall("POST /{id}/subscribed_apps")
		withoutDate, withoutSubscribed = "data access not known; subscribed; not refusal noted", "data access known; not subscribed; refusal noted"
	)
	for _, test := range []struct {
		what, fault string
		hit         []faultproxy.Call
		want        want
	}{
		{"one that must not fail", "500", []faultproxy.Call{me}, want{label: "meta_unavailable", states: []string{s.before}}},
		{"one that may fail", "500", []faultproxy.Call{debug}, want{label: "ok", states: []string{withoutDate}}},
		{"its work was done", "cut", []faultproxy.Call{me}, want{label: "meta_unavailable", states: []string{s.before, s.complete}}},
		{"a second try", "500 once", []faultproxy.Call{me}, want{label: "ok", states: []string{s.complete}}},
		{"the first may fail, the second not", "refused", []faultproxy.Call{debug, me, subscribe}, want{label: "meta_unavailable", states: []string{s.before}}},
		{"both may fail", "refused", []faultproxy.Call{debug, subscribe}, want{label: "ok", states: []string{withoutDate, withoutSubscribed}}},
	} {
		got := wanted(flow{name: "callback"}, faultCalled(test.fault), test.hit, s)
		if got.label != test.want.label || !slices.Equal(got.states, test.want.states) {
			t.Errorf("%s: %s, %q", test.what, got.label, got.states)
		}
	}
}

func metaCall(name string) faultproxy.Call {
	return faultproxy.Call{Upstream: "meta", Name: name, N: 1}
}

func faultCalled(name string) faultproxy.Fault {
	all := faultproxy.List()
	return all[slices.IndexFunc(all, func(f faultproxy.Fault) bool { return f.Name == name })]
}
