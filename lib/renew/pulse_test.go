package renew

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/upstream"
)

// Meta is asked about the app only where nothing is known since the time in question, once for all who
// want to know, and never again once it was an outage.
func TestPulse(t *testing.T) {
	t.Parallel()
	failure := func(class graph.Class) error { return &graph.Error{Op: "asking", Class: class} }
	for name, c := range map[string]struct {
		answer error
		outage bool
	}{
		"an answer":                  {nil, false},
		"a refusal of this question": {failure(graph.Rejected), false},
		"a permission":               {failure(graph.NoPermission), false},
		"no answer":                  {failure(graph.Unavailable), true},
		"the app is blocked":         {failure(graph.BadApp), true},
		"the app's limit":            {failure(graph.Throttled), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			p := &pulse{ask: func(context.Context) error { asked.Add(1); time.Sleep(20 * time.Millisecond); return c.answer }}
			want := func(what string, since time.Time, questions int64, outage bool) {
				t.Helper()
				if err := p.since(t.Context(), since); (err != nil) != outage || asked.Load() != questions {
					t.Errorf("%s: %v after %d questions, want %d", what, err, asked.Load(), questions)
				}
			}
			begun := time.Now()
			p.answered()
			want("known", begun, 0, false)
			later := time.Now()
			var group upstream.Group
			for range 5 {
				group.Go(func() { want("asked together", later, 1, c.outage) })
			}
			group.Wait()
			if c.outage {
				want("from then on", time.Now(), 1, true)
			} else {
				want("later", time.Now(), 2, false)
			}
		})
	}
}

// Meta has five seconds for that.
func TestPulseOfHangingMeta(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pulse{ask: func(ctx context.Context) error {
			<-ctx.Done()
			return &graph.Error{Op: "asking", Class: graph.Unavailable}
		}}
		begun := time.Now()
		if err := p.since(t.Context(), begun); err == nil || time.Since(begun) != askLimit {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		if err := p.since(t.Context(), begun); !errors.Is(err, p.outage) || time.Since(begun) != askLimit {
			t.Errorf("asked again: %v after %v", err, time.Since(begun))
		}
	})
}
