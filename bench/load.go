package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// load is what came of many connects at once, over all turns.
type load struct {
	connects int
	took     time.Duration
	cpu      [3]time.Duration // of the side's process, of Supabase Lite, and of this one: Meta, the proxy, the browsers
}

// each is the CPU time of one connect, in seconds.
func (l load) each() float64 { return l.cpu[0].Seconds() / float64(l.connects) }

// second is how many connects there were in one.
func (l load) second() float64 { return float64(l.connects) / l.took.Seconds() }

// measureLoad lets as many connect at once as the plan says, without latency.
func (r *run) measureLoad(ctx context.Context) error {
	return r.turns(ctx, "", func(i int) *load { return &r.found[i].load })
}

// measureBusy is measureLoad with a store that keeps up: Supabase Lite serves so few connects a
// second that both processes mostly wait, which says little about how many they could serve.
func (r *run) measureBusy(ctx context.Context) error {
	defer r.memory.use()()
	return r.turns(ctx, ", Supabase's answers from memory", func(i int) *load { return &r.found[i].busy })
}

// turns lets everybody connect at each side in turn, and adds what came of it up.
func (r *run) turns(ctx context.Context, how string, sum func(side int) *load) error {
	for range r.plan.turns {
		for i, s := range r.sides {
			fmt.Fprintf(r.progress, "%d at once%s: %s\n", r.atOnce, how, s.name)
			r.freshMeta()
			if r.profile != "" && how != "" && s.debugURL != "" {
				go func() {
					text, err := s.debug(fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", r.turn.Seconds()))
					if err == nil {
						err = os.WriteFile(r.profile, []byte(text), 0o644)
					}
					if err != nil {
						fmt.Fprintln(r.progress, "No profile:", err)
					}
				}()
			}
			if err := r.takeTurn(ctx, s, sum(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeTurn lets everybody connect for one turn.
func (r *run) takeTurn(ctx context.Context, s *side, sum *load) error {
	before, err := r.cpuTimes(s)
	if err != nil {
		return err
	}
	begun := time.Now()
	all, err := s.among(ctx, r.setting, r.atOnce, func() bool { return time.Since(begun) < r.turn })
	if err != nil {
		return err
	}
	sum.connects += len(all)
	sum.took += time.Since(begun)
	after, err := r.cpuTimes(s)
	for i := range after {
		sum.cpu[i] += after[i] - before[i]
	}
	return err
}

// cpuTimes are those so far of the side's process, of Supabase Lite and of this process.
func (r *run) cpuTimes(s *side) (times [3]time.Duration, err error) {
	for i, pid := range []int{s.process.pid(), r.lite.PID(), os.Getpid()} {
		if times[i], err = cpu(pid); err != nil {
			return times, err
		}
	}
	return times, nil
}

// measureMemory looks at both processes after a rest.
func (r *run) measureMemory(context.Context) (err error) {
	fmt.Fprintln(r.progress, "Resting")
	time.Sleep(r.rest)
	for i, s := range r.sides {
		if r.found[i].peak, err = memoryOf(s.process.pid(), "VmHWM"); err != nil {
			return err
		}
		if r.found[i].idle, err = memoryOf(s.process.pid(), "VmRSS"); err != nil {
			return err
		}
	}
	return nil
}
