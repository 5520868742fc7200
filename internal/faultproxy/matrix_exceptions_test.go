package faultproxy_test

import (
	"slices"
	"strings"
	"testing"
)

// exception is a call whose failure does not follow the rule.
type exception struct {
	flows, call, faults string // regular expressions
	label, why          string
	state               func(states) []string // nil: complete where the label is ok, else as the rule has it
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

// What a renewal leaves behind: a row that it can't give back is leased for two minutes; a new
// token is kept whatever comes after it.
var (
	leased  = beforeWith("not leased", "leased")
	renewed = completeWith("page token new", "page token old", "; checked", "; not checked")
	both    = completeWith("; checked", "; not checked")
)

// exceptions are asked in this order: the first that is about a call counts.
//
// Of a write to a table we ask PostgREST for no rows (return=minimal). It then answers a PATCH or DELETE
// with 204 and without a body.
var exceptions = []exception{
	{flows: "callback.*", call: "meta POST /oauth/access_token", faults: "500 once", label: "meta_unavailable",
		why: "a code works once, so it is never sent twice"},
	{flows: "callback|choose POST", call: "meta GET /debug_token", faults: lasting, label: "ok", state: completeWith("data access known", "data access not known"),
		why: "it would add a fallback, and a date that the daily check finds as well"},
	{flows: "choose GET", call: "(meta GET /debug_token|supabase GET /user_configs)", faults: lasting, label: "ok",
		why: "what is shown without it can be connected: only what is connected already is not marked"},
	{flows: "callback, far Pages", call: "meta GET (/debug_token|/{id}|/me/businesses|/{id}/(owned|client)_pages)", faults: "refused|TLS", label: "ok", state: oneOf(beforeWith(), completeWith()),
		why: "what was found without it can be connected; without any of these calls nobody knows what stopped, and the daily check finds that"},
	{flows: "callback, far Pages", call: "meta GET (/debug_token|/{id}|/me/businesses|/{id}/(owned|client)_pages)", faults: lasting, label: "ok",
		why: "what was found without it can be connected"},
	{flows: "callback", call: "meta POST /{id}/subscribed_apps", faults: lasting, label: "ok", state: completeWith(asExpected, asRefused),
		why: "a subscription can be repaired by the daily check: it must not cost the connection"},
	{flows: "choose POST", call: "meta POST /{id}/subscribed_apps.*", faults: lasting, label: "ok",
		why: "a subscription must not cost the connection; in this flow Meta refuses it anyway"},
	{flows: "callback, far Pages", call: "supabase GET /user_configs( #2)?", faults: lasting, label: "ok", state: beforeWith(),
		why: "what stopped is not marked now; the daily check finds it"},
	{flows: "callback, far Pages", call: "supabase PATCH /user_configs", faults: lasting, label: "ok", state: oneOf(beforeWith(), completeWith()),
		why: "what stopped may not be marked now; the daily check finds it"},
	{flows: ".*", call: "supabase DELETE /user_configs", faults: "empty", label: "ok", state: beforeWith(),
		why: "PostgREST answers a DELETE with 204, but we look at no status or header beyond 2xx, so whatever swallows a write with an empty 200 is believed"},
	{flows: "choose POST", call: "supabase POST /rpc/save_connections", faults: lasting, label: "store_unavailable", state: oneOf(beforeWith(), completeWith(asRefused, asExpected)),
		why: "saved or not, Meta's refusal of the subscription is noted only after a save that is known to be one: at the next attempt"},
	{flows: "choose POST", call: "supabase PATCH /user_configs", faults: lasting, label: "ok", state: oneOf(completeWith(asRefused, asExpected), completeWith()),
		why: "the connection is saved; the daily check finds how the subscription is"},
	{flows: "accounts DELETE", call: "meta DELETE .*", faults: lasting, label: "ok",
		why: "the connection is gone here, whatever Meta says"},
	{flows: "accounts DELETE", call: "supabase GET /user_configs #[23]", faults: lasting, label: "ok",
		why: "the connection is gone; this asks only whether the person's grant can be taken back too"},
	{flows: "renew", call: "meta (GET /debug_token( #2)?|POST /oauth/access_token.*)", faults: lasting, label: "still due", state: beforeWith(),
		why: "one connection's failure does not end the run: it stays as it is until the next one"},
	{flows: "renew", call: "meta GET (/{id}/subscribed_apps|/{id})", faults: lasting, label: "still due", state: renewed,
		why: "the new token is kept whatever comes after it; the rest stays due"},
	{flows: "renew", call: "meta .*/subscribed_apps.*", faults: lasting, label: "still due", state: both,
		why: "the new tokens, the person's and the Page's, are kept; the rest stays due"},
	{flows: "renew", call: "supabase POST /rpc/delete_removed_events", faults: "refused|TLS", label: "store_unavailable", state: beforeWith(),
		why: "what comes after it is refused too"},
	{flows: "renew", call: "supabase POST /rpc/delete_removed_events", faults: lasting, label: "ok",
		why: "an erasure that cannot go on stops no check; the next run goes on"},
	{flows: "renew", call: "supabase POST /rpc/claim_due_connections", faults: lasting, label: "store_unavailable", state: beforeWith(),
		why: "cron sees the error; where only the answer was lost the lease is given back all the same"},
	{flows: "renew", call: "supabase POST /rpc/settle_connections", faults: lasting, label: "store_unavailable", state: oneOf(beforeWith(), leased, completeWith()),
		why: "cron sees the error; what was not written down is done again by the next run, or when its lease has run out if that can't be given back either"},
	{flows: "renew", call: "supabase POST /rpc/release_connections", faults: lasting, label: "ok", state: completeWith(),
		why: "all is written down by then, and a lease that is not given back runs out by itself"},
	{flows: "renew, slowed down", call: "supabase POST /rpc/release_connections", faults: lasting, label: "ok",
		state: oneOf(completeWith(), completeWith("; not checked; not leased", "; not checked; leased")),
		why:   "a lease that is not given back runs out by itself"},
	{flows: "renew.*", call: "supabase .*", faults: lasting, label: "store_unavailable", state: completeWith(),
		why: "cron sees the error; what was checked is written down by then"},
	{flows: "health", call: "meta .*", faults: lasting, label: "check meta", why: "health answers with a list of checks"},
	{flows: "health", call: "supabase POST /rpc/igconnect_backlog", faults: "refused|TLS", label: "check daily job, inbox, vault", why: "what comes after it is refused too"},
	{flows: "health", call: "supabase POST /rpc/igconnect_backlog", faults: lasting, label: "check daily job, inbox", why: "health answers with a list of checks"},
	{flows: "health", call: "supabase POST /rpc/probe_vault", faults: lasting, label: "check vault", why: "health answers with a list of checks"},
	{flows: "health", call: "supabase .*", faults: lasting, label: "check supabase", why: "health answers with a list of checks"},
}

// checkExceptions finds exceptions that no cell needed: there is no such call
// any more, or an earlier one always comes first. They would hide what changes.
func checkExceptions(t *testing.T, cells []*cell) {
	t.Helper()
	uses := usesOf(cells)
	for i := range exceptions {
		if e := &exceptions[i]; uses[e] == 0 {
			t.Errorf("no cell needs the exception %q at %q for %q", e.call, e.flows, e.faults)
		}
	}
}

// usesOf counts the cells that came out as an exception says.
func usesOf(cells []*cell) map[*exception]int {
	uses := map[*exception]int{}
	for _, c := range cells {
		for i, e := range c.by {
			if !slices.Contains(c.by[:i], e) { // one may be about several of its calls
				uses[e]++
			}
		}
	}
	return uses
}
