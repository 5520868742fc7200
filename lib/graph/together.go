package graph

import (
	"context"
	"sync"

	"igconnect/lib/upstream"
)

// readsAtOnce bounds the calls that one lookup makes side by side.
const readsAtOnce = 16

// together runs the steps side by side. The first that fails ends the others.
func together(ctx context.Context, steps ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		once  sync.Once
		first error
		jobs  = make([]func(), len(steps))
	)
	for i, step := range steps {
		jobs[i] = func() {
			if err := step(ctx); err != nil {
				once.Do(func() { first = err; cancel() })
			}
		}
	}
	upstream.SideBySide(len(jobs), jobs...)
	return first
}
