package renew

import (
	"context"
	"sync"
	"time"
)

const (
	checksAtFirst = 8
	checksAtMost  = 64
	checksAtLeast = 4
	slowDatabase  = time.Second // for a claim or a settlement
)

// pace says how many checks may be under way at once. It grows with each that goes
// well, and is halved where Meta or the database need longer than they should.
type pace struct {
	free  chan struct{} // as many as may begin now
	mutex sync.Mutex
	limit int       // how many there may be
	owed  int       // how many more there are, to be taken away as they end
	cut   time.Time // when it was halved; what began before says nothing new
}

func newPace() *pace {
	p := &pace{free: make(chan struct{}, checksAtMost), limit: checksAtFirst}
	for range checksAtFirst {
		p.free <- struct{}{}
	}
	return p
}

// enter waits until one more check may begin, and reports false where the context
// ended before. Who has entered leaves.
func (p *pace) enter(ctx context.Context) bool {
	select {
	case <-p.free:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *pace) leave() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.owed > 0 {
		p.owed--
		return
	}
	p.free <- struct{}{}
}

func (p *pace) faster() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch {
	case p.limit == checksAtMost:
		return
	case p.owed > 0:
		p.owed--
	default:
		p.free <- struct{}{}
	}
	p.limit++
}

// slower halves the pace, for something that began at that time.
func (p *pace) slower(begun time.Time) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !begun.After(p.cut) {
		return
	}
	half := max(p.limit/2, checksAtLeast)
	p.owed += p.limit - half
	p.limit, p.cut = half, time.Now()
	for p.owed > 0 {
		select {
		case <-p.free:
			p.owed--
		default:
			return
		}
	}
}

// waitedForDatabase tells of a call that began at that time and is over.
func (p *pace) waitedForDatabase(begun time.Time) {
	if time.Since(begun) > slowDatabase {
		p.slower(begun)
	}
}
