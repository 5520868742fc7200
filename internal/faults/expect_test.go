package faults_test

import (
	"regexp"
	"strings"

	"igconnect/internal/faults"
)

// want is what a cell must come to: what the answer says, and what may then
// stand in the tables.
type want struct {
	label  string // an error code; "ok"
	states []string
}

// states are what the tables held before the flow, and what they hold after it
// where nothing fails.
type states struct{ before, complete string }

// exception is a call whose failure does not follow the rule.
type exception struct {
	flows  string // regular expressions
	call   string
	faults string
	label  string
	state  func(states) []string // nil: complete where the label is ok, else as the rule has it
	why    string
}

// wanted is what a fault at the given calls must come to: the answer to the
// first that must not fail, and any state that one of them may leave behind.
func wanted(f flow, fault faults.Fault, hit []faults.Call, s states) want {
	all := want{label: "ok"}
	for _, call := range hit {
		one := wantedAt(f, fault, call, s)
		if all.label == "ok" {
			all.label = one.label
		}
		all.states = append(all.states, one.states...)
	}
	return all
}

func wantedAt(f flow, fault faults.Fault, call faults.Call, s states) want {
	unless := []string{s.before} // it failed
	if fault.Done {
		unless = append(unless, s.complete)
	}
	for _, e := range exceptions {
		if !matches(e.flows, f.name) || !matches(e.call, call.String()) || !matches(e.faults, fault.Name) {
			continue
		}
		w := want{e.label, unless}
		if e.state != nil {
			w.states = e.state(s)
		} else if e.label == "ok" {
			w.states = []string{s.complete}
		}
		return w
	}
	switch {
	case fault.Once:
		return want{"ok", []string{s.complete}}
	case call.Upstream == "supabase":
		return want{"store_unavailable", unless}
	case fault.Name == "429" || fault.Meta:
		return want{"throttled", unless}
	}
	return want{"meta_unavailable", unless}
}

// matches tells whether an expression is about all of a text; none is about
// every text.
func matches(expression, text string) bool {
	return expression == "" || regexp.MustCompile("^(?:"+expression+")$").MatchString(text)
}

// lasting are all faults but the one that a second try overcomes.
const lasting = "[^ ]+|code .*|5 MB"

// before and complete with some words replaced.
func beforeWith(replacements ...string) func(states) []string {
	return func(s states) []string { return []string{strings.NewReplacer(replacements...).Replace(s.before)} }
}

func completeWith(replacements ...string) func(states) []string {
	return func(s states) []string { return []string{strings.NewReplacer(replacements...).Replace(s.complete)} }
}

// oneOf joins several.
func oneOf(all ...func(states) []string) func(states) []string {
	return func(s states) (states []string) {
		for _, one := range all {
			states = append(states, one(s)...)
		}
		return states
	}
}

// What a row says of its Page's subscription: what is expected is saved, and
// what came out otherwise noted afterwards.
const asExpected, asRefused = "; subscribed; not refusal noted", "; not subscribed; refusal noted"

// What a renewal leaves behind: the row is leased until the run is over, and
// two minutes more; a new token is kept whatever comes after it.
var (
	leased  = beforeWith("not leased", "leased")
	renewed = completeWith("page token new", "page token old", "; checked", "; not checked")
	both    = completeWith("; checked", "; not checked")
)

