package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// measureStart starts each side's login again and again, and times from there to its first answer:
// a redirect to the dialog, for which Supabase was asked who it is. That answer comes from memory,
// or else it is a good part of what is timed. The processes that took the load are stopped before.
func (r *run) measureStart(ctx context.Context) error {
	fmt.Fprintln(r.progress, "Starting processes")
	r.freshMeta()
	defer r.memory.use()()
	for _, s := range r.sides {
		s.process.stop()
	}
	for range r.starts {
		for i, s := range r.sides {
			took, err := s.firstAnswer(ctx, r.scratch)
			if err != nil {
				return err
			}
			r.found[i].start = append(r.found[i].start, took)
		}
	}
	return nil
}

func (s *side) firstAnswer(ctx context.Context, logs string) (time.Duration, error) {
	plainClient.CloseIdleConnections()
	begun := time.Now()
	process, err := s.login.spawn(logs)
	if err != nil {
		return 0, err
	}
	defer process.stop()
	status, err := process.answers(ctx, s.url+"/api/login", s.visitors[0].cookie)
	took := time.Since(begun)
	if err == nil && status != http.StatusFound {
		err = process.explain(fmt.Errorf("the first answer has status %d", status))
	}
	return took, err
}

// measureFirst starts each side again and again, and lets one visitor connect, once or a few
// times, one after the other. The CPU time of each process from its start to its end is added up.
func (r *run) measureFirst(ctx context.Context) error {
	r.freshMeta()
	defer r.memory.use()()
	for _, n := range []int{1, r.few} {
		fmt.Fprintf(r.progress, "Starting processes for connects, %d each\n", n)
		for range r.lives {
			for i, s := range r.sides {
				if err := s.live(ctx, r.setting, n); err != nil {
					return err
				}
				state := s.process.cmd.ProcessState
				r.found[i].life[n] += state.UserTime() + state.SystemTime()
			}
		}
	}
	return nil
}

// live runs the side's process for n connects.
func (s *side) live(ctx context.Context, around *setting, n int) (err error) {
	plainClient.CloseIdleConnections()
	if s.process, err = s.all.spawn(around.scratch); err != nil {
		return err
	}
	defer s.process.stop()
	if err := s.ready(ctx); err != nil {
		return err
	}
	_, err = s.connects(ctx, around, 1, n)
	return err
}
