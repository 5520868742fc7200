package upstream

import (
	"context"
	"math/rand/v2"
	"time"
)

const maxTries = 3

// Retry calls try up to three times, as long as it fails, transient says that the
// failure may pass, and ctx has time left. It pauses 50 to 150 ms before the
// second try and three times that before the third. It returns try's last
// error.
func Retry(ctx context.Context, try func() error, transient func(error) bool) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil || n == maxTries || !transient(err) || !pause(ctx, n) {
			return err
		}
	}
}

func pause(ctx context.Context, n int) bool {
	wait := time.Duration(50+rand.IntN(100)) * time.Millisecond
	if n > 1 {
		wait *= 3
	}
	select {
	case <-time.After(wait):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
