package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite/postgres"
)

// soakPlan is what the functions are kept busy with, and for how long.
type soakPlan struct {
	length      time.Duration
	visitors    int           // who connect, again and again
	elders      int           // connections that the renewal checks in each run
	renewals    time.Duration // between two runs
	connects    time.Duration // between two
	deliveries  time.Duration // between two; every fifth comes twice
	events      int           // of a delivery
	faultRounds int           // in which every fault is ordered
}

var fullSoak = soakPlan{
	visitors: 40, elders: 20, renewals: 5 * time.Second, connects: 250 * time.Millisecond,
	deliveries: 100 * time.Millisecond, events: 5, faultRounds: 5,
}

// soaking is a soak under way.
type soaking struct {
	*world
	plan   soakPlan
	side   *side
	elders []elder

	mu        sync.Mutex
	done      map[string]int // successes, by what was done
	ordered   map[string]int // errors that may be seen, as "callback throttled"
	seen      map[string]int
	details   []string        // of errors that were not ordered
	accepted  map[string]bool // message ids of deliveries that were answered with 200
	connected map[string]bool // Instagram ids
}

// soak keeps the functions busy and prints what became of them. It tells whether they stayed flat, and whether nothing
// went wrong but what was ordered.
func soak(ctx context.Context, root string, p soakPlan, out, progress io.Writer) (bool, error) {
	database, err := postgres.Start(ctx)
	if err != nil {
		return false, err
	}
	defer database.Stop()
	w, err := newWorld(ctx, root, database.URL, progress)
	if err != nil {
		return false, err
	}
	defer w.close()
	s, err := startSoak(ctx, w, p)
	if err != nil {
		return false, err
	}
	samples, err := s.run(ctx)
	if err != nil {
		return false, err
	}
	problems, err := s.check(ctx)
	if err != nil {
		return false, err
	}
	return s.report(out, samples, problems), nil
}

// startSoak starts the functions, lets everybody connect once, and stores the elders.
func startSoak(ctx context.Context, w *world, p soakPlan) (*soaking, error) {
	s := &soaking{
		world: w, plan: p, done: map[string]int{}, ordered: map[string]int{}, seen: map[string]int{},
		accepted: map[string]bool{}, connected: map[string]bool{},
	}
	var err error
	if s.side, err = buildOurs(ctx, w); err != nil {
		return nil, err
	}
	w.redirects = []string{s.side.redirectURI()}
	if s.side.visitors, err = w.visitors(ctx, 0, p.visitors); err != nil {
		return nil, err
	}
	elders, err := w.visitors(ctx, p.visitors, p.elders)
	if err != nil {
		return nil, err
	}
	w.freshMeta()
	if err := s.storeElders(ctx, elders); err != nil {
		return nil, err
	}
	if err := s.side.launch(ctx, w); err != nil {
		return nil, err
	}
	fmt.Fprintln(w.progress, "Everybody connects once")
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

// pace begins an act at each tick, beside those that are still going on, eight at most: a slow machine is given less to
// do. What has begun when ctx ends is finished.
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

// deliver sends new messages to one account, as Meta does: again and again until they are acknowledged.
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
		err = &refused{step: "webhook", status: status, code: fmt.Sprint(status)}
	}
	return s.note("delivery", err)
}
