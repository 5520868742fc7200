package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"igconnect/internal/supalite/supalitetest"
)

// soakPlan is what the functions are kept busy with, and for how long.
type soakPlan struct {
	length      time.Duration
	visitors    int           // who connect, again and again
	aging       int           // connections that the renewal checks in each run
	renewals    time.Duration // between two runs
	deliveries  time.Duration // between two; every fifth comes twice
	events      int           // of a delivery
	faultRounds int           // in which every fault is ordered
}

var soakFor = flag.Duration("soak", 0, "let TestSoak run for so long, with all that it does, and judge whether the process stays flat")

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
// the functions said, and goroutines, memory and open files stay flat. Without -soak it is some
// seconds with each fault ordered once, too short to judge whether the process stays flat.
func TestSoak(t *testing.T) {
	needProcesses(t)
	plan := soakPlan{length: 8 * time.Second, visitors: 8, aging: 4, renewals: 2 * time.Second, deliveries: 250 * time.Millisecond, events: 3, faultRounds: 1}
	if *soakFor > 0 {
		plan = soakPlan{length: *soakFor, visitors: 40, aging: 20, renewals: 5 * time.Second, deliveries: 100 * time.Millisecond, events: 5, faultRounds: 5}
	}
	around, err := newSetting(t.Context(), supalitetest.Postgres(t), t.Output())
	t.Cleanup(around.close)
	if err != nil {
		t.Fatal(err)
	}
	s, err := startSoak(t.Context(), around, plan)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	problems := append(s.checkDatabase(t), s.checkLog(t)...)
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
func startSoak(ctx context.Context, around *setting, p soakPlan) (s *soaking, err error) {
	s = &soaking{
		setting: around, plan: p, done: map[string]int{}, ordered: map[string]int{}, seen: map[string]int{},
		accepted: map[string]bool{}, connected: map[string]bool{},
	}
	if s.side, err = buildOurs(ctx, around); err != nil {
		return nil, err
	}
	everybody, err := s.visitors(ctx, 0, p.visitors+p.aging)
	if err != nil {
		return nil, err
	}
	s.side.visitors = everybody[:p.visitors]
	s.fresh(0)
	if err := s.storeAging(ctx, everybody[p.visitors:]); err != nil {
		return nil, err
	}
	if err := s.side.launch(ctx, s.side.all, "", http.StatusUnauthorized); err != nil {
		return nil, err
	}
	fmt.Fprintln(s.progress, "Everybody connects once")
	for n := range p.visitors {
		s.connect(ctx, n)
	}
	return s, nil
}

// run does everything at once for the plan's length, and looks at the process each second.
func (s *soaking) run(ctx context.Context) ([]sample, error) {
	fmt.Fprintf(s.progress, "Soaking for %v\n", s.plan.length)
	ctx, cancel := context.WithTimeout(ctx, s.plan.length)
	defer cancel()
	var group sync.WaitGroup
	var renewing sync.Mutex // a run that meets another one finds less to do
	for _, actor := range []struct {
		every time.Duration
		act   func(ctx context.Context, n int)
	}{
		{250 * time.Millisecond, s.connect},
		{s.plan.deliveries, s.deliver},
		{s.plan.renewals, func(ctx context.Context, n int) {
			renewing.Lock()
			defer renewing.Unlock()
			s.note("renewal", s.renew(ctx, n))
		}},
		{s.plan.length / time.Duration(s.plan.faultRounds+1), s.orderFaults},
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
	var group sync.WaitGroup
	defer group.Wait()
	slots := make(chan struct{}, 8)
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
