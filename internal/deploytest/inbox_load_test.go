package deploytest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

const (
	loadEvents  = 20_000
	loadLimit   = 3 * time.Minute
	loadSenders = 8
	loadWorkers = 16
	loadKilled  = 2 // of the workers
)

// TestLoad sends and works off many events at once, on a PostgreSQL with many
// sessions. Each event must be finished exactly once and none be lost, in order
// within each conversation, although one delivery in five comes twice and two
// workers die. The rate is told, not judged.
func TestLoad(t *testing.T) {
	newLoad(t).run(t)
}

// BenchmarkInbox is the load of TestLoad, timed without its set-up.
func BenchmarkInbox(b *testing.B) {
	l := newLoad(b)
	for b.Loop() {
		l.run(b)
	}
	b.ReportMetric(float64(loadEvents*b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
}

// load is what the senders and the workers share.
type load struct {
	deployment
	workers *inboxClient

	mu       sync.Mutex
	handled  map[string][]int // sequence numbers in the order of handling, by conversation
	finished int
	problem  error // the first one; ends the run
}

func newLoad(t testing.TB) *load {
	t.Helper()
	lite := supalitetest.Start(t, supalite.Options{DatabaseURL: supalitetest.Postgres(t)})
	d := deployment{deploytest.New(t, deploytest.Options{Lite: lite})}
	for n := range loadSenders {
		d.SQL(`insert into public.user_configs (user_id, instagram_id, token, page_id, page_token)
			values ($1, $2, 'token', $3, 'page-token')`, d.User, deploytest.InstagramID(n), deploytest.Brand(n).ID)
	}
	return &load{deployment: d, workers: newInboxClient(lite)}
}

// run fills the inbox and drains it, side by side, and checks what came of it.
func (l *load) run(t testing.TB) {
	t.Helper()
	l.SQL("delete from public.instagram_events")
	l.SQL("delete from public.instagram_conversations")
	l.handled, l.finished = map[string][]int{}, 0
	ctx, cancel := context.WithTimeout(t.Context(), loadLimit)
	defer cancel()

	begun := time.Now()
	var senders, workers sync.WaitGroup
	for n := range loadWorkers {
		workers.Go(func() { l.stopOn(cancel, l.work(ctx, n < loadKilled)) })
	}
	for n := range loadSenders {
		senders.Go(func() { l.stopOn(cancel, l.send(ctx, n)) })
	}
	senders.Wait()
	sent := time.Since(begun)
	workers.Wait()
	worked := time.Since(begun)

	if l.problem != nil {
		t.Fatalf("after %v, with %d events finished: %v", worked, l.finished, l.problem)
	}
	t.Logf("%d events, and %d of them again: all stored after %v (%.0f a second), all finished after %v (%.0f a second)",
		loadEvents, loadEvents/5, sent.Round(time.Millisecond), loadEvents/sent.Seconds(),
		worked.Round(time.Millisecond), loadEvents/worked.Seconds())
	l.check(t)
}

// stopOn keeps the first problem and ends the run.
func (l *load) stopOn(cancel context.CancelFunc, err error) {
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.problem == nil {
		l.problem = err
	}
	cancel()
}

func (l *load) check(t testing.TB) {
	t.Helper()
	events := 0
	for conversation, sequence := range l.handled {
		events += len(sequence)
		for i, n := range sequence {
			if n != i {
				t.Errorf("%s: event %d was handled as number %d: %v", conversation, n, i, sequence)
				break
			}
		}
	}
	if conversations := loadSenders * loadConversations; len(l.handled) != conversations || events != loadEvents || l.finished != loadEvents {
		t.Errorf("%d events of %d conversations handled, %d finished; want %d of %d", events, len(l.handled), l.finished, loadEvents, conversations)
	}
	row := l.SQL(`select count(*)::int as stored, count(finished_at)::int as finished,
		count(*) filter (where attempts > 0)::int as retried,
		(select count(*)::int from public.instagram_conversations) as conversations,
		(select deadlocks::int from pg_stat_database where datname = current_database()) as deadlocks
		from public.instagram_events`)[0]
	if row["stored"] != float64(loadEvents) || row["finished"] != float64(loadEvents) || row["conversations"] != 0.0 || row["deadlocks"] != 0.0 {
		t.Errorf("in the database: %v", row)
	}
	if row["retried"] == 0.0 {
		t.Error("no event came again: nobody died")
	}
}

// note counts events as handled, by the conversation's sequence.
func (l *load) note(events []claimed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		l.handled[e.Conversation] = append(l.handled[e.Conversation], e.sequence())
	}
}

// done counts events as finished, and tells whether all are.
func (l *load) done(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finished += n
	return l.finished >= loadEvents
}

// held are the ids of events.
func held(events []claimed) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	return ids
}
