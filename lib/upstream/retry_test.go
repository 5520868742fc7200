package upstream

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetry(t *testing.T) {
	t.Parallel()
	passing, final := errors.New("passing"), errors.New("final")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		results []error
		calls   int
		want    error
	}{
		{"at once", context.Background(), []error{nil}, 1, nil},
		{"at the second try", context.Background(), []error{passing, nil}, 2, nil},
		{"at the third try", context.Background(), []error{passing, passing, nil}, 3, nil},
		{"never", context.Background(), []error{passing, passing, passing, nil}, 3, passing},
		{"final", context.Background(), []error{final, nil}, 1, final},
		{"passing, then final", context.Background(), []error{passing, final, nil}, 2, final},
		{"no time left", canceled, []error{passing, nil}, 1, passing},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // whose clock skips the pauses
				calls := 0
				err := Retry(c.ctx, func() error { calls++; return c.results[calls-1] },
					func(err error) bool { return errors.Is(err, passing) })
				if err != c.want || calls != c.calls {
					t.Errorf("%v after %d calls, want %v after %d", err, calls, c.want, c.calls)
				}
			})
		})
	}
}

// TestPauses: on the clock of synctest they have exact lengths.
func TestPauses(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var at []time.Time
			try := func() error { at = append(at, time.Now()); return errors.New("passing") }
			_ = Retry(t.Context(), try, func(error) bool { return true })
			first, second := at[1].Sub(at[0]), at[2].Sub(at[1])
			if first < 50*time.Millisecond || first >= 150*time.Millisecond {
				t.Errorf("first pause %v", first)
			}
			if second < 150*time.Millisecond || second >= 450*time.Millisecond {
				t.Errorf("second pause %v", second)
			}
			seen[first] = true
		})
	}
	if len(seen) == 1 {
		t.Error("no jitter: clients that fail together come back together")
	}
}

// TestPauseEnds: a pause is never longer than the caller's time, and no try
// follows it.
func TestPauseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		start, calls, passing := time.Now(), 0, errors.New("passing")
		err := Retry(ctx, func() error { calls++; return passing }, func(error) bool { return true })
		if took := time.Since(start); took != 30*time.Millisecond || calls != 1 || err != passing {
			t.Errorf("%v after %d calls in %v", err, calls, took)
		}
	})
}
