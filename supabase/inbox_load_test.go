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
)

// TestInboxLoad has 8 senders, a fifth of the deliveries sent twice at once, 16 workers and two that are
// killed with what they claimed: at the end each event was handled and finished exactly once, in the
// order of its conversation.
func TestInboxLoad(t *testing.T) {
	l := &load{inbox: newInbox(t, onPostgres(t)), handled: map[string][]string{}}
	begin := time.Now()
	l.run(t)
	t.Logf("%d events in %s", total, time.Since(begin))

	wantEqual(t, "handled", l.want(), l.handled)
	wantEqual(t, "finished", int64(total), l.finished.Load())
	wantEqual(t, "left", []object{}, l.sql(t, "select id from public.instagram_events where finished_at is null"))
	l.wantConsistentInbox(t)
}

const (
	senders       = 8  // each with its own conversations
	deliveries    = 25 // of each sender
	size          = 20 // events of a delivery
	conversations = 10 // of each sender
	total         = senders * deliveries * size
)

// load is a run of senders and workers on an inbox.
type load struct {
	*inbox
	finished atomic.Int64
	mu       sync.Mutex
	handled  map[string][]string // ids by conversation, in the order in which workers came to them
}

// delivery returns the events of a delivery, which belong to its sender's conversations by turns.
func (l *load) delivery(sender, number int) []object {
	events := make([]object, size)
	for i := range events {
		n := number*size + i
		events[i] = l.event(fmt.Sprintf("%02d-%05d", sender, n), fmt.Sprintf("%02d-%02d", sender, n%conversations), 0)
		events[i]["occurred_at"] = time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
	}
	return events
}

// want is what handled has to be.
func (l *load) want() map[string][]string {
	want := map[string][]string{}
	for sender := range senders {
		for number := range deliveries {
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
	run(senders, l.send)
	run(2, l.killedWithSome)
	run(16, l.work)
	wg.Wait()
}

// send sends a sender's deliveries one after the other, as the order in a conversation asks, and a fifth
// of them twice at once, the second time the other way round.
func (l *load) send(ctx context.Context, sender int) error {
	for number := range deliveries {
		var wg sync.WaitGroup
		var added, addedAgain int
		var err, errAgain error
		deliver := func(events []object, added *int, err *error) {
			wg.Go(func() { *err = l.call(ctx, "ingest_instagram_events", object{"events": events}, added) })
		}
		deliver(l.delivery(sender, number), &added, &err)
		if number%5 == 0 {
			reversed := l.delivery(sender, number)
			slices.Reverse(reversed)
			deliver(reversed, &addedAgain, &errAgain)
		}
		wg.Wait()
		if err := errors.Join(err, errAgain); err != nil || added+addedAgain != size {
			return fmt.Errorf("sender %d: %d and %d of delivery %d were new: %w", sender, added, addedAgain, number, err)
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
	for l.finished.Load() < int64(total) {
		var rows []claimed
		err := l.call(ctx, "claim_instagram_events", object{"p_limit": 1 + rand.IntN(40), "p_lease": "10 minutes"}, &rows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			pause(ctx)
			continue
		}
		l.mu.Lock()
		for _, row := range rows {
			l.handled[row.Conversation] = append(l.handled[row.Conversation], row.ID)
		}
		l.mu.Unlock()
		var n int
		if err := l.call(ctx, "finish_instagram_events", object{"ids": idsOf(rows)}, &n); err != nil || n != len(rows) {
			return fmt.Errorf("finished %d of %d: %w", n, len(rows), err)
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
