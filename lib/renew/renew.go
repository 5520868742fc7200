// Package renew is the daily job: claim what is due, inspect its token, extend
// it near its end, repair the subscription, write back. It knows neither HTTP
// nor pages. Start at [Service.Run].
package renew

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/secret"
	"igconnect/lib/store"
)

const (
	checksAtOnce = 8
	checkBatch   = 40
	checkLease   = 2 * time.Minute  // longer than a run: what failed is not tried again in it
	releaseTime  = 3 * time.Second  // to give back what is leased, also after the context's end
	settleTime   = 15 * time.Second // before the end of the run nothing new is claimed
	writeTime    = 5 * time.Second  // before the end of the run all checks are over, to write them back
	fullUsage    = 90               // percent of Meta's limits
)

// Provider is the part of connect.Provider that a check needs, with the same
// meaning.
type Provider interface {
	Inspect(ctx context.Context, token secret.String) (graph.Inspection, error)
	Extend(ctx context.Context, token secret.String) (graph.Token, error)
	Repair(ctx context.Context, person secret.String, account graph.Account, granted []string) (graph.Repair, error)
}

// Service checks the connections of a deployment. All fields must be set.
type Service struct {
	Provider       Provider
	Store          *store.Store
	RequiredScopes []string // without one of these that was granted before, a connection needs its person
	Now            func() time.Time
}

// Result is what one run came to.
type Result struct {
	Checked   int `json:"checked"`   // looked at to the end
	Renewed   int `json:"renewed"`   // got a new token
	Reconnect int `json:"reconnect"` // need their person
	Failed    int `json:"failed"`    // for a reason that may pass: still due
	Remaining int `json:"remaining"` // due when the run ended
}

// Run checks what is due, those that end soonest first, and writes what came of
// it to the database, until nothing is left, Meta asks to slow down, or the
// context's deadline is near. The error is an *[store.Error].
func (s *Service) Run(ctx context.Context) (Result, error) {
	var (
		result Result
		full   atomic.Bool // Meta's limits
		seen   = map[string]bool{}
		lease  = uuid.New() // of all claims, also of one whose answer is lost
	)
	s.deleteRemoved(ctx)
	defer s.release(ctx, lease)
	observed := graph.Observe(ctx, func(answer graph.Answer) {
		if answer.Usage > fullUsage {
			full.Store(true)
		}
	})
	for !full.Load() && hasTimeFor(ctx, settleTime) {
		due, err := s.Store.ClaimDue(ctx, lease, checkBatch, checkLease)
		if err != nil {
			return result, err
		}
		if len(due) == 0 {
			break
		}
		outage, err := s.checkBatch(observed, &result, unseen(due, seen), &full)
		if err != nil {
			return result, err
		}
		if outage {
			break
		}
	}
	remaining, err := s.Store.CountDue(ctx)
	result.Remaining = remaining
	if full.Load() {
		note.Add(ctx, "throttled", true)
	}
	return result, err
}

// release gives back what the run has leased and not settled, however it ends, so
// that the next run finds it at once. A run that is killed gives back nothing:
// its leases end by themselves.
func (s *Service) release(ctx context.Context, lease uuid.UUID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err := s.Store.Release(ctx, lease); err != nil {
		note.Add(ctx, "not_released", err.Error())
	}
}

// unseen are those that this run has not tried yet. A row whose new token was
// kept and then something failed is due again at once: for the next run.
func unseen(due []store.Due, seen map[string]bool) []store.Due {
	var first []store.Due
	for _, d := range due {
		if key := d.UserID + "/" + d.InstagramID; !seen[key] {
			seen[key] = true
			first = append(first, d)
		}
	}
	return first
}

func (r *Result) add(o outcome) {
	if o.err != nil {
		r.Failed++
	} else {
		r.Checked++
	}
	if !o.checkup.Renewed.Empty() {
		r.Renewed++
	}
	if o.checkup.Outcome == store.StatusReconnect {
		r.Reconnect++
	}
}

// hasTimeFor reports whether that much time is left before the context's
// deadline.
func hasTimeFor(ctx context.Context, needed time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > needed
}
