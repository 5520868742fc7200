package store

import (
	"context"
	"encoding/json"
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

// StoreEvents adds events to the inbox in one call and returns how many rows
// were new. What came before is swallowed, so it may be repeated.
func (s *Store) StoreEvents(ctx context.Context, events []Event) (int, error) {
	return call[int](ctx, s, "filling the inbox", "ingest_instagram_events", args{"events": events})
}
