package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite/postgres"
)

// soakPlan is what the functions are kept busy with, and for how long.
type soakPlan struct {
	length      time.Duration
	visitors    int           // who connect, again and again
	aging       int           // connections that the renewal checks in each run
	renewals    time.Duration // between two runs
	connects    time.Duration // between two
	deliveries  time.Duration // between two; every fifth comes twice
	events      int           // of a delivery
	faultRounds int           // in which every fault is ordered
}

var soakFor = flag.Duration("soak", 0, "let TestSoak run for so long, with all that it does, and judge whether the process stays flat")

// briefSoak is some seconds with each fault ordered once. Whether the process stays flat, so
// little time does not show.
var briefSoak = soakPlan{
	length: 8 * time.Second, visitors: 8, aging: 4, renewals: 2 * time.Second, connects: 250 * time.Millisecond,
	deliveries: 250 * time.Millisecond, events: 3, faultRounds: 1,
}

var fullSoak = soakPlan{
	visitors: 40, aging: 20, renewals: 5 * time.Second, connects: 250 * time.Millisecond,
	deliveries: 100 * time.Millisecond, events: 5, faultRounds: 5,
}

// soaking is a soak under way.
type soaking struct {
	*setting
	plan  soakPlan
	side  *side
	aging []agingConnection

	mu        sync.Mutex
	done      map[string]int // successes, by what was done
	ordered   map[string]int // errors that may be seen, as "callback throttled"
	seen      map[string]int
	details   []string        // of errors that were not ordered
	accepted  map[string]bool // message ids of deliveries that were answered with 200
	connected map[string]bool // Instagram ids
}

// TestSoak keeps the functions busy: nothing goes wrong but what was ordered, the database is as
// the functions said, and goroutines, memory and open files stay flat.
func TestSoak(t *testing.T) {
	needProcesses(t)
	plan := briefSoak
	if *soakFor > 0 {
		plan = fullSoak
		plan.length = *soakFor
	}
	database, err := postgres.Start(t.Context())
	if errors.Is(err, postgres.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(database.Stop)
	around, err := newSetting(t.Context(), database.URL, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(around.close)
	s, err := startSoak(t.Context(), around, plan)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	problems, err := s.check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	flat := s.report(t.Output(), samples, problems)
	if len(problems) > 0 || len(s.details) > 0 {
		t.Errorf("in the database: %q\nnot ordered: %q", problems, s.details)
	}
	if *soakFor > 0 && !flat {
		t.Error("not flat")
	}
	if len(samples) < 3 || s.done["connect"] == 0 || s.done["delivery"] == 0 || s.done["renewal"] == 0 || s.ordered["callback throttled"] != plan.faultRounds {
		t.Errorf("%d samples, done %v, ordered %v, seen %v", len(samples), s.done, s.ordered, s.seen)
	}
	for _, s := range samples {
		if s.goroutines < 1 || s.memory < 1e6 || s.files < 1 {
			t.Errorf("not a process: %+v", s)
		}
	}
}

// startSoak starts the functions, lets everybody connect once, and stores the aging connections.
func startSoak(ctx context.Context, around *setting, p soakPlan) (*soaking, error) {
	s := &soaking{
		setting: around, plan: p, done: map[string]int{}, ordered: map[string]int{}, seen: map[string]int{},
		accepted: map[string]bool{}, connected: map[string]bool{},
	}
	var err error
	if s.side, err = buildOurs(ctx, around); err != nil {
		return nil, err
	}
	s.redirects = []string{s.side.redirectURI()}
	if s.side.visitors, err = s.visitors(ctx, 0, p.visitors); err != nil {
		return nil, err
	}
	aging, err := s.visitors(ctx, p.visitors, p.aging)
	if err != nil {
		return nil, err
	}
	s.freshMeta()
	if err := s.storeAging(ctx, aging); err != nil {
		return nil, err
	}
	if err := s.side.launch(ctx, around); err != nil {
		return nil, err
	}
	fmt.Fprintln(s.progress, "Everybody connects once")
	for _, v := range s.side.visitors {
		s.connect(ctx, v)
	}
	return s, nil
}

// run does everything at once for the plan's length, and looks at the process each second.
func (s *soaking) run(ctx context.Context) ([]sample, error) {
	fmt.Fprintf(s.progress, "Soaking for %v\n", s.plan.length)
	ctx, cancel := context.WithTimeout(ctx, s.plan.length)
	defer cancel()
	var group sync.WaitGroup
	for _, actor := range []struct {
		every time.Duration
		act   func(ctx context.Context, n int)
	}{
		{s.plan.connects, func(ctx context.Context, n int) { s.connect(ctx, s.side.visitors[n%len(s.side.visitors)]) }},
		{s.plan.deliveries, s.deliver},
		{s.plan.renewals, s.renew},
		{s.plan.length / time.Duration(s.plan.faultRounds+1), func(_ context.Context, n int) { s.orderFaults(n) }},
	} {
		group.Go(func() { pace(ctx, actor.every, actor.act) })
	}
	samples, err := s.sample(ctx)
	group.Wait()
	return samples, err
}

// pace begins an act at each tick, beside those that are still going on, eight at most: a slow
// machine is given less to do. What has begun when ctx ends is finished.
func pace(ctx context.Context, every time.Duration, act func(ctx context.Context, n int)) {
	const atMost = 8
	var group sync.WaitGroup
	defer group.Wait()
	slots := make(chan struct{}, atMost)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		slots <- struct{}{}
		group.Go(func() {
			act(context.WithoutCancel(ctx), n)
			<-slots
		})
	}
}

func (s *soaking) connect(ctx context.Context, v visitor) {
	_, err := connect(ctx, s.side.url, v, s.meta.sim.Load())
	if s.note("connect", err) {
		s.mu.Lock()
		s.connected[v.account] = true
		s.mu.Unlock()
	}
}

// deliver sends new messages to one account, as Meta does: again and again until they are
// acknowledged.
func (s *soaking) deliver(ctx context.Context, n int) {
	sim := s.meta.sim.Load()
	account := s.side.visitors[n%len(s.side.visitors)].account
	events := metasim.Batch(s.plan.events, func(int) metasim.Event {
		return metasim.Message(fmt.Sprint("56", 1000+rand.IntN(1000)), account, "hello")
	})
	body := sim.Delivery(account, events...)
	times := 1
	if n%5 == 0 {
		times = 2
	}
	for range times {
		for !s.deliverOnce(ctx, sim, body) {
			time.Sleep(200 * time.Millisecond)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		s.accepted[e.MID()] = true
	}
}

func (s *soaking) deliverOnce(ctx context.Context, sim *metasim.Sim, body []byte) bool {
	status, err := sim.Deliver(ctx, s.side.url+"/api/webhook", body)
	if err == nil && status != http.StatusOK {
		err = answered{step: "webhook", status: status, code: fmt.Sprint(status)}
	}
	return s.note("delivery", err)
}
