// Command worker-go is the smallest useful worker: it takes events out of the
// inbox and answers each Instagram message with "thanks". Copy it, and change
// handle.
//
// An event may come twice: to whoever claims it after a worker that died before
// finish. Events of one conversation come in order, to one worker.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const (
	batch = 10              // events a claim
	lease = "5 minutes"     // longer than a batch can take
	pause = 2 * time.Second // between two looks at an empty inbox
)

type event struct {
	ID           string          `json:"id"`
	Conversation string          `json:"conversation"` // "<account>/<person>"
	Kind         string          `json:"kind"`         // message, reaction, comments…
	Payload      json.RawMessage `json:"payload"`      // as Meta sent it
	PageID       string          `json:"page_id"`
	PageToken    string          `json:"page_token"` // never log it
}

// handle does what an event asks for. An error means that it should be tried
// again.
func (w *worker) handle(e event) error {
	if e.Kind != "message" {
		return nil
	}
	_, person, _ := strings.Cut(e.Conversation, "/")
	return w.send(e, person, "thanks")
}

// work handles one claim and returns how many events it had.
func (w *worker) work() (int, error) {
	var events []event
	if err := w.call("claim_instagram_events", object{"p_limit": batch, "p_lease": lease}, &events); err != nil {
		return 0, err
	}
	held := map[string]bool{} // conversations in which an event has to be tried again first
	for _, e := range events {
		if held[e.Conversation] {
			continue
		}
		name, args := "finish_instagram_events", object{"ids": []string{e.ID}}
		if err := w.handle(e); err != nil {
			log.Printf("%s: %v", e.ID, err)
			held[e.Conversation] = true
			name, args["reason"] = "fail_instagram_events", err.Error()
		}
		if err := w.call(name, args, nil); err != nil {
			return 0, err
		}
	}
	return len(events), nil
}

func main() {
	once := flag.Bool("once", false, "stop when the inbox is empty")
	flag.Parse()
	log.SetFlags(0)
	w, err := newWorker()
	if err != nil {
		log.Fatal(err)
	}

	// A signal ends the loop between two claims: nothing is left half done.
	stopping, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for stopping.Err() == nil {
		done, err := w.work()
		switch {
		case err != nil && *once:
			log.Fatal(err)
		case err != nil:
			log.Print(err)
		case done > 0:
			continue
		case *once:
			return
		}
		select {
		case <-stopping.Done():
		case <-time.After(pause):
		}
	}
}
