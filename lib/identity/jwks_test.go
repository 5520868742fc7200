package identity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// source stands in for the network in tests on the clock of synctest.
type source struct {
	asked atomic.Int32
	takes time.Duration // of an answer
	down  bool
	body  string
}

func (s *source) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	select {
	case <-time.After(s.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if s.down {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader([]byte(s.body)))}, nil
}

// keys is a set that is read from the source.
func (s *source) keys() *KeySet {
	set := NewKeySet("https://id.example.com/jwks", time.Now)
	set.client.Transport = s
	return set
}

// look asks for a key of EdDSA, and wants an error, and how many requests that took.
func (s *source) look(t *testing.T, set *KeySet, when, kid string, found int, want error, asked int32) {
	t.Helper()
	keys, err := set.matching(t.Context(), kid, "EdDSA")
	if got := s.asked.Swap(0); len(keys) != found || !errors.Is(err, want) || got != asked {
		t.Errorf("%s: %d keys, %v after %d requests; want %d, %v after %d", when, len(keys), err, got, found, want, asked)
	}
}

// TestFreshness: when keys are fetched again, and how long they count if that fails.
func TestFreshness(t *testing.T) {
	t.Parallel()
	body := published(edJWK("ed", private().ed))
	synctest.Test(t, func(t *testing.T) {
		s := &source{body: body}
		set := s.keys()
		s.look(t, set, "cold", "ed", 1, nil, 1)
		time.Sleep(10*time.Minute - time.Nanosecond)
		s.look(t, set, "fresh", "ed", 1, nil, 0)
		time.Sleep(time.Nanosecond)
		s.look(t, set, "old", "ed", 1, nil, 1)
		s.down = true
		time.Sleep(10*time.Minute - time.Nanosecond)
		s.look(t, set, "fresh, and the source is down", "ed", 1, nil, 0)
		last := time.Now().Add(time.Nanosecond - 10*time.Minute)
		time.Sleep(time.Nanosecond)
		s.look(t, set, "old, and the source is down", "ed", 1, nil, 2)
		time.Sleep(time.Minute - time.Nanosecond)
		s.look(t, set, "a minute has not passed", "ed", 1, nil, 0)
		time.Sleep(time.Nanosecond)
		s.look(t, set, "a minute has passed", "ed", 1, nil, 2)
		time.Sleep(time.Until(last.Add(24*time.Hour - time.Second)))
		s.look(t, set, "a day has not passed", "ed", 1, nil, 2)
		time.Sleep(time.Until(last.Add(24 * time.Hour)))
		s.look(t, set, "a day has passed", "ed", 0, ErrUnavailable, 0)
		time.Sleep(5 * time.Second)
		s.look(t, set, "nothing is left", "ed", 0, ErrUnavailable, 2)
		time.Sleep(5*time.Second - time.Nanosecond)
		s.look(t, set, "5 s have not passed", "ed", 0, ErrUnavailable, 0)
		s.down = false
		time.Sleep(time.Nanosecond)
		s.look(t, set, "it is back", "ed", 1, nil, 1)
	})
}

// TestRotation: a new key is found at once, and unknown ones cost one request a minute.
func TestRotation(t *testing.T) {
	t.Parallel()
	old, next := edJWK("old", private().ed), edJWK("next", private().ed)
	synctest.Test(t, func(t *testing.T) {
		s := &source{body: published(old)}
		set := s.keys()
		s.look(t, set, "cold", "next", 0, nil, 1)
		s.body = published(old, next)
		s.look(t, set, "rotated", "next", 1, nil, 1)
		flood := func(when string, want error, asked int32) {
			t.Helper()
			for n := range 100 {
				_, err := set.matching(t.Context(), strconv.Itoa(n), "EdDSA")
				if !errors.Is(err, want) || err == nil != (want == nil) {
					t.Errorf("%s: %v", when, err)
				}
			}
			s.look(t, set, when, "next", 1, nil, asked)
		}
		flood("a flood of unknown ones", nil, 0)
		time.Sleep(time.Minute)
		flood("a minute later", nil, 1)
		s.down = true
		flood("down, and not asked again yet", nil, 0)
		time.Sleep(time.Minute)
		flood("down", ErrUnavailable, 2)
		time.Sleep(time.Minute - time.Second)
		flood("down, and failures count", ErrUnavailable, 0)
		s.down, s.body = false, published(next)
		time.Sleep(time.Second)
		s.look(t, set, "back", "unknown", 0, nil, 1)
		s.look(t, set, "the old key is gone", "old", 0, nil, 0)
		s.body = `{"keys":null}`
		time.Sleep(10 * time.Minute)
		s.look(t, set, "an answer that is no set leaves the keys", "next", 1, nil, 2)
		s.body = `{"keys":[]}`
		time.Sleep(time.Minute)
		s.look(t, set, "all keys are taken back", "next", 0, ErrNoKey, 1)
		s.look(t, set, "not asked again at once", "next", 0, ErrNoKey, 0)
		s.body = published(next)
		time.Sleep(5 * time.Second)
		s.look(t, set, "a key again", "next", 1, nil, 1)
	})
}

