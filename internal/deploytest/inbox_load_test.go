package deploytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

const (
	loadEvents        = 20_000
	loadLimit         = 3 * time.Minute
	loadSenders       = 8
	loadConversations = 25 // a sender
	loadBatch         = 20 // events a delivery
	loadWorkers       = 16
	loadKilled        = 2  // of the workers
	loadClaim         = 50 // events a claim
)

// TestLoad sends and works off many events at once, on a PostgreSQL with many sessions. Each event
// must be finished exactly once and none be lost, in order within each conversation, although one
// delivery in five comes twice and two workers die. The rate is told, not judged.
func TestLoad(t *testing.T) { newLoad(t).run(t) }

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
	database string       // its URL, for sessions beside Lite's
	client   *http.Client // keeps its connections for all workers

	mu       sync.Mutex
	handled  map[string][]string // texts in the order of handling, by conversation
	finished int
	problem  error // the first one; ends the run
}

func newLoad(t testing.TB) *load {
	t.Helper()
	database := supalitetest.Postgres(t)
	lite := supalitetest.Start(t, supalite.Options{DatabaseURL: database})
	d := deployment{deploytest.New(t, deploytest.Options{Lite: lite})}
	for n := range loadSenders {
		d.SQL(`insert into public.user_configs (user_id, instagram_id, token, page_id, page_token)
			values ($1, $2, 'token', $3, 'page-token')`, d.User, deploytest.InstagramID(n), deploytest.Brand(n).ID)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = loadWorkers
	l := &load{deployment: d, database: database, client: &http.Client{Transport: transport}}
	l.empty()
	return l
}

// empty empties the inbox.
func (l *load) empty() {
	l.SQL("delete from public.instagram_events")
	l.SQL("delete from public.instagram_conversations")
}

// run fills the inbox and drains it, side by side, and checks what came of it.
func (l *load) run(t testing.TB) {
	t.Helper()
	l.empty()
	l.handled, l.finished = map[string][]string{}, 0
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
	for conversation, texts := range l.handled {
		events += len(texts)
		for i, text := range texts {
			if text != strconv.Itoa(i) {
				t.Errorf("%s: event %s was handled as number %d: %v", conversation, text, i, texts)
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

// send delivers the n-th account's share of the events, in order, batch by batch. One in five comes
// twice: at the same time, or later. The text of an event is its number in its conversation.
func (l *load) send(ctx context.Context, n int) error {
	const share = loadEvents / loadSenders
	begun := time.Now().Add(-time.Hour)
	for i := 0; i < share; i += loadBatch {
		events := metasim.Batch(loadBatch, func(j int) metasim.Event {
			person := fmt.Sprintf("56%03d%03d", n, (i+j)%loadConversations)
			text := strconv.Itoa((i + j) / loadConversations)
			return metasim.Message(person, deploytest.InstagramID(n), text).At(begun.Add(time.Duration(i+j) * time.Millisecond))
		})
		body := l.Meta.Delivery(deploytest.InstagramID(n), metasim.Shuffled(uint64(i), events...)...)
		deliver := func() error {
			return l.Meta.DeliverUntilAcknowledged(ctx, l.webhook(), body, 10, 50*time.Millisecond)
		}
		again := i / loadBatch % 10 // 0: at the same time, 5: later
		var group sync.WaitGroup
		var second error
		if again == 0 {
			group.Go(func() { second = deliver() })
		}
		first := deliver()
		group.Wait()
		if first == nil && again == 5 {
			second = deliver()
		}
		if err := errors.Join(first, second); err != nil {
			return fmt.Errorf("sender %d: %w", n, err)
		}
	}
	return nil
}

// claimed is what a worker of the load reads of an event.
type claimed struct {
	ID, Conversation string
	Payload          struct{ Message struct{ Text string } }
}

// work claims, handles and finishes until everything is finished. A worker that is to be killed dies
// of its fifth claim, with one event of it finished.
func (l *load) work(ctx context.Context, killed bool) error {
	for claims := 1; !l.done(0); {
		dying := killed && claims == 5
		lease := "5 minutes"
		if dying {
			lease = "5 seconds"
		}
		var events []claimed
		if err := l.call(ctx, "claim_instagram_events", map[string]any{"p_limit": loadClaim, "p_lease": lease}, &events); err != nil {
			return err
		}
		if len(events) == 0 {
			select {
			case <-time.After(50 * time.Millisecond):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		claims++
		if dying {
			return l.finish(ctx, events[:1])
		}
		if err := l.finish(ctx, events); err != nil {
			return err
		}
	}
	return nil
}

// finish counts events as handled and finishes them.
func (l *load) finish(ctx context.Context, events []claimed) error {
	ids, finished := make([]string, len(events)), 0
	l.mu.Lock()
	for i, e := range events {
		ids[i] = e.ID
		l.handled[e.Conversation] = append(l.handled[e.Conversation], e.Payload.Message.Text)
	}
	l.mu.Unlock()
	if err := l.call(ctx, "finish_instagram_events", map[string]any{"ids": ids}, &finished); err != nil {
		return err
	}
	if finished != len(ids) {
		return fmt.Errorf("%d of %d events were finished already", len(ids)-finished, len(ids))
	}
	l.done(finished)
	return nil
}

// done counts events as finished, and tells whether all are.
func (l *load) done(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finished += n
	return l.finished >= loadEvents
}

// call calls a function of the database, again where it waited too long for a lock, as a busy machine may
// make it.
func (l *load) call(ctx context.Context, function string, arguments map[string]any, out any) error {
	for {
		err := l.callOnce(ctx, function, arguments, out)
		if err == nil || !strings.Contains(err.Error(), "55P03") {
			return err
		}
	}
}

func (l *load) callOnce(ctx context.Context, function string, arguments map[string]any, out any) error {
	body, err := json.Marshal(arguments)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.Lite.URL+"/rest/v1/rpc/"+function, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Apikey", l.Lite.ServiceKey)
	response, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d %s", function, response.StatusCode, answer)
	}
	return json.Unmarshal(answer, out)
}
