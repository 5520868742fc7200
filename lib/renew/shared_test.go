package renew

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// What was found for a token is remembered for those who come together or soon after, be it a failure, and
// forgotten in the end. Whose time is up does not wait for somebody else's call.
func TestMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m memory[int]
		calls, refused := 0, errors.New("refused")
		look := func(ctx context.Context, token string) error {
			value, err := m.once(ctx, secret.New(token), func() (int, error) {
				calls++
				time.Sleep(time.Second)
				return calls, refused
			})
			if err == refused && value == 0 {
				t.Errorf("%s: the value of a call is lost", token)
			}
			return err
		}
		var group upstream.Group
		for range 5 {
			group.Go(func() {
				if err := look(t.Context(), "a"); err != refused {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := look(hurried, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without time: %v", err)
		}
		group.Wait()
		if calls != 1 {
			t.Errorf("%d calls for five who share a token", calls)
		}
		for i := range 3 * rememberedTokens {
			_ = look(t.Context(), fmt.Sprint(i))
		}
		if calls != 1+3*rememberedTokens || len(m.now)+len(m.older) > 2*rememberedTokens {
			t.Errorf("%d calls, %d remembered", calls, len(m.now)+len(m.older))
		}
		if _ = look(t.Context(), "a"); calls != 2+3*rememberedTokens {
			t.Error("the first is remembered for ever")
		}
	})
}

// Who waits for a call that panics is not left waiting.
func TestMemoryOfPanic(t *testing.T) {
	t.Parallel()
	var m memory[int]
	func() {
		defer func() { _ = recover() }()
		_, _ = m.once(t.Context(), secret.New("a"), func() (int, error) { panic("a bug") })
	}()
	if _, err := m.once(t.Context(), secret.New("a"), func() (int, error) { return 1, nil }); err == nil {
		t.Error("a call that broke passes for one that went well")
	}
}
