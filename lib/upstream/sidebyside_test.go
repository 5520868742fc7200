package upstream

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSideBySide(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{1: 6 * time.Second, 2: 3 * time.Second, 4: 2 * time.Second, 9: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var done atomic.Int32
			jobs := make([]func(), 6)
			for i := range jobs {
				jobs[i] = func() { time.Sleep(time.Second); done.Add(1) }
			}
			start := time.Now()
			SideBySide(n, jobs...)
			if took := time.Since(start); took != want || done.Load() != 6 {
				t.Errorf("%d at a time: %v, %d done", n, took, done.Load())
			}
		})
	}
	SideBySide(3) // no jobs
}

func TestSideBySidePanics(t *testing.T) {
	t.Parallel()
	finished := false
	defer func() {
		if v := recover(); v != "broken" || !finished {
			t.Errorf("recovered %v, the other job finished: %v", v, finished)
		}
	}()
	SideBySide(2, func() { panic("broken") }, func() { time.Sleep(10 * time.Millisecond); finished = true })
	t.Error("no panic")
}
