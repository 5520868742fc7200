package deploytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
)

const (
	loadConversations = 25 // a sender
	loadBatch         = 20 // events a delivery
	loadClaim         = 50 // events a claim
)

// send delivers the n-th account's share of the events, in order, batch by
// batch. One in five comes twice: at the same time, or later.
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
		again := i / loadBatch % 10 // 0: at the same time, 5: later
		var group sync.WaitGroup
		var second error
		if again == 0 {
			group.Go(func() { second = l.deliverUntilAcknowledged(ctx, body) })
		}
		first := l.deliverUntilAcknowledged(ctx, body)
		group.Wait()
		if first == nil && again == 5 {
			second = l.deliverUntilAcknowledged(ctx, body)
		}
		for _, err := range []error{first, second} {
			if err != nil {
				return fmt.Errorf("sender %d: %w", n, err)
			}
		}
	}
	return nil
}

func (l *load) deliverUntilAcknowledged(ctx context.Context, body []byte) error {
	return l.Meta.DeliverUntilAcknowledged(ctx, l.webhook(), body, 10, 50*time.Millisecond)
}

// work claims, handles and finishes until everything is finished. A worker that
// is to be killed dies of its fifth claim, with one event of it finished.
func (l *load) work(ctx context.Context, killed bool) error {
	for claims := 1; !l.done(0); {
		lease := "5 minutes"
		dying := killed && claims == 5
		if dying {
			lease = "5 seconds"
		}
		var events []claimed
		if err := l.workers.call(ctx, "claim_instagram_events", object{"p_limit": loadClaim, "p_lease": lease}, &events); err != nil {
			return err
		}
		if len(events) == 0 {
			if err := pause(ctx); err != nil {
				return err
			}
			continue
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
	l.note(events)
	ids, finished := held(events), 0
	if err := l.workers.call(ctx, "finish_instagram_events", object{"ids": ids}, &finished); err != nil {
		return err
	}
	if finished != len(ids) {
		return fmt.Errorf("%d of %d events were finished already", len(ids)-finished, len(ids))
	}
	l.done(finished)
	return nil
}

// pause is between two looks at an empty inbox.
func pause(ctx context.Context) error {
	select {
	case <-time.After(50 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type object map[string]any

// claimed is what a worker of the load reads of an event.
type claimed struct {
	ID           string `json:"id"`
	Conversation string `json:"conversation"`
	Payload      struct {
		Message struct{ Text string }
	} `json:"payload"`
}

// sequence is the event's number in its conversation, -1 if it has none.
func (e claimed) sequence() int {
	n, err := strconv.Atoi(e.Payload.Message.Text)
	if err != nil {
		return -1
	}
	return n
}

// inboxClient calls the functions of the database, over connections that are
// kept for all workers.
type inboxClient struct {
	http     *http.Client
	url, key string
}

func newInboxClient(lite *supalite.Server) *inboxClient {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = loadWorkers
	return &inboxClient{&http.Client{Transport: transport}, lite.URL + "/rest/v1/rpc/", lite.ServiceKey}
}

func (c *inboxClient) call(ctx context.Context, function string, args object, out any) error {
	body, err := json.Marshal(args)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+function, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Apikey", c.key)
	response, err := c.http.Do(request)
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
