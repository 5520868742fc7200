package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

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

// measure takes all figures. Whatever is compared is measured in turns, so that the machine's moods meet both sides.
func measure(ctx context.Context, w *world, p plan, sides [2]*side) (found [2]measured, err error) {
	fmt.Fprintln(w.progress, "Warming up")
	w.freshMeta()
	for i, s := range sides {
		found[i].life = map[int]time.Duration{}
		found[i].callback = map[time.Duration][]time.Duration{}
		found[i].disk = s.size
		if _, err := s.connects(ctx, w, p.atOnce, p.warmUp); err != nil {
			return found, err
		}
	}
	for _, l := range p.latencies {
		if err := measureCallbacks(ctx, w, l, sides, &found); err != nil {
			return found, err
		}
	}
	for _, step := range []func(context.Context, *world, plan, [2]*side, *[2]measured) error{
		measureLoad, measureBusy, measureMemory, measureStart, measureFirst,
	} {
		if err := step(ctx, w, p, sides, &found); err != nil {
			return found, err
		}
	}
	return found, nil
}

// measureCallbacks times the callback request under one latency. In the last turn the upstream calls of one more connect,
// made alone, are counted.
func measureCallbacks(ctx context.Context, w *world, l latency, sides [2]*side, found *[2]measured) error {
	fmt.Fprintf(w.progress, "Connecting with %v an upstream call\n", l.delay)
	w.freshMeta()
	w.setLatency(l.delay)
	for turn := range l.turns {
		for i, s := range sides {
			all, err := s.connects(ctx, w, l.among, l.connects)
			if err != nil {
				return err
			}
			for _, c := range all {
				found[i].callback[l.delay] = append(found[i].callback[l.delay], c.callback)
			}
			if turn < l.turns-1 {
				continue
			}
			w.upstream(time.Now())
			alone, err := s.connects(ctx, w, 1, 1)
			if err != nil {
				return err
			}
			calls := w.upstream(alone[0].begun)
			found[i].trips, found[i].calls = inARow(calls), len(calls)
		}
	}
	return nil
}

// upstream takes the calls that began at or after a moment, to Meta and to Supabase, and forgets all.
func (w *world) upstream(from time.Time) []call {
	calls := w.store.take()
	for _, r := range w.meta.sim.Load().Requests() {
		calls = append(calls, call{r.Start, r.End})
	}
	w.meta.sim.Load().Reset()
	return slices.DeleteFunc(calls, func(c call) bool { return c.start.Before(from) })
}

// inARow is the length of the longest chain of calls of which each began after the one before it had ended.
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
func (s *side) connects(ctx context.Context, w *world, atOnce, n int) ([]connected, error) {
	jobs := make(chan int, n)
	for i := range n {
		jobs <- i
	}
	close(jobs)
	return s.among(ctx, w, atOnce, func() bool { _, more := <-jobs; return more })
}

// among lets the first so many visitors connect over and over, at the same time, as long as there is more. The first
// error ends it.
func (s *side) among(ctx context.Context, w *world, atOnce int, more func() bool) ([]connected, error) {
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
				c, err := connect(ctx, s.url, v, w.meta.sim.Load())
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
