package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
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
}

// measured is what was found out about one side.
type measured struct {
	callback map[time.Duration][]time.Duration // by latency of an upstream call: how long each callback took
	trips    int                               // upstream calls of a callback that come one after the other
	calls    int                               // of a callback, in total
	loads    map[string]*load                  // by store
	peak     int64                             // bytes of memory
	idle     int64                             // bytes, some seconds after the load
	starts   []time.Duration
	life     map[int]time.Duration // by connects in a life: CPU time of all these lives of a process
	size     int64                 // bytes on disk
}

// stores are those under load. Supabase Lite serves so few connects a second that both processes
// mostly wait, which says little about how many they could serve; its answers from memory keep up.
var stores = [2]string{onLite, fromMemory}

const onLite, fromMemory = "Supabase Lite", "Supabase from memory"

// load is what came of many connects at once, over all turns.
type load struct {
	connects int
	took     time.Duration
	cpu      [3]time.Duration // of the side's process, of Supabase Lite, and of this one: Meta, the proxy, the browsers
}

// each is the CPU time of one connect, in seconds.
func (l *load) each() float64 { return l.cpu[0].Seconds() / float64(l.connects) }

// second is how many connects there were in one.
func (l *load) second() float64 { return float64(l.connects) / l.took.Seconds() }

// measure takes all figures. Whatever is compared is measured in turns, so that a busy moment of
// the machine meets both sides.
func (r *run) measure(ctx context.Context) error {
	fmt.Fprintln(r.progress, "Warming up")
	r.fresh(0)
	for _, s := range r.sides {
		if _, err := s.connects(ctx, r.atOnce, r.warmUp); err != nil {
			return err
		}
	}
	for _, l := range r.latencies {
		if err := r.measureCallbacks(ctx, l); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{r.measureLoad, r.measureMemory, r.measureStart, r.measureFirst} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measureCallbacks times the callback request under one latency. At last the upstream calls of one
// more connect, made alone, are counted.
func (r *run) measureCallbacks(ctx context.Context, l latency) error {
	fmt.Fprintf(r.progress, "Connecting with %v an upstream call\n", l.delay)
	r.fresh(l.delay)
	for _, s := range slices.Repeat(r.sides[:], l.turns) {
		all, err := s.connects(ctx, l.among, l.connects)
		if err != nil {
			return err
		}
		for _, c := range all {
			s.callback[l.delay] = append(s.callback[l.delay], c.end.Sub(c.start))
		}
	}
	for _, s := range r.sides {
		r.upstream(time.Now())
		alone, err := s.connects(ctx, 1, 1)
		if err != nil {
			return err
		}
		calls := r.upstream(alone[0].start)
		s.trips, s.calls = inARow(calls), len(calls)
	}
	return nil
}

// upstream returns the calls that began at or after a moment, as Meta and Supabase saw them, and
// forgets all.
func (s *setting) upstream(from time.Time) (calls []call) {
	for _, r := range s.proxy.Records() {
		calls = append(calls, call{r.Start, r.End})
	}
	for _, r := range s.sim.Load().Requests() {
		calls = append(calls, call{r.Start, r.End})
	}
	s.proxy.Reset()
	s.sim.Load().Reset()
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

// measureLoad lets everybody connect at once, without latency, at each side in turn.
func (r *run) measureLoad(ctx context.Context) error {
	for _, store := range stores {
		for _, s := range slices.Repeat(r.sides[:], r.turns) {
			if err := r.takeTurn(ctx, s, store); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeTurn lets everybody connect for one turn, and adds what came of it to the side's load.
func (r *run) takeTurn(ctx context.Context, s *side, store string) error {
	fmt.Fprintf(r.progress, "%d at once, %s: %s\n", r.atOnce, store, s.name)
	r.fresh(0)
	r.memory.on.Store(store == fromMemory)
	if r.profile != "" && store == fromMemory && s.debugURL != "" {
		go s.writeProfile(r.profile, r.turn)
	}
	pids := [3]int{s.process.pid(), r.lite.PID(), os.Getpid()}
	before, err := cpuTimes(pids)
	if err != nil {
		return err
	}
	begun := time.Now()
	all, err := s.among(ctx, r.atOnce, func() bool { return time.Since(begun) < r.turn })
	if err != nil {
		return err
	}
	sum := s.loads[store]
	sum.connects += len(all)
	sum.took += time.Since(begun)
	after, err := cpuTimes(pids)
	for i := range after {
		sum.cpu[i] += after[i] - before[i]
	}
	return err
}

func (s *side) writeProfile(file string, length time.Duration) {
	text, err := s.debug(fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", length.Seconds()))
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(s.progress, "No profile:", err)
	}
}

// measureMemory looks at both processes that took the load, after a rest, and stops them.
func (r *run) measureMemory(context.Context) (err error) {
	fmt.Fprintln(r.progress, "Resting")
	time.Sleep(r.rest)
	for _, s := range r.sides {
		if s.peak, s.idle, err = memoryOf(s.process.pid()); err != nil {
			return err
		}
		s.process.stop()
	}
	return nil
}

// measureStart starts each side's login again and again, and times from there to its first answer:
// a redirect to the dialog, for which Supabase was asked who it is. That answer comes from memory,
// or else it is a good part of what is timed.
func (r *run) measureStart(ctx context.Context) error {
	fmt.Fprintln(r.progress, "Starting processes")
	r.fresh(0)
	r.memory.on.Store(true)
	for _, s := range slices.Repeat(r.sides[:], r.starts) {
		begun := time.Now()
		if err := s.launch(ctx, s.login, s.visitors[0].cookie, http.StatusFound); err != nil {
			return err
		}
		s.starts = append(s.starts, time.Since(begun))
		s.process.stop()
	}
	return nil
}

// measureFirst starts each side again and again, and lets one visitor connect, once or a few
// times, one after the other. The CPU time of each process from its start to its end is added up.
func (r *run) measureFirst(ctx context.Context) error {
	r.fresh(0)
	r.memory.on.Store(true)
	for _, n := range []int{1, r.few} {
		fmt.Fprintf(r.progress, "Starting processes for connects, %d each\n", n)
		for _, s := range slices.Repeat(r.sides[:], r.lives) {
			if err := s.launch(ctx, s.all, "", http.StatusUnauthorized); err != nil {
				return err
			}
			if _, err := s.connects(ctx, 1, n); err != nil {
				return err
			}
			s.process.stop()
			state := s.process.cmd.ProcessState
			s.life[n] += state.UserTime() + state.SystemTime()
		}
	}
	return nil
}

// connects lets visitors connect, n times in all and so many at once.
func (s *side) connects(ctx context.Context, atOnce, n int) ([]call, error) {
	var begun atomic.Int64
	return s.among(ctx, atOnce, func() bool { return begun.Add(1) <= int64(n) })
}

// among lets the first so many visitors connect over and over, at the same time, as long as there
// is more. The first error ends it.
func (s *side) among(ctx context.Context, atOnce int, more func() bool) (all []call, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		group sync.WaitGroup
		mu    sync.Mutex
	)
	for _, v := range s.visitors[:atOnce] {
		group.Go(func() {
			for ctx.Err() == nil && more() {
				c, err := connect(ctx, s.url, v, s.sim.Load())
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
