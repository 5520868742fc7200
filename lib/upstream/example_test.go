package upstream_test

import (
	"context"
	"errors"
	"fmt"

	"igconnect/lib/upstream"
)

// Two calls run at once; one of them is repeated until it succeeds.
func Example() {
	busy := errors.New("busy")
	mayPass := func(err error) bool { return errors.Is(err, busy) }
	tries := 0
	var first, second error
	upstream.SideBySide(2,
		func() {
			first = upstream.Retry(context.Background(), 3, func() error {
				if tries++; tries < 2 {
					return busy
				}
				return nil
			}, mayPass)
		},
		func() {
			second = upstream.Retry(context.Background(), 3, func() error { return errors.New("refused") }, mayPass)
		},
	)
	fmt.Println(first, "after", tries, "tries")
	fmt.Println(second)
	// Output:
	// <nil> after 2 tries
	// refused
}
