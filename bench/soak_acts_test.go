package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
)

func (s *soaking) connect(ctx context.Context, n int) {
	v := s.side.visitors[n%len(s.side.visitors)]
	_, err := connect(ctx, s.side.url, v, s.sim.Load())
	if s.note("connect", err) {
		s.mu.Lock()
		s.connected[v.account] = true
		s.mu.Unlock()
	}
}

// deliver sends new messages to one account, as Meta does: again and again until they are
// acknowledged.
func (s *soaking) deliver(ctx context.Context, n int) {
	sim := s.sim.Load()
	account := s.side.visitors[n%len(s.side.visitors)].account
	events := metasim.Batch(s.plan.events, func(int) metasim.Event {
		return metasim.Message(fmt.Sprint("56", 1000+rand.IntN(1000)), account, "hello")
	})
	body := sim.Delivery(account, events...)
	deliverOnce := func() bool {
		status, err := sim.Deliver(ctx, s.side.url+"/api/webhook", body)
		if err == nil && status != http.StatusOK {
			err = answered{step: "webhook", status: status, code: fmt.Sprint(status)}
		}
		return s.note("delivery", err)
	}
	times := 1
	if n%5 == 0 {
		times = 2
	}
	for range times {
		for !deliverOnce() {
			time.Sleep(200 * time.Millisecond)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.accepted[e.MID()] = true
	}
}

// renewedEach is how many of the aging connections are near their end in each run of the renewal.
const renewedEach = 4

// agingConnection is one that the renewal works on, with tokens of 50 days of age: of 60 that a
// token has.
type agingConnection struct {
	account string
	old     []string
}

// storeAging writes the aging connections. Their old tokens are granted first of all, with Meta's
// clock set back.
func (s *soaking) storeAging(ctx context.Context, visitors []visitor) error {
	sim := s.sim.Load()
	const age = 50 * 24 * time.Hour
	runs := int(s.plan.length/s.plan.renewals) + 1
	sim.Jump(-age)
	for _, v := range visitors {
		e := agingConnection{account: v.account}
		for range (runs*renewedEach)/len(visitors) + 1 {
			e.old = append(e.old, sim.Grant(metasim.Grant{Person: v.person}))
		}
		s.aging = append(s.aging, e)
		_, err := s.lite.SQL(ctx, `insert into public.user_configs (user_id, instagram_id, facebook_user_id, page_id, token, scopes)
			values ($1, $2, $3, $4, $5, '{instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata}')`,
			v.userID, v.account, v.person, v.page, e.old[0])
		if err != nil {
			return err
		}
	}
	sim.Jump(age)
	return nil
}

// renew makes all aging connections due, gives some of them an old token, and calls the cron job's
// URL.
func (s *soaking) renew(ctx context.Context, run int) error {
	renewed := 0
	for i := range renewedEach {
		n := run*renewedEach + i
		e, turn := s.aging[n%len(s.aging)], n/len(s.aging)
		if turn >= len(e.old) {
			continue
		}
		renewed++
		if _, err := s.lite.SQL(ctx, "update public.user_configs set token = $1 where instagram_id = $2", e.old[turn], e.account); err != nil {
			return err
		}
	}
	_, err := s.lite.SQL(ctx, `update public.user_configs set checked_at = now() - interval '1 day', token_expires_at = now() + interval '10 days'
		where instagram_id >= $1`, s.aging[0].account)
	if err != nil {
		return err
	}
	var came struct{ Checked, Renewed, Reconnect, Failed, Remaining int }
	answer, err := get(ctx, "renew", s.side.url+"/api/renew", http.Header{"Authorization": {"Bearer " + cronSecret}}, http.StatusOK)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(answer.body), &came); err != nil {
		return err
	}
	if came.Checked < len(s.aging) || came.Renewed < renewed || came.Reconnect+came.Failed+came.Remaining > 0 {
		return fmt.Errorf("renew: %+v, want %d checked and %d renewed", came, len(s.aging), renewed)
	}
	return nil
}

// soakFault is one thing that is made to go wrong, and the error that may be seen of it, at most
// so many times: none where the functions try again and nobody notices.
type soakFault struct {
	what  string
	order func(s *soaking)
	shows string
	times int
}

func atMeta(o metasim.Fault) func(*soaking) {
	o.Times = 1
	return func(s *soaking) { s.sim.Load().Inject(o) }
}

func atSupabase(path string, times int) func(*soaking) {
	down := faultproxy.Instead(http.StatusServiceUnavailable, "application/json", `{"message":"ordered by the test"}`)
	return func(s *soaking) {
		s.proxy.Order(faultproxy.Order{Match: faultproxy.Path(path), Times: times, Fault: down})
	}
}

// soakFaults are ordered together, in each round. A call to Supabase is made up to three times:
// three faults in a row may meet the same one, and deliveries come side by side.
var soakFaults = []soakFault{
	{"Meta: 500 to the exchange of a code", atMeta(metasim.Fault{Step: "exchange", Status: 500}), "callback meta_unavailable", 1},
	{"Meta: too many calls (code 4) at the exchange", atMeta(metasim.Fault{Step: "exchange", Code: 4}), "callback throttled", 1},
	{"Meta: 500 to the list of Pages", atMeta(metasim.Fault{Step: "accounts", Status: 500}), "", 0},
	{"Meta: the permissions cut in the middle", atMeta(metasim.Fault{Step: "permissions", Cut: true}), "", 0},
	{"Meta: 500 to a subscription", atMeta(metasim.Fault{Step: "subscribe", Status: 500}), "", 0},
	{"Supabase: 503 to who is signed in", atSupabase("/auth/v1/user", 1), "", 0},
	{"Supabase: 503 to the saving of a connection", atSupabase("/rest/v1/rpc/save_connections", 1), "", 0},
	{"Supabase: 503 to the inbox, twelve times", atSupabase("/rest/v1/rpc/ingest_instagram_events", 12), "webhook 503", 4},
	{"Supabase: 503 to the claim of what is due, three times", atSupabase("/rest/v1/rpc/claim_due_connections", 3), "renew store_unavailable", 1},
}

// orderFaults orders all of them, but not in the time after the last round: they shall have been
// met when it ends.
func (s *soaking) orderFaults(_ context.Context, round int) {
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
		kind = answer.step + " " + answer.code
	}
	s.seen[kind]++
	if s.seen[kind] > s.ordered[kind] {
		s.details = append(s.details, err.Error())
	}
	return false
}
