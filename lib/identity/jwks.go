package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"igconnect/lib/upstream"
)

const (
	fresh        = 10 * time.Minute // keys are as good as the issuer's own that long
	lasting      = 24 * time.Hour   // keys count that long while their address doesn't answer
	betweenFinds = time.Minute      // the shortest time between two fetches for keys that are not cached
	betweenTries = 5 * time.Second  // the same, where nothing is cached at all
)

// KeySet is what an issuer publishes of its keys (JWKS, RFC 7517), in the memory of this
// instance. It starts no goroutine, which would not run in a frozen function: who needs
// keys fetches them, and all others wait for the same fetch. [NewKeySet] makes one.
type KeySet struct {
	url    string
	now    func() time.Time
	client *http.Client

	mu      sync.Mutex
	keys    []key         // as they were published last
	fetched time.Time     // when that was
	tried   time.Time     // when the last fetch ended, whatever came of it
	failure error         // what came of it
	sought  time.Time     // when the last fetch for an unknown key ended
	running chan struct{} // closed when the fetch in flight ends; nil: none is
}

// NewKeySet returns the keys that are published at an address. It makes no call.
func NewKeySet(url string, now func() time.Time) *KeySet {
	return &KeySet{
		url: url, now: now,
		client: &http.Client{Transport: upstream.NewTransport(), CheckRedirect: upstream.NoRedirects},
	}
}

// matching returns the public keys of a kid and an algorithm, none if the issuer has no
// such key; without a kid the one key of that algorithm, if it is the only one. The error
// wraps [ErrUnavailable] or [ErrNoKey].
func (s *KeySet) matching(ctx context.Context, kid, algorithm string) ([]any, error) {
	for fetched := false; ; fetched = true {
		s.mu.Lock()
		if !s.within(lasting, s.fetched) {
			s.keys = nil
		}
		found, known := pick(s.keys, kid, algorithm)
		if fetched || !s.due(known) {
			defer s.mu.Unlock()
			if len(s.keys) == 0 {
				return nil, cmp.Or(s.failure, ErrUnavailable)
			}
			if !known && s.failure != nil {
				return nil, s.failure // it may be a new key
			}
			return found, nil
		}
		if err := s.renew(ctx, len(s.keys) > 0 && !known); err != nil {
			return nil, err
		}
	}
}

// Load fetches the keys, however fresh those in memory are, and says whether they are to be
// had: for who looks at the settings. The error wraps [ErrUnavailable] or [ErrNoKey], and holds
// nothing of a key.
func (s *KeySet) Load(ctx context.Context) error {
	s.mu.Lock()
	if err := s.renew(ctx, false); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// renew fetches the keys, or waits for the fetch in flight. s.mu is held, and let go.
func (s *KeySet) renew(ctx context.Context, seeking bool) error {
	running := s.running
	if running == nil {
		s.running = make(chan struct{})
		s.mu.Unlock()
		s.refresh(ctx, seeking)
		return nil
	}
	s.mu.Unlock()
	select {
	case <-running:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for them: %w", ErrUnavailable, ctx.Err())
	}
}

// due reports whether it is time to fetch, for a key that is known or not.
func (s *KeySet) due(known bool) bool {
	switch {
	case len(s.keys) == 0:
		return !s.within(betweenTries, s.tried)
	case !s.within(fresh, s.fetched):
		return !s.within(betweenFinds, s.tried)
	default:
		return !known && !s.within(betweenFinds, s.sought)
	}
}

// within reports whether a moment is less than d ago. A clock that was set back makes
// nothing younger.
func (s *KeySet) within(d time.Duration, moment time.Time) bool {
	age := s.now().Sub(moment)
	return age >= 0 && age < d
}

// refresh fetches the keys and keeps what came of it. Others wait for it, so it ends
// not with the caller's context but by its own limits.
func (s *KeySet) refresh(ctx context.Context, seeking bool) {
	keys, err := []key(nil), ErrUnavailable
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := s.now().Round(0) // the monotonic clock stands still while a function is frozen
		if s.tried, s.failure = now, err; seeking {
			s.sought = now
		}
		if err == nil || errors.Is(err, ErrNoKey) {
			s.keys, s.fetched = keys, now // an issuer that takes all its keys back is believed, too
		}
		close(s.running)
		s.running = nil
	}()
	keys, err = s.fetch(context.WithoutCancel(ctx))
}

const (
	maxKeySet    = 64 << 10 // bytes
	tries        = 2
	tryTimeout   = 3 * time.Second
	fetchTimeout = 7 * time.Second // for all tries
)

func (s *KeySet) fetch(ctx context.Context) (keys []key, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	err = upstream.Retry(ctx, tries, func() (err error) {
		keys, err = s.try(ctx)
		return err
	}, func(err error) bool { return !errors.Is(err, ErrNoKey) })
	return keys, err
}

func (s *KeySet) try(ctx context.Context) ([]key, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: their address is none", ErrUnavailable)
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, upstream.WithoutURL(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", ErrUnavailable, response.StatusCode)
	}
	body, err := upstream.ReadBody(response, maxKeySet)
	if err != nil {
		return nil, fmt.Errorf("%w: reading them: %w", ErrUnavailable, err)
	}
	return readKeys(body)
}
