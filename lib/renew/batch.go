package renew

import (
	"cmp"
	"context"
	"errors"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	// patience is how long a check keeps others from theirs, where Meta answers for
	// the app: one that takes longer costs nobody's time but its own.
	patience = 3 * time.Second
	// checkTime is what a check that goes well may need.
	checkTime = 2 * time.Second
)

// begin begins to check what was leased, as fast as the pace allows. What it returns
// waits for the outcomes. What was not begun stays leased until the run is over.
func (r *run) begin(ctx context.Context, due []store.Due) (checked func() []outcome) {
	outcomes := make([]outcome, len(due))
	var checks upstream.Group
	for i, connection := range due {
		if !r.pace.enter(ctx) {
			break
		}
		if r.over.Load() || !hasTimeFor(ctx, checkTime) {
			r.pace.leave()
			break
		}
		checks.Go(func() {
			defer r.pace.leave()
			begun, done := time.Now(), make(chan struct{})
			checks.Go(func() {
				defer close(done)
				outcomes[i] = r.check(ctx, connection)
				r.judge(ctx, &outcomes[i], begun)
			})
			select {
			case <-done:
			case <-time.After(patience):
				if !r.alive(ctx, begun) {
					<-done
				}
			}
		})
	}
	return func() []outcome { checks.Wait(); return outcomes }
}

// judge decides whether a failure is the connection's own, which sets it back in the
// order: not where the app's limit is reached, Meta is down for all, or the time
// is up.
func (r *run) judge(ctx context.Context, o *outcome, begun time.Time) {
	ofMeta, _ := errors.AsType[*graph.Error](o.err)
	switch throttled := graph.ClassOf(o.err) == graph.Throttled; {
	case o.err == nil:
		r.pace.faster()
	case ctx.Err() != nil:
	case throttled && ofMeta.LimitOfOne():
		o.checkup.Failed, o.checkup.RetryAfter = true, ofMeta.RetryAfter
	case throttled:
		r.end(ctx, "throttled", true)
	case r.alive(ctx, begun):
		r.pace.slower(begun)
		o.checkup.Failed = true
	}
}

// alive reports whether Meta has answered for the app since a time, or does now. If
// not the run ends: it is an outage.
func (r *run) alive(ctx context.Context, since time.Time) bool {
	err := r.pulse.since(ctx, since)
	if err != nil {
		r.end(ctx, "outage", err.Error())
	}
	return err == nil
}

// writeBack writes what came of a batch.
func (r *run) writeBack(ctx context.Context, outcomes []outcome) {
	if suspicious(outcomes) {
		note.Add(ctx, "suspicious", "Meta refused most of a batch without a reason: nothing was marked, look at Meta's status and at the app")
		for i := range outcomes {
			outcomes[i].takeBack()
		}
	}
	var results []store.Checkup
	for _, o := range outcomes {
		if !o.begun {
			continue
		}
		if o.err == nil || o.checkup.Failed || !o.checkup.Renewed.Empty() || o.checkup.Person != "" {
			results = append(results, o.checkup)
		}
		r.count(o)
	}
	begun := time.Now()
	err := r.settle(ctx, results)
	if r.pace.waitedForDatabase(begun); err != nil {
		r.fail(err)
	}
}

func (r *run) count(o outcome) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if o.err != nil {
		r.result.Failed++
		r.failures.add(o.err)
	} else {
		r.result.Checked++
	}
	if !o.checkup.Renewed.Empty() {
		r.result.Renewed++
	}
	if o.checkup.Outcome == store.StatusReconnect {
		r.result.Reconnect++
	}
}

// settle writes the results back. Where the database refuses them one of them
// may be to blame: then one at a time.
func (s *Service) settle(ctx context.Context, results []store.Checkup) error {
	if len(results) == 0 {
		return nil
	}
	_, err := s.Store.Settle(ctx, results)
	if refused, ok := errors.AsType[*store.Error](err); !ok || !refused.Refused() || len(results) == 1 {
		return err
	}
	for _, result := range results {
		if _, err := s.Store.Settle(ctx, []store.Checkup{result}); err != nil {
			note.Add(ctx, "not_settled", err.Error())
		}
	}
	return nil
}

// suspicious reports whether a batch looks like an incident at Meta rather than
// the doing of people: most people of it refused, without a reason. Marking it
// would stop everybody's connections for good. One person may have many accounts.
func suspicious(outcomes []outcome) bool {
	begun, unexplained := map[string]bool{}, map[string]bool{}
	for _, o := range outcomes {
		person := cmp.Or(string(o.checkup.FacebookUserID), o.checkup.InstagramID)
		if o.begun && o.checkup.Status != store.StatusReconnect { // those are marked already
			begun[person] = true
		}
		if o.unexplained {
			unexplained[person] = true
		}
	}
	return len(begun) >= 10 && len(unexplained) > len(begun)/2
}

// takeBack takes a verdict back that Meta gave no reason for.
func (o *outcome) takeBack() {
	if o.unexplained {
		o.err, o.unexplained = errNoVerdict, false
		o.checkup.Done, o.checkup.Outcome, o.checkup.Reason, o.checkup.Retry = false, "", "", false
	}
}

// failures are how many checks failed for a reason that may pass, with the first
// messages.
type failures struct {
	count int
	first []string
}

func (f *failures) add(err error) {
	if f.count++; len(f.first) < 3 {
		f.first = append(f.first, err.Error())
	}
}

func (f *failures) note(ctx context.Context) {
	if f.count > 0 {
		note.Add(ctx, "failed", map[string]any{"count": f.count, "first": f.first})
	}
}
