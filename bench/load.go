package main

import (
	"context"
	"fmt"
	"time"
)

// load is what came of many connects at once, over all turns.
type load struct {
	connects int
	took     time.Duration
	own      time.Duration // CPU time of the side's process
	lite     time.Duration // of Supabase Lite
	bench    time.Duration // of this process: Meta, the store's door and the browsers
}

// each is the CPU time of one connect, in seconds.
func (l load) each() float64 { return l.own.Seconds() / float64(l.connects) }

// second is how many connects there were in one.
func (l load) second() float64 { return float64(l.connects) / l.took.Seconds() }

// measureLoad lets as many connect at once as the plan says, without latency.
func measureLoad(ctx context.Context, w *world, p plan, sides [2]*side, found *[2]measured) error {
	for range p.turns {
		for i, s := range sides {
			fmt.Fprintf(w.progress, "%d at once: %s\n", p.atOnce, s.name)
			w.freshMeta()
			if err := s.turn(ctx, w, p, &found[i].load); err != nil {
				return err
			}
		}
	}
	return nil
}

// measureBusy is measureLoad with a store that keeps up: Supabase Lite serves so few connects a second that both processes
// mostly wait, which says little about how many they could serve.
func measureBusy(ctx context.Context, w *world, p plan, sides [2]*side, found *[2]measured) error {
	w.store.replays.Store(true)
	defer w.store.replays.Store(false)
	for range p.turns {
		for i, s := range sides {
			fmt.Fprintf(w.progress, "%d at once, Supabase's answers from memory: %s\n", p.atOnce, s.name)
			w.freshMeta()
			if p.profile != "" && s.debugURL != "" {
				go func() {
					if err := s.profile(ctx, p.profile, p.turn); err != nil {
						fmt.Fprintln(w.progress, "No profile:", err)
					}
				}()
			}
			if err := s.turn(ctx, w, p, &found[i].busy); err != nil {
				return err
			}
		}
	}
	return nil
}

// turn lets everybody connect for one turn and adds what came of it to sum.
func (s *side) turn(ctx context.Context, w *world, p plan, sum *load) error {
	before, err := w.cpuTimes(s)
	if err != nil {
		return err
	}
	begun := time.Now()
	all, err := s.among(ctx, w, p.atOnce, func() bool { return time.Since(begun) < p.turn })
	if err != nil {
		return err
	}
	took := time.Since(begun)
	after, err := w.cpuTimes(s)
	if err != nil {
		return err
	}
	sum.connects += len(all)
	sum.took += took
	sum.own += after[0] - before[0]
	sum.lite += after[1] - before[1]
	sum.bench += after[2] - before[2]
	return nil
}

// cpuTimes are those so far of the side's process, of Supabase Lite and of this process.
func (w *world) cpuTimes(s *side) (times [3]time.Duration, err error) {
	for i, pid := range []int{s.process.pid(), w.litePID, ownPID} {
		if times[i], err = cpu(pid); err != nil {
			return times, err
		}
	}
	return times, nil
}

// measureMemory looks at both processes after a rest.
func measureMemory(_ context.Context, w *world, p plan, sides [2]*side, found *[2]measured) error {
	fmt.Fprintln(w.progress, "Resting")
	time.Sleep(p.rest)
	for i, s := range sides {
		var err error
		if found[i].peak, err = memory(s.process.pid(), "VmHWM"); err != nil {
			return err
		}
		if found[i].idle, err = memory(s.process.pid(), "VmRSS"); err != nil {
			return err
		}
	}
	return nil
}
