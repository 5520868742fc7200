package app

import (
	"cmp"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

// checkBatch checks what was leased and writes back what came of it. What was
// not begun goes back at once, unless something failed: that stays leased until
// this run is over.
func (c *Call) checkBatch(run *Renewal, meta *graph.Client, due []store.Due, full *atomic.Bool) (outage bool, err error) {
	var (
		jobs     = make([]func(), len(due))
		outcomes = make([]outcome, len(due))
	)
	ctx, cancel := c.upTo(writeTime)
	defer cancel()
	for i, connection := range due {
		jobs[i] = func() {
			if full.Load() || !c.hasTimeFor(settleTime/2) {
				return
			}
			outcomes[i] = c.checkUp(ctx, meta, connection)
			if outcomes[i].throttled {
				full.Store(true)
			}
		}
	}
	upstream.SideBySide(checksAtOnce, jobs...)
	if suspicious(outcomes) {
		c.Note("suspicious", "Meta refused most of a batch without a reason: nothing was marked, look at Meta's status and at the app")
		for i := range outcomes {
			outcomes[i].doubt()
		}
	}

	var (
		results []store.Checkup
		tally   failures
		left    = map[uuid.UUID]bool{}
	)
	for i, o := range outcomes {
		if !o.begun {
			left[due[i].LeaseID] = true
			continue
		}
		if o.err != nil {
			tally.add(o.err)
		}
		if o.err == nil || !o.result.Renewed.Empty() {
			results = append(results, o.result)
		}
		run.add(o)
	}
	tally.note(c)
	if err := c.settle(results); err != nil {
		return false, err
	}
	if tally.count == 0 {
		for lease := range left {
			if err := c.Store.Release(c.R.Context(), lease); err != nil {
				c.Note("not_released", err.Error())
			}
		}
	}
	return tally.passing > 0 && tally.passing == len(due), nil
}

// settle writes the results back. Where the database refuses them one of them
// may be to blame: then one at a time.
func (c *Call) settle(results []store.Checkup) error {
	if len(results) == 0 {
		return nil
	}
	_, err := c.Store.Settle(c.R.Context(), results)
	var refused *store.Error
	if !errors.As(err, &refused) || refused.Status < 400 || refused.Status >= 500 || refused.Status == http.StatusUnauthorized || len(results) == 1 {
		return err
	}
	for _, result := range results {
		if _, err := c.Store.Settle(c.R.Context(), []store.Checkup{result}); err != nil {
			c.Note("not_settled", err.Error())
		}
	}
	return nil
}

// suspicious tells whether a batch looks like an incident of Meta's rather than
// of the people: most people of it refused, without a reason. Marking it would
// stop everybody's connections for good. One person may have many accounts.
func suspicious(outcomes []outcome) bool {
	begun, unexplained := map[string]bool{}, map[string]bool{}
	for _, o := range outcomes {
		person := cmp.Or(o.result.FacebookUserID, o.result.InstagramID)
		if o.begun {
			begun[person] = true
		}
		if o.unexplained {
			unexplained[person] = true
		}
	}
	return len(begun) >= 10 && len(unexplained) > len(begun)/2
}

// doubt takes a verdict back that Meta gave no reason for.
func (o *outcome) doubt() {
	if o.unexplained {
		o.err, o.unexplained = errNoVerdict, false
		o.result.Checked, o.result.Status, o.result.Reason = false, "", ""
	}
}

// failures counts what may pass, and keeps a few messages for the log.
type failures struct {
	count    int
	passing  int // those of Meta as a whole
	messages []string
}

func (f *failures) add(err error) {
	f.count++
	var ofMeta *graph.Error
	if errors.As(err, &ofMeta) && (ofMeta.Class == graph.Unavailable || ofMeta.Class == graph.BadApp) {
		f.passing++
	}
	if len(f.messages) < 3 {
		f.messages = append(f.messages, err.Error())
	}
}

func (f *failures) note(c *Call) {
	if f.count > 0 {
		c.Note("failed", map[string]any{"count": f.count, "first": f.messages})
	}
}
