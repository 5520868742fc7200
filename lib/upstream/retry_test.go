package upstream

import (
	"context"
	"errors"
	"testing"
)

func TestRetry(t *testing.T) {
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
			calls := 0
			err := Retry(c.ctx, func() error { calls++; return c.results[calls-1] },
				func(err error) bool { return errors.Is(err, passing) })
			if err != c.want || calls != c.calls {
				t.Errorf("%v after %d calls, want %v after %d", err, calls, c.want, c.calls)
			}
		})
	}
}
