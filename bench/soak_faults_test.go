package main

import (
	"errors"
	"fmt"
	"net/http"

	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
)

// soakFault is one thing that is made to go wrong, and the error that may be seen of it, at most
// so many times: none where the functions try again and nobody notices.
type soakFault struct {
	what  string
	order func(s *soaking)
	shows string
	times int
}

func atMeta(o metasim.Fault) func(*soaking) {
	return func(s *soaking) { s.meta.sim.Load().Inject(o) }
}

func atSupabase(path string, times int) func(*soaking) {
	return func(s *soaking) {
		s.proxy.Order(faultproxy.Order{Match: faultproxy.Path(path), Times: times, Fault: supabaseDown})
	}
}

var supabaseDown = faultproxy.Instead(http.StatusServiceUnavailable, "application/json", `{"message":"ordered by the test"}`)

// soakFaults are ordered together, in each round. A call to Supabase is made up to three times:
// three faults in a row may meet the same one, and deliveries come side by side.
var soakFaults = []soakFault{
	{"Meta: 500 to the exchange of a code", atMeta(metasim.Fault{Step: "exchange", Times: 1, Status: 500}), "callback meta_unavailable", 1},
	{"Meta: too many calls (code 4) at the exchange", atMeta(metasim.Fault{Step: "exchange", Times: 1, Code: 4}), "callback throttled", 1},
	{"Meta: 500 to the list of Pages", atMeta(metasim.Fault{Step: "accounts", Times: 1, Status: 500}), "", 0},
	{"Meta: the permissions cut in the middle", atMeta(metasim.Fault{Step: "permissions", Times: 1, Cut: true}), "", 0},
	{"Meta: 500 to a subscription", atMeta(metasim.Fault{Step: "subscribe", Times: 1, Status: 500}), "", 0},
	{"Supabase: 503 to who is signed in", atSupabase("/auth/v1/user", 1), "", 0},
	{"Supabase: 503 to the saving or reading of a connection", atSupabase("/rest/v1/user_configs", 1), "", 0},
	{"Supabase: 503 to the inbox, twelve times", atSupabase("/rest/v1/rpc/ingest_instagram_events", 12), "webhook 503", 4},
	{"Supabase: 503 to the claim of what is due, three times", atSupabase("/rest/v1/rpc/claim_due_connections", 3), "renew store_unavailable", 1},
}

// orderFaults orders all of them, but not in the time after the last round: they shall have been
// met when it ends.
func (s *soaking) orderFaults(round int) {
	if round >= s.plan.faultRounds {
		return
	}
	s.mu.Lock()
	for _, f := range soakFaults {
		if f.shows != "" {
			s.ordered[f.shows] += f.times
		}
	}
	s.mu.Unlock()
	for _, f := range soakFaults {
		f.order(s)
	}
}

// note counts what was done, and what went wrong: an error that was not ordered is kept in full.
// It reports whether it was a success.
func (s *soaking) note(what string, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.done[what]++
		return true
	}
	kind := what + " failed"
	var answer answered
	if errors.As(err, &answer) {
		kind = fmt.Sprintf("%s %s", answer.step, answer.code)
	}
	s.seen[kind]++
	if s.seen[kind] > s.ordered[kind] {
		s.details = append(s.details, err.Error())
	}
	return false
}
