package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Event is one event for the inbox: public.instagram_events gets a row of it
// for each connection of the account.
type Event struct {
	Account     string          `json:"account"`                 // an Instagram id or a Page id
	Key         string          `json:"key"`                     // the same in each delivery of the event
	KeyToSecond string          `json:"key_to_second,omitempty"` // for a key that ends on its time: that in whole seconds
	Counterpart string          `json:"counterpart"`             // with the account, the conversation
	Recipient   string          `json:"recipient,omitempty"`     // takes its place if that is the account itself
	Kind        string          `json:"kind"`
	Payload     json.RawMessage `json:"payload"`
	Occurred    time.Time       `json:"occurred_at"`
}

// What one call takes, so that it is committed soon; after calls that found nothing new up to sixteen
// times as much, so that a delivery that comes again gets further than the time before.
const (
	callEvents = 250
	callBytes  = 512 << 10 // about
	mostShares = 16
)

// Filling is what became of a delivery's events.
type Filling struct {
	New     int      // rows that were not there before
	Refused []string // an account, a kind and PostgreSQL's code each
}

// StoreEvents adds events to the inbox, in their order and several calls, each of which is committed by
// itself. After an error some are stored, all of the calls before it among them, and the whole may be
// repeated: what came before is swallowed. An event that the database refuses costs no other: it is stored
// as of the kind unknown without its payload, or, if that is refused too, left out. Of an account
// that somebody else locks nothing more is stored; that is an error only after all others are. The
// error is an *[Error].
func (s *Store) StoreEvents(ctx context.Context, events []Event) (Filling, error) {
	f := filling{store: s, locked: map[string]bool{}}
	for shares := 1; len(events) > 0; {
		n, known := oneCall(events, shares), f.New
		if err := f.add(ctx, events[:n]); err != nil {
			return f.Filling, err
		}
		if events = events[n:]; f.New > known {
			shares = 1
		} else {
			shares = min(2*shares, mostShares)
		}
	}
	return f.Filling, f.waiting
}

// oneCall is how many of the events go into one call: one at least.
func oneCall(events []Event, shares int) int {
	bytes := 0
	for n, e := range events {
		const rest = 200 // what is not payload and key
		if bytes += len(e.Payload) + len(e.Key) + rest; n > 0 && (bytes > shares*callBytes || n == shares*callEvents) {
			return n
		}
	}
	return len(events)
}

// filling is one delivery on its way into the inbox.
type filling struct {
	Filling
	store   *Store
	locked  map[string]bool // accounts: what comes later waits for what came before
	waiting error           // of the last of these
}

// add stores events in one call, and where that is refused, in smaller ones. The error stops the
// delivery.
func (f *filling) add(ctx context.Context, events []Event) error {
	events = slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return f.locked[e.Account] })
	if len(events) == 0 {
		return nil
	}
	added, err := call[int](ctx, f.store, "filling the inbox", "ingest_instagram_events", args{"events": events})
	failure, _ := errors.AsType[*Error](err)
	switch {
	case err == nil:
		f.New += added
		return nil
	case failure.Code == lockTimeout:
		return f.addUnlocked(ctx, events, err)
	case !failure.Refused():
		return err
	case len(events) > 1:
		half := len(events) / 2
		if err := f.add(ctx, events[:half]); err != nil {
			return err
		}
		return f.add(ctx, events[half:])
	}
	return f.addReduced(ctx, events[0], failure)
}

// addUnlocked stores each account's events by themselves, because one of the accounts is locked. Of a
// single account's it stores nothing.
func (f *filling) addUnlocked(ctx context.Context, events []Event, locked error) error {
	ofAnother := func(e Event) bool { return e.Account != events[0].Account }
	if !slices.ContainsFunc(events, ofAnother) {
		f.locked[events[0].Account], f.waiting = true, locked
		return nil
	}
	for len(events) > 0 {
		account := events[0].Account
		ofIt := func(e Event) bool { return e.Account == account }
		if err := f.add(ctx, slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return !ofIt(e) })); err != nil {
			return err
		}
		events = slices.DeleteFunc(events, ofIt)
	}
	return nil
}

// nothing is the payload of an event whose own is refused.
const nothing = `{"igconnect_left_out":["*"]}`

// addReduced stores an event that was refused without its payload. One that has none any more is left out.
func (f *filling) addReduced(ctx context.Context, e Event, refusal *Error) error {
	refused := fmt.Sprintf("%s %s: %s", e.Account, e.Kind, cmp.Or(refusal.Code, http.StatusText(refusal.Status)))
	if string(e.Payload) == nothing {
		f.Refused = append(f.Refused, refused+", left out")
		return nil
	}
	f.Refused = append(f.Refused, refused)
	e.Kind, e.Payload = "unknown", json.RawMessage(nothing)
	return f.add(ctx, []Event{e})
}
