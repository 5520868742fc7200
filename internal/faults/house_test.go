package faults_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// house is one Supabase Lite, with users who take turns: worlds share it, and
// a row belongs to a user.
type house struct {
	*supalite.Server
	alone sync.Mutex // for flows that take whatever they find

	mu    sync.Mutex
	idle  []supalite.User
	count int
}

// user returns somebody without connections, for whom nobody else acts.
func (h *house) user(ctx context.Context) (supalite.User, error) {
	h.mu.Lock()
	if n := len(h.idle); n > 0 {
		user := h.idle[n-1]
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		return user, nil
	}
	h.count++
	n := h.count
	h.mu.Unlock()
	return h.SignUp(ctx, fmt.Sprintf("user%d@example.com", n), "a-password-for-tests")
}

// leave gives the user back, with what they connected removed.
func (h *house) leave(ctx context.Context, user supalite.User) error {
	if _, err := h.SQL(ctx, "delete from public.user_configs where user_id = $1", user.ID); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.idle = append(h.idle, user)
	return nil
}

// houses are started by the first test that asks.
var houses struct {
	sync.Mutex
	all []*house
}

// build returns n houses.
func build(t *testing.T, n int) []*house {
	t.Helper()
	supalitetest.Need(t)
	houses.Lock()
	defer houses.Unlock()
	migrations, err := supalitetest.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	var (
		started sync.WaitGroup
		built   = make([]*house, max(0, n-len(houses.all)))
		errs    = make([]error, len(built))
	)
	for i := range built {
		start := func() {
			var server *supalite.Server
			server, errs[i] = supalite.Start(context.Background(), supalite.Options{Migrations: migrations, Progress: os.Stderr})
			built[i] = &house{Server: server}
		}
		if i == 0 && len(houses.all) == 0 {
			start() // alone: it may have to install
			continue
		}
		started.Go(start)
	}
	started.Wait()
	for i, h := range built {
		if errs[i] == nil {
			houses.all = append(houses.all, h)
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return houses.all[:n]
}

func closeHouses() {
	for _, h := range houses.all {
		_ = h.Stop()
	}
}
