package graph

import (
	"context"
	"sync"
)

// readsAtOnce bounds the calls that one lookup makes side by side.
const readsAtOnce = 16

// together runs the steps side by side. The first that fails ends the others,
// and all have returned before it does: a frozen function runs no leftovers.
func together(ctx context.Context, steps ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group sync.WaitGroup
		once  sync.Once
		first error
	)
	for _, step := range steps {
		group.Go(func() {
			if err := step(ctx); err != nil {
				once.Do(func() { first = err; cancel() })
			}
		})
	}
	group.Wait()
	return first
}

// atMost runs the jobs side by side, n at a time, until all are done.
func atMost(n int, jobs []func()) {
	var group sync.WaitGroup
	slots := make(chan struct{}, n)
	for _, job := range jobs {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			job()
		})
	}
	group.Wait()
}
