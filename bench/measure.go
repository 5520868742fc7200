package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// run is one comparison: ours at 0, the seed's recipe at 1.
type run struct {
	*setting
	plan
	sides [2]*side
	found [2]measured
}

// measured is what was found out about one side.
type measured struct {
	callback map[time.Duration][]time.Duration // by latency of an upstream call: how long each callback took
	trips    int                               // upstream calls of a callback that come one after the other
	calls    int                               // of a callback, in total
	load     load                              // with Supabase Lite
	busy     load                              // with Lite's answers from memory
	peak     int64                             // bytes of memory
	idle     int64                             // bytes, some seconds after the load
	start    []time.Duration
	life     map[int]time.Duration // by connects in a life: CPU time of all these lives of a process
	disk     int64                 // bytes
}

// call is one call upstream, as the upstream saw it.
type call struct{ start, end time.Time }

// measure takes all figures. Whatever is compared is measured in turns, so that a busy moment of
// the machine meets both sides.
func (r *run) measure(ctx context.Context) error {
	fmt.Fprintln(r.progress, "Warming up")
	r.freshMeta()
	for i, s := range r.sides {
		r.found[i] = measured{life: map[int]time.Duration{}, callback: map[time.Duration][]time.Duration{}, disk: s.size}
		if _, err := s.connects(ctx, r.setting, r.atOnce, r.warmUp); err != nil {
			return err
		}
	}
	for _, l := range r.latencies {
		if err := r.measureCallbacks(ctx, l); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{r.measureLoad, r.measureBusy, r.measureMemory, r.measureStart, r.measureFirst} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measureCallbacks times the callback request under one latency. In the last turn the upstream
// calls of one more connect, made alone, are counted.
func (r *run) measureCallbacks(ctx context.Context, l latency) error {
	fmt.Fprintf(r.progress, "Connecting with %v an upstream call\n", l.delay)
	r.freshMeta()
	r.setLatency(l.delay)
	for turn := range l.turns {
		for i, s := range r.sides {
			all, err := s.connects(ctx, r.setting, l.among, l.connects)
			if err != nil {
				return err
			}
			found := &r.found[i]
			for _, c := range all {
				found.callback[l.delay] = append(found.callback[l.delay], c.callback)
			}
			if turn < l.turns-1 {
				continue
			}
			r.upstream(time.Now())
			alone, err := s.connects(ctx, r.setting, 1, 1)
			if err != nil {
				return err
			}
			calls := r.upstream(alone[0].begun)
			found.trips, found.calls = inARow(calls), len(calls)
		}
	}
	return nil
}

// upstream returns the calls that began at or after a moment, to Meta and to Supabase, and forgets
// all.
func (s *setting) upstream(from time.Time) (calls []call) {
	for _, r := range s.proxy.Records() {
		calls = append(calls, call{r.Start, r.End})
	}
	for _, r := range s.meta.sim.Load().Requests() {
		calls = append(calls, call{r.Start, r.End})
	}
	s.proxy.Reset()
	s.meta.sim.Load().Reset()
	return slices.DeleteFunc(calls, func(c call) bool { return c.start.Before(from) })
}

// inARow is the length of the longest chain of calls of which each began after the one before it
// had ended.
func inARow(calls []call) int {
	slices.SortFunc(calls, func(a, b call) int { return a.end.Compare(b.end) })
	n, end := 0, time.Time{}
	for _, c := range calls {
		if !c.start.Before(end) {
			n, end = n+1, c.end
		}
	}
	return n
}

// connects lets visitors connect, n times in all and so many at once.
func (s *side) connects(ctx context.Context, around *setting, atOnce, n int) ([]connected, error) {
	var begun atomic.Int64
	return s.among(ctx, around, atOnce, func() bool { return begun.Add(1) <= int64(n) })
}

// among lets the first so many visitors connect over and over, at the same time, as long as there
// is more. The first error ends it.
func (s *side) among(ctx context.Context, around *setting, atOnce int, more func() bool) ([]connected, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		all   []connected
	)
	for _, v := range s.visitors[:atOnce] {
		group.Go(func() {
			for ctx.Err() == nil && more() {
				c, err := connect(ctx, s.url, v, around.meta.sim.Load())
				if err != nil {
					cancel(fmt.Errorf("%s: %w", s.name, err))
					return
				}
				mu.Lock()
				all = append(all, c)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, s.process.explain(err)
	}
	return all, nil
}
