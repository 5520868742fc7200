package renew

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

// checkBatch checks what was leased and writes back what came of it. What failed
// or was not begun stays leased until this run is over. It reports whether the
// batch met an outage.
func (s *Service) checkBatch(ctx context.Context, run *Result, due []store.Due, full *atomic.Bool) (outage bool, err error) {
	var (
		jobs     = make([]func(), len(due))
		outcomes = make([]outcome, len(due))
	)
	checking, cancel := upstream.EndingEarly(ctx, writeTime)
	defer cancel()
	for i, connection := range due {
		jobs[i] = func() {
			if full.Load() || !hasTimeFor(ctx, settleTime/2) {
				return
			}
			outcomes[i] = s.check(checking, connection)
			if outcomes[i].throttled {
				full.Store(true)
			}
		}
	}
	upstream.SideBySide(checksAtOnce, jobs...)
	if suspicious(outcomes) {
		note.Add(ctx, "suspicious", "Meta refused most of a batch without a reason: nothing was marked, look at Meta's status and at the app")
		for i := range outcomes {
			outcomes[i].takeBack()
		}
	}

	var (
		results []store.Checkup
		failed  []error
	)
	for _, o := range outcomes {
		if !o.begun {
			continue
		}
		if o.err != nil {
			failed = append(failed, o.err)
		}
		if o.err == nil || !o.checkup.Renewed.Empty() || o.checkup.Person != "" {
			results = append(results, o.checkup)
		}
		run.add(o)
	}
	outages := noteFailures(ctx, failed)
	if err := s.settle(ctx, results); err != nil {
		return false, err
	}
	return outages > 0 && outages == len(due), nil
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

// noteFailures notes how many checks failed for a reason that may pass, with the
// first messages, and returns how many failed for Meta as a whole.
func noteFailures(ctx context.Context, failed []error) (outages int) {
	var first []string
	for _, err := range failed {
		if class := graph.ClassOf(err); class == graph.Unavailable || class == graph.BadApp {
			outages++
		}
		if len(first) < 3 {
			first = append(first, err.Error())
		}
	}
	if len(failed) > 0 {
		note.Add(ctx, "failed", map[string]any{"count": len(failed), "first": first})
	}
	return outages
}