// TestWithoutKid: the one key of the algorithm, if there is no doubt; no search for others.
func TestWithoutKid(t *testing.T) {
	t.Parallel()
	one, two := edJWK("one", private().ed), edJWK("two", private().ed)
	synctest.Test(t, func(t *testing.T) {
		s := &source{body: published(one, ecJWK("ec", &private().ec.PublicKey))}
		set := s.keys()
		s.look(t, set, "one", "", 1, nil, 1)
		s.body = published(one, two)
		time.Sleep(10 * time.Minute)
		s.look(t, set, "two", "", 0, nil, 1)
		s.look(t, set, "two, again", "", 0, nil, 0)
	})
}

// TestColdStart: however many need the keys, one fetches them.
func TestColdStart(t *testing.T) {
	t.Parallel()
	body := published(edJWK("ed", private().ed))
	for name, c := range map[string]struct {
		source *source
		err    error
		asked  int32
	}{
		"up":      {&source{body: body, takes: time.Second}, nil, 1},
		"down":    {&source{down: true, takes: time.Second}, ErrUnavailable, 2},
		"hanging": {&source{takes: time.Hour}, ErrUnavailable, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			set, start := c.source.keys(), time.Now()
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					found, err := set.matching(t.Context(), "ed", "EdDSA")
					if !errors.Is(err, c.err) || (len(found) == 1) != (c.err == nil) {
						t.Errorf("%s: %v, %v", name, found, err)
					}
				})
			}
			all.Wait()
			if took := time.Since(start); c.source.asked.Load() != c.asked || took > 7*time.Second {
				t.Errorf("%s: %d requests in %v", name, c.source.asked.Load(), took)
			}
		})
	}
}

// TestImpatience: nobody waits longer than his own request, whose end costs no others.
func TestImpatience(t *testing.T) {
	t.Parallel()
	body := published(edJWK("ed", private().ed))
	synctest.Test(t, func(t *testing.T) {
		s := &source{body: body, takes: 2 * time.Second}
		set, start := s.keys(), time.Now()
		within := func(limit time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := set.matching(ctx, "ed", "EdDSA")
			return err
		}
		var all sync.WaitGroup
		all.Go(func() {
			if err := within(time.Second); err != nil { // who fetches stays until that is done
				t.Errorf("the first one: %v", err)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if err := within(1500 * time.Millisecond); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("one who waits: %v", err)
			}
			if took := time.Since(start); took != 1500*time.Millisecond {
				t.Errorf("one who waits: after %v", took)
			}
		})
		all.Go(func() {
			if err := within(time.Minute); err != nil {
				t.Errorf("one with time: %v", err)
			}
		})
		all.Wait()
		if took := time.Since(start); took != 2*time.Second || s.asked.Load() != 1 {
			t.Errorf("%d requests in %v", s.asked.Load(), took)
		}
	})
}

// TestKnownKeysDoNotWait: a search for an unknown key holds up nobody else.
func TestKnownKeysDoNotWait(t *testing.T) {
	t.Parallel()
	body := published(edJWK("ed", private().ed))
	synctest.Test(t, func(t *testing.T) {
		s := &source{body: body}
		set := s.keys()
		s.look(t, set, "cold", "ed", 1, nil, 1)
		s.takes = time.Second
		var search sync.WaitGroup
		search.Go(func() { _, _ = set.matching(t.Context(), "unknown", "EdDSA") })
		synctest.Wait()
		start := time.Now()
		s.look(t, set, "meanwhile", "ed", 1, nil, 1)
		if took := time.Since(start); took != 0 {
			t.Errorf("it waited for %v", took)
		}
		search.Wait()
	})
}

// TestClockSetBack: keys are never fresh for longer because a clock was wrong.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	now := noon
	i := newIssuer(t, allKeys())
	set := NewKeySet(i.URL, func() time.Time { return now })
	for _, step := range []struct {
		by    time.Duration
		asked int32
	}{{0, 1}, {time.Minute, 0}, {-time.Hour, 1}, {time.Minute, 0}, {30 * time.Hour, 1}} {
		now = now.Add(step.by)
		if _, err := set.matching(t.Context(), "ed", "EdDSA"); err != nil {
			t.Error(err)
		}
		i.expect(t, step.asked, step.by.String())
	}
}
