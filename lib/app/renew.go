package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	checksAtOnce = 8
	checkBatch   = 40
	checkLease   = 2 * time.Minute  // longer than a run: what failed is not tried again in it
	settleTime   = 15 * time.Second // before the end of the run nothing new is claimed
	writeTime    = 5 * time.Second  // before the end of the run all checks are over, to write them back
	fullUsage    = 90               // percent of Meta's limits
)

// Renewal is what one run came to.
type Renewal struct {
	Checked   int `json:"checked"`   // looked at to the end
	Renewed   int `json:"renewed"`   // got a new token
	Reconnect int `json:"reconnect"` // need their person
	Failed    int `json:"failed"`    // for a reason that may pass: still due
	Remaining int `json:"remaining"` // due when the run ended
}

// ByOperator fails without the secret of the cron job and the operator. An
// empty secret opens nothing.
func (c *Call) ByOperator() error {
	sent, ok := c.bearer()
	if !ok || !c.Config.CronSecret.Equal(sent.Reveal()) {
		return Fail(Unauthorized, errors.New("the cron secret differs"))
	}
	return nil
}

// Renew checks what is due, those that end soonest first, until nothing is
// left, Meta asks to slow down, or the time is over.
func (c *Call) Renew() (Renewal, error) {
	var (
		run  Renewal
		full atomic.Bool // Meta's limits
		meta = *c.Graph
		seen = map[string]bool{}
	)
	meta.Seen = func(header http.Header) {
		if graph.Usage(header) > fullUsage {
			full.Store(true)
		}
	}
	for !full.Load() && c.hasTimeFor(settleTime) {
		due, err := c.Store.ClaimDue(c.R.Context(), checkBatch, checkLease)
		if err != nil {
			return run, err
		}
		if len(due) == 0 {
			break
		}
		outage, err := c.checkBatch(&run, &meta, unseen(due, seen), &full)
		if err != nil {
			return run, err
		}
		if outage {
			break
		}
	}
	remaining, err := c.Store.CountDue(c.R.Context())
	run.Remaining = remaining
	if full.Load() {
		c.Note("throttled", true)
	}
	return run, err
}

// unseen are those that this run has not tried yet. A row whose new token was
// kept and then something failed is due again at once: for the next run.
func unseen(due []store.Due, seen map[string]bool) []store.Due {
	var first []store.Due
	for _, d := range due {
		if key := d.UserID.String() + "/" + d.InstagramID; !seen[key] {
			seen[key] = true
			first = append(first, d)
		}
	}
	return first
}

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
	return outage || tally.passing > 0 && tally.passing == len(due), nil
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

func (r *Renewal) add(o outcome) {
	if o.err != nil {
		r.Failed++
	} else {
		r.Checked++
	}
	if !o.result.Renewed.Empty() {
		r.Renewed++
	}
	if o.result.Status == statusReconnect {
		r.Reconnect++
	}
}

// hasTimeFor tells whether that much time is left before the request's limit.
func (c *Call) hasTimeFor(needed time.Duration) bool {
	deadline, ok := c.R.Context().Deadline()
	return !ok || time.Until(deadline) > needed
}

// upTo is the request's context, ended that long before the request's limit.
func (c *Call) upTo(left time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := c.R.Context().Deadline()
	if !ok {
		return context.WithCancel(c.R.Context())
	}
	return context.WithDeadline(c.R.Context(), deadline.Add(-left))
}
