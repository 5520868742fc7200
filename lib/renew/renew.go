// Package renew is the daily job: claim what is due, inspect its token, extend
// it near its end, repair the subscription, write back. It knows neither HTTP
// nor pages. Start at [Service.Run].
package renew

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/secret"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	checkBatch  = 100              // the most that a claim hands out
	checkLease  = 2 * time.Minute  // longer than a run
	releaseTime = 3 * time.Second  // to give back what is leased, also after the context's end
	settleTime  = 10 * time.Second // before the end of the run nothing new is claimed
	writeTime   = 5 * time.Second  // before the end of the run all checks are over, to write them back
	fullUsage   = 90               // percent of the app's limit at Meta: the run ends
	highUsage   = 75               // percent of it: fewer checks at once
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
	AskMeta        func(context.Context) error // about the app itself, which needs nobody's token; a *[graph.Error]
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

// Run checks what is due, in the order of claim_due_connections(), and writes what
// came of it to the database, until nothing is left, Meta asks to slow down or does
// not answer, or the context's deadline is near. The error is an *[store.Error].
func (s *Service) Run(ctx context.Context) (Result, error) {
	s.deleteRemoved(ctx)
	r := &run{Service: *s, lease: uuid.New(), pace: newPace(), pulse: &pulse{ask: s.AskMeta}}
	r.Provider = shared(s.Provider, r.pulse)
	defer r.release(ctx)
	r.work(ctx)
	r.failures.note(ctx)
	if r.err != nil {
		return r.result, r.err
	}
	var err error
	r.result.Remaining, err = s.Store.CountDue(ctx)
	return r.result, err
}

// run is one run. While some connections are checked the next are claimed and those
// before written back.
type run struct {
	Service
	lease uuid.UUID // of all claims, also of one whose answer is lost
	pace  *pace
	pulse *pulse
	over  atomic.Bool // nothing more is begun

	mutex    sync.Mutex
	result   Result
	failures failures
	err      error // the database's
}

func (r *run) work(ctx context.Context) {
	checking, cancel := upstream.EndingEarly(graph.Observe(ctx, func(answer graph.Answer) { r.heard(ctx, answer) }), writeTime)
	defer cancel()
	var group upstream.Group
	batches := make(chan []store.Due)
	group.Go(func() { r.claim(ctx, batches) })
	for due := range batches {
		checked := r.begin(checking, due)
		group.Go(func() { r.writeBack(ctx, checked()) })
	}
	group.Wait()
}

// claim leases what is due, batch by batch, until there is no more, or nothing comes
// that this run has not tried: what failed is for the next one.
func (r *run) claim(ctx context.Context, batches chan<- []store.Due) {
	defer close(batches)
	seen := map[string]bool{}
	for !r.over.Load() && hasTimeFor(ctx, settleTime) {
		begun := time.Now()
		due, err := r.Store.ClaimDue(ctx, r.lease, checkBatch, checkLease)
		r.pace.waitedForDatabase(begun)
		if err != nil {
			r.fail(err)
			return
		}
		all := len(due) < checkBatch
		if due = unseen(due, seen); len(due) == 0 {
			return
		}
		if batches <- due; all {
			return
		}
	}
}

// unseen are those that this run has not tried yet.
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

// heard slows down or ends the run as Meta's limit of the app asks for.
func (r *run) heard(ctx context.Context, answer graph.Answer) {
	switch {
	case answer.Usage > fullUsage:
		r.end(ctx, "throttled", true)
	case answer.Usage > highUsage:
		r.pace.slower(time.Now())
	}
}

// end lets nothing more be begun, and notes why.
func (r *run) end(ctx context.Context, name string, why any) {
	if !r.over.Swap(true) {
		note.Add(ctx, name, why)
	}
}

// fail ends the run for an error of the database.
func (r *run) fail(err error) {
	r.over.Store(true)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// release gives back what the run has leased and not settled, however it ends, so
// that the next run finds it at once. A run that is killed gives back nothing:
// its leases end by themselves.
func (r *run) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err := r.Store.Release(ctx, r.lease); err != nil {
		note.Add(ctx, "not_released", err.Error())
	}
}

// hasTimeFor reports whether that much time is left before the context's
// deadline.
func hasTimeFor(ctx context.Context, needed time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || time.Until(deadline) > needed
}
