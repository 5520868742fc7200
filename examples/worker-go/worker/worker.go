// Package worker is the smallest useful worker: it takes events out of the inbox and answers each
// Instagram message with "thanks". Copy it, and change handle. It uses the standard library only.
//
// An event may come twice: to whoever claims it after a worker that died before
// it finished. Events of one conversation come in order, to one worker.
package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"
)

const pause = 2 * time.Second // between two looks at an empty inbox

// Worker answers messages. [New] makes it.
type Worker struct {
	Batch int    // events a claim, 10 by default
	Lease string // PostgreSQL's interval, longer than a batch can take: 5 minutes by default

	http      *http.Client
	database  string // base of the functions' URLs
	key       string
	graph     string // base with version
	appSecret string
}

// Event is what happened on a connected account, as the database hands it out.
type Event struct {
	ID           string          `json:"id"`
	UserID       string          `json:"user_id"`      // whose connection it is
	Conversation string          `json:"conversation"` // "<account>/<person>", or with another slash: nobody's
	Kind         string          `json:"kind"`         // message, comments…; "…_echo": the account's own; connection: of itself
	Payload      json.RawMessage `json:"payload"`      // as Meta sent it; of a connection: change, status, reason, instagram_id
	PageID       string          `json:"page_id"`
	PageToken    string          `json:"page_token"` // answers; never log it. Empty where there is none
	Token        string          `json:"token"`      // of the person who connected the account; likewise
}

// Result is what became of the events of a claim.
type Result struct {
	Claimed, Answered int
	Failed            []error // one for each event that should be tried again
}

// handle does what an event asks for, and reports whether it sent an answer. An
// error means that the event should be tried again.
func (w *Worker) handle(ctx context.Context, e Event) (answered bool, err error) {
	_, person, _ := strings.Cut(e.Conversation, "/")
	if e.Kind != "message" || strings.Contains(person, "/") {
		return false, nil
	}
	err = w.send(ctx, e, person, "thanks")
	return err == nil, err
}

// Claim takes events out of the inbox. What is not finished when the lease is over comes again.
func (w *Worker) Claim(ctx context.Context) (events []Event, err error) {
	err = w.call(ctx, "claim_instagram_events", object{"p_limit": w.Batch, "p_lease": w.Lease}, &events)
	return events, err
}

// Handle handles the events of a claim. One that fails keeps back those that
// come after it in its conversation. The error says why the rest was left.
func (w *Worker) Handle(ctx context.Context, events []Event) (Result, error) {
	result := Result{Claimed: len(events)}
	held := map[string]bool{} // conversations in which an event has to be tried again first
	for _, e := range events {
		if held[e.Conversation] {
			continue
		}
		name, args := "finish_instagram_events", object{"ids": []string{e.ID}}
		answered, err := w.handle(ctx, e)
		if answered {
			result.Answered++
		}
		if err != nil {
			result.Failed = append(result.Failed, fmt.Errorf("%s: %w", e.ID, err))
			held[e.Conversation] = true
			name, args["reason"] = "fail_instagram_events", err.Error()
		}
		if err := w.call(ctx, name, args, nil); err != nil {
			return result, err
		}
	}
	return result, nil
}

// Work claims events once and handles them.
func (w *Worker) Work(ctx context.Context) (Result, error) {
	events, err := w.Claim(ctx)
	if err != nil {
		return Result{}, err
	}
	return w.Handle(ctx, events)
}

// Run works until stopping is done, which ends it between two claims, so that
// nothing is left half done; or, with once, until the inbox is empty. It logs
// what fails and tries again, but with once returns the error of a claim.
func (w *Worker) Run(stopping context.Context, once bool) error {
	for stopping.Err() == nil {
		result, err := w.Work(context.WithoutCancel(stopping))
		for _, failure := range result.Failed {
			log.Print(failure)
		}
		switch {
		case err != nil && once:
			return err
		case err != nil:
			log.Print(err)
		case result.Claimed > 0:
			continue
		case once:
			return nil
		}
		select {
		case <-stopping.Done():
		case <-time.After(pause):
		}
	}
	return nil
}
