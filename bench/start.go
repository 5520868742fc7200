package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// measureStart starts each side's login again and again, and times from there to its first answer: a redirect to the
// dialog, for which Supabase was asked who it is. That answer comes from memory, or else it is a good part of what is
// timed. The processes that took the load are stopped before.
func measureStart(ctx context.Context, w *world, p plan, sides [2]*side, found *[2]measured) error {
	fmt.Fprintln(w.progress, "Starting processes")
	w.freshMeta()
	w.store.replays.Store(true)
	defer w.store.replays.Store(false)
	for _, s := range sides {
		s.process.stop()
	}
	for range p.starts {
		for i, s := range sides {
			took, err := s.firstAnswer(ctx, w.scratch)
			if err != nil {
				return err
			}
			found[i].start = append(found[i].start, took)
		}
	}
	return nil
}

func (s *side) firstAnswer(ctx context.Context, logs string) (time.Duration, error) {
	request, err := http.NewRequest(http.MethodGet, s.url+"/api/login", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Cookie", s.visitors[0].cookie)
	plainClient.CloseIdleConnections()
	begun := time.Now()
	process, err := s.login.spawn(logs)
	if err != nil {
		return 0, err
	}
	defer process.stop()
	response, err := process.answers(ctx, request)
	if err != nil {
		return 0, err
	}
	took := time.Since(begun)
	if response.StatusCode != http.StatusFound {
		return 0, process.explain(fmt.Errorf("the first answer has status %d", response.StatusCode))
	}
	return took, nil
}

// measureFirst starts each side again and again, and lets one visitor connect, once or a few times, one after the other.
// The CPU time of each process from its start to its end is added up.
func measureFirst(ctx context.Context, w *world, p plan, sides [2]*side, found *[2]measured) error {
	w.freshMeta()
	w.store.replays.Store(true)
	defer w.store.replays.Store(false)
	for _, n := range []int{1, p.few} {
		fmt.Fprintf(w.progress, "Starting processes for connects, %d each\n", n)
		for range p.lives {
			for i, s := range sides {
				if err := s.live(ctx, w, n); err != nil {
					return err
				}
				state := s.process.cmd.ProcessState
				found[i].life[n] += state.UserTime() + state.SystemTime()
			}
		}
	}
	return nil
}

// live runs the side's process for n connects.
func (s *side) live(ctx context.Context, w *world, n int) (err error) {
	plainClient.CloseIdleConnections()
	if s.process, err = s.all.spawn(w.scratch); err != nil {
		return err
	}
	defer s.process.stop()
	if err := s.ready(ctx); err != nil {
		return err
	}
	_, err = s.connects(ctx, w, 1, n)
	return err
}
