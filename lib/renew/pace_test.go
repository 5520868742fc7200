package renew

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The pace grows with what goes well, up to its end, and is halved at once for what does not, but only
// once for what began before it was.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, begun := newPace(), time.Now()
		want := func(what string, n int) {
			t.Helper()
			if got := len(p.free); got != n || p.limit != n || p.owed != 0 {
				t.Errorf("%s: room for %d, limit %d, %d owed, want %d", what, got, p.limit, p.owed, n)
			}
		}
		want("at first", checksAtFirst)
		for range 100 {
			p.faster()
		}
		want("all went well", checksAtMost)
		for range 3 {
			p.slower(begun)
		}
		want("three signs of one trouble", checksAtMost/2)
		for range 10 {
			time.Sleep(time.Second)
			p.slower(time.Now())
		}
		want("trouble without end", checksAtLeast)
	})
}

// What is under way when the pace is halved ends, and is not replaced before there is room.
func TestPaceWhileBusy(t *testing.T) {
	t.Parallel()
	p := newPace()
	for range checksAtFirst {
		p.enter(t.Context())
	}
	p.slower(time.Now())
	for range checksAtFirst / 2 {
		p.leave()
	}
	if got := len(p.free); got != 0 {
		t.Errorf("room for %d with as many under way as there may be", got)
	}
	p.leave()
	if got := len(p.free); got != 1 {
		t.Errorf("room for %d, want 1", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.enter(ctx)
	cancel()
	if p.enter(ctx) {
		t.Error("entered without room")
	}
}
