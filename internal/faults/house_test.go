package faults_test

import (
	"context"
	"fmt"
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

// startHouses starts n houses, which the end of the test stops. The first one
// may have to install what all of them need.
func startHouses(t *testing.T, n int) []*house {
	t.Helper()
	houses := make([]*house, n)
	for i := range houses {
		houses[i] = &house{Server: supalitetest.Start(t, supalite.Options{})}
	}
	return houses
}
