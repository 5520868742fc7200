package renew

import (
	"context"
	"sync"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

// sharing is a provider that asks Meta once about a token that several connections
// have, because their person connected them together, and extends it once. It
// notes when Meta answers.
type sharing struct {
	Provider
	pulse      *pulse
	inspected  memory[graph.Inspection]
	extensions memory[graph.Token]
}

func shared(provider Provider, pulse *pulse) *sharing {
	return &sharing{Provider: provider, pulse: pulse}
}

func (s *sharing) Inspect(ctx context.Context, token secret.String) (graph.Inspection, error) {
	return s.inspected.once(ctx, token, func() (graph.Inspection, error) {
		inspection, err := s.Provider.Inspect(ctx, token)
		s.heard(err)
		return inspection, err
	})
}

func (s *sharing) Extend(ctx context.Context, token secret.String) (graph.Token, error) {
	return s.extensions.once(ctx, token, func() (graph.Token, error) { return s.Provider.Extend(ctx, token) })
}

func (s *sharing) Repair(ctx context.Context, person secret.String, account graph.Account, granted []string) (
	graph.Repair, error) {
	repair, err := s.Provider.Repair(ctx, person, account, granted)
	s.heard(err)
	return repair, err
}

// heard takes good news and the death of a token for a sign that Meta answers.
func (s *sharing) heard(err error) {
	if err == nil || graph.ClassOf(err) == graph.TokenDead {
		s.pulse.answered()
	}
}

// memory holds what calls for the last tokens came to, failures included: those who
// share a token come soon after each other. It stays small, however many there are.
type memory[T any] struct {
	mutex      sync.Mutex
	now, older map[string]*remembered[T]
}

type remembered[T any] struct {
	done  chan struct{} // closed when the call is over
	value T
	err   error
}

const rememberedTokens = 500

// once makes the call for a token unless somebody has made it or is making it, and
// returns what it came to. Who waits for somebody else's call waits no longer than
// ctx lasts.
func (m *memory[T]) once(ctx context.Context, token secret.String, call func() (T, error)) (T, error) {
	r, mine := m.entry(token.Reveal())
	if mine {
		defer close(r.done)
		r.err = context.Canceled // for those who wait, if it panics
		r.value, r.err = call()
		return r.value, r.err
	}
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// entry returns what is remembered of a key, and whether the caller has to find out.
func (m *memory[T]) entry(key string) (r *remembered[T], mine bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, known := range []map[string]*remembered[T]{m.now, m.older} {
		if r := known[key]; r != nil {
			return r, false
		}
	}
	if m.now == nil || len(m.now) >= rememberedTokens {
		m.now, m.older = map[string]*remembered[T]{}, m.now
	}
	r = &remembered[T]{done: make(chan struct{})}
	m.now[key] = r
	return r, true
}
