package app

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/store"
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

func (r *Renewal) add(o outcome) {
	if o.err != nil {
		r.Failed++
	} else {
		r.Checked++
	}
	if !o.result.Renewed.Empty() {
		r.Renewed++
	}
	if o.result.Status == store.StatusReconnect {
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