var exceptions = []exception{
	{flows: "callback.*", call: "meta POST /oauth/access_token", faults: "500 once", label: "meta_unavailable",
		why: "a code works once, so it is never sent twice"},
	{flows: "callback|choose", call: "meta GET /debug_token", faults: lasting, label: "ok", state: completeWith("data access known", "data access not known"),
		why: "it would add a fallback, and a date that the daily check finds as well"},
	{flows: "callback, far Pages", call: "meta GET (/debug_token|/{id}|/me/businesses|/{id}/(owned|client)_pages)", faults: "refused|TLS", label: "ok", state: oneOf(beforeWith(), completeWith()),
		why: "what was found without it can be connected; without any of these calls nobody knows what stopped, and the daily check finds that"},
	{flows: "callback, far Pages", call: "meta GET (/debug_token|/{id}|/me/businesses|/{id}/(owned|client)_pages)", faults: lasting, label: "ok",
		why: "what was found without it can be connected"},
	{flows: "callback", call: "meta POST /{id}/subscribed_apps", faults: lasting, label: "ok", state: completeWith(asExpected, asRefused),
		why: "a subscription can be repaired by the daily check: it must not cost the connection"},
	{flows: "choose", call: "meta POST /{id}/subscribed_apps.*", faults: lasting, label: "ok",
		why: "a subscription must not cost the connection; in this flow Meta refuses it anyway"},
	{flows: "callback|choose", call: "supabase GET /user_configs", faults: lasting, label: "ok",
		why: "it is there to mark what stopped, which must not cost the connection"},
	{flows: "callback, far Pages", call: "supabase GET /user_configs", faults: lasting, label: "ok", state: beforeWith(),
		why: "what stopped is not marked now; the daily check finds it"},
	{flows: "callback, far Pages", call: "supabase PATCH /user_configs", faults: lasting, label: "ok", state: oneOf(beforeWith(), completeWith()),
		why: "what stopped may not be marked now; the daily check finds it"},
	{flows: ".*", call: "supabase (POST|PATCH|DELETE) /user_configs", faults: "empty", label: "ok",
		state: oneOf(beforeWith(), beforeWith(asExpected, asRefused), completeWith(), completeWith(asRefused, asExpected)),
		why:   "200 without a body is how PostgREST itself answers a write: nobody can tell them apart"},
	{flows: "choose", call: "supabase POST /user_configs", faults: lasting, label: "store_unavailable",
		state: oneOf(beforeWith(), completeWith(asRefused, asExpected)),
		why:   "saved or not, Meta's refusal of the subscription is noted only after a save that is known to be one: at the next attempt"},
	{flows: "choose", call: "supabase PATCH /user_configs", faults: lasting, label: "ok",
		state: oneOf(completeWith(asRefused, asExpected), completeWith()),
		why:   "the connection is saved; the daily check finds how the subscription is"},
	{flows: "accounts DELETE", call: "meta DELETE .*", faults: lasting, label: "ok",
		why: "the connection is gone here, whatever Meta says"},
	{flows: "accounts DELETE", call: "supabase GET /user_configs #[23]", faults: lasting, label: "ok",
		why: "the connection is gone; this asks only whether the person's grant can be taken back too"},
	{flows: "renew", call: "meta (GET /debug_token( #2)?|POST /oauth/access_token.*)", faults: lasting, label: "still due", state: leased,
		why: "one connection's failure does not end the run: it stays as it is until the next one"},
	{flows: "renew", call: "meta GET (/{id}/subscribed_apps|/{id})", faults: lasting, label: "still due", state: renewed,
		why: "the new token is kept whatever comes after it; the rest stays due"},
	{flows: "renew", call: "meta .*/subscribed_apps.*", faults: lasting, label: "still due", state: both,
		why: "the new tokens, the person's and the Page's, are kept; the rest stays due"},
	{flows: "renew", call: "supabase POST /rpc/claim_due_connections", faults: lasting, label: "store_unavailable", state: oneOf(beforeWith(), leased),
		why: "cron sees the error; where only the answer was lost the lease runs out by itself"},
	{flows: "renew", call: "supabase POST /rpc/settle_connections", faults: lasting, label: "store_unavailable", state: oneOf(leased, completeWith()),
		why: "cron sees the error; what was not written down is done again when the lease has run out"},
	{flows: "renew, slowed down", call: "supabase POST /rpc/release_connections", faults: lasting, label: "ok",
		state: oneOf(completeWith(), completeWith("; not checked; not leased", "; not checked; leased")),
		why:   "a lease that is not given back runs out by itself"},
	{flows: "renew.*", call: "supabase .*", faults: lasting, label: "store_unavailable", state: completeWith(),
		why: "cron sees the error; what was checked is written down by then"},
	{flows: "health", call: "meta .*", faults: lasting, label: "check meta", why: "health answers with a list of checks"},
	{flows: "health", call: "supabase POST /rpc/probe_vault", faults: lasting, label: "check vault", why: "health answers with a list of checks"},
	{flows: "health", call: "supabase .*", faults: lasting, label: "check supabase", why: "health answers with a list of checks"},
}
