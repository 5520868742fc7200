package renew

import (
	"context"
	"sync"
	"time"

	"igconnect/lib/graph"
)

// askLimit is how long Meta has to answer a question about the app.
const askLimit = 5 * time.Second

// pulse tells an outage of Meta's from the bad luck of some connections: it knows
// when Meta last answered for the app, and asks where that is too long ago.
type pulse struct {
	ask    func(context.Context) error
	asking sync.Mutex // one at a time, for all who want to know

	mutex  sync.Mutex
	last   time.Time
	outage error // once there is one, nobody asks again
}

// answered notes that Meta answers.
func (p *pulse) answered() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.last = time.Now()
}

// known reports what is known since a time.
func (p *pulse) known(since time.Time) (answered bool, outage error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.outage == nil && !p.last.Before(since), p.outage
}

// since returns nil where Meta has answered for the app since that time, or does so
// now; else why not: an outage, or the app is blocked, misconfigured or at its limit.
func (p *pulse) since(ctx context.Context, since time.Time) error {
	if answered, outage := p.known(since); answered || outage != nil {
		return outage
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	if answered, outage := p.known(since); answered || outage != nil {
		return outage
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	err := p.ask(ctx)
	switch graph.ClassOf(err) {
	case graph.Unavailable, graph.BadApp, graph.Throttled:
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.outage = err
		return err
	}
	p.answered() // be it with a refusal of this question
	return nil
}
