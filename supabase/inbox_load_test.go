package supabase_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestInboxLoad has 8 senders, a fifth of the deliveries sent twice at once, 16 workers and two that are
// killed with what they claimed: at the end each event was handled and finished exactly once, in the
// order of its conversation.
func TestInboxLoad(t *testing.T) {
	l := &load{inbox: newInbox(t, onPostgres(t)), senders: 8, deliveries: 25, size: 20, conversations: 10}
	begin := time.Now()
	l.run(t)
	t.Logf("%d events in %s", l.total(), time.Since(begin))

	if diff := cmp.Diff(l.want(), l.handled); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	if n := l.finished.Load(); n != int64(l.total()) {
		t.Errorf("finished %d events, want %d", n, l.total())
	}
	left := l.sql(t, "select id from public.instagram_events where finished_at is null")
	if len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	l.wantConsistentInbox(t)
}

// load is a run of senders and workers on an inbox.
type load struct {
	*inbox
	senders       int // how many, each with its own conversations
	deliveries    int // of each sender
	size          int // events of a delivery
	conversations int // of each sender

	finished atomic.Int64
	mu       sync.Mutex
	handled  map[string][]string // ids by conversation, in the order in which workers came to them
}

func (l *load) total() int { return l.senders * l.deliveries * l.size }

// delivery returns the events of a delivery, which belong to its sender's conversations by turns.
func (l *load) delivery(sender, number int) []object {
	events := make([]object, l.size)
	for i := range events {
		n := number*l.size + i
		at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
		events[i] = l.event(fmt.Sprintf("%02d-%05d", sender, n), fmt.Sprintf("%02d-%02d", sender, n%l.conversations), 0)
		events[i]["occurred_at"] = at
	}
	return events
}

// want is what handled has to be.
func (l *load) want() map[string][]string {
	want := map[string][]string{}
	for sender := range l.senders {
		for number := range l.deliveries {
			for _, event := range l.delivery(sender, number) {
				conversation := l.account + "/" + event["counterpart"].(string)
				want[conversation] = append(want[conversation], l.id(event["key"].(string)))
			}
		}
	}
	return want
}

func (l *load) run(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	l.handled = map[string][]string{}
	var wg sync.WaitGroup
	run := func(times int, actor func(context.Context, int) error) {
		for i := range times {
			wg.Go(func() {
				if err := actor(ctx, i); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
					cancel()
				}
			})
		}
	}
	run(l.senders, l.send)
	run(2, l.killedWithSome)
	run(16, l.work)
	wg.Wait()
}

// send sends a sender's deliveries one after the other, as the order in a conversation asks, and a fifth
// of them twice at once, the second time the other way round.
func (l *load) send(ctx context.Context, sender int) error {
	for number := range l.deliveries {
		var wg sync.WaitGroup
		var added [2]int
		var errs [2]error
		times := 1
		if number%5 == 0 {
			times = 2
		}
		for i := range times {
			events := l.delivery(sender, number)
			if i == 1 {
				slices.Reverse(events)
			}
			wg.Go(func() {
				errs[i] = l.call(ctx, "ingest_instagram_events", object{"events": events}, &added[i])
			})
		}
		wg.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		if added[0]+added[1] != l.size {
			return fmt.Errorf("sender %d: %v of delivery %d were new", sender, added, number)
		}
	}
	return nil
}

// killedWithSome claims until it has something, and is killed.
func (l *load) killedWithSome(ctx context.Context, _ int) error {
	for {
		var rows []claimed
		err := l.call(ctx, "claim_instagram_events", object{"p_limit": 30, "p_lease": "1 second"}, &rows)
		if err != nil || len(rows) > 0 {
			return err
		}
		pause(ctx)
	}
}

// work claims, handles and finishes until all is finished. Its lease is so long that it does not run out.
func (l *load) work(ctx context.Context, _ int) error {
	for l.finished.Load() < int64(l.total()) {
		var rows []claimed
		err := l.call(ctx, "claim_instagram_events", object{"p_limit": 1 + rand.IntN(40), "p_lease": "10 minutes"}, &rows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			pause(ctx)
			continue
		}
		ids := []string{}
		for _, row := range rows {
			l.mu.Lock()
			l.handled[row.Conversation] = append(l.handled[row.Conversation], row.ID)
			l.mu.Unlock()
			ids = append(ids, row.ID)
		}
		var n int
		if err := l.call(ctx, "finish_instagram_events", object{"ids": ids}, &n); err != nil {
			return err
		}
		if n != len(ids) {
			return fmt.Errorf("finished %d of %d", n, len(ids))
		}
		l.finished.Add(int64(n))
	}
	return nil
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}
