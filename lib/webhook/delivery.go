// Package webhook verifies and reads what Meta posts: deliveries of events on
// Instagram accounts, and the signed_request of a person who removes the app or
// asks for erasure. It is pure: bytes, header and secrets in, events or an error
// out. Start with [VerifySignature] and [ParseDelivery].
package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"igconnect/lib/metajson"
)

// Event is one thing that happened on an Instagram account, as a webhook
// delivery tells it.
type Event struct {
	Account     string          // the Instagram account's id, in some deliveries the Page's
	Key         string          // unique within the account; the same in each delivery of it
	Counterpart string          // id of whom the account talks with; "" where there is nobody
	Kind        string          // message, message_echo, reaction, postback, comments…
	Payload     json.RawMessage // as Meta sent it
	Occurred    time.Time       // zero where Meta's time makes no sense
}

// ErrNotJSON says that a delivery's body is not JSON.
var ErrNotJSON = errors.New("the delivery is not JSON")

type entry struct {
	ID        metajson.LenientID `json:"id"`
	Time      metajson.Moment    `json:"time"`
	Messaging []json.RawMessage  `json:"messaging"`
	Standby   []json.RawMessage  `json:"standby"` // another app owns the thread
	Changes   []json.RawMessage  `json:"changes"`
}

// ParseDelivery returns the events of a delivery, whose signature must have been
// verified with [VerifySignature]. It skips what has another shape than the
// documented ones, and keeps an event of an unknown kind. A body about another
// object than Instagram has no events. The error is [ErrNotJSON].
// https://developers.facebook.com/docs/messenger-platform/instagram/features/webhook
func ParseDelivery(body []byte) ([]Event, error) {
	var delivery struct {
		Object string  `json:"object"`
		Entry  []entry `json:"entry"`
	}
	err := json.Unmarshal(metajson.Storable(body), &delivery)
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		return nil, ErrNotJSON // any other error is of a part of another type, which stays empty
	}
	if delivery.Object != "instagram" {
		return nil, nil
	}
	events := make([]Event, 0, len(delivery.Entry))
	for _, entry := range delivery.Entry {
		if entry.ID == "" {
			continue
		}
		for _, raw := range entry.Messaging {
			events = appendMessaging(events, entry, raw, "")
		}
		for _, raw := range entry.Standby {
			events = appendMessaging(events, entry, raw, "standby_")
		}
		for _, raw := range entry.Changes {
			events = appendChange(events, entry, raw)
		}
	}
	return events, nil
}

type party struct {
	ID metajson.LenientID `json:"id"`
}

// messaging is what we read of an event in entry.messaging or entry.standby.
type messaging struct {
	Sender    party           `json:"sender"`
	Recipient party           `json:"recipient"`
	Timestamp metajson.Moment `json:"timestamp"`
	Message   *part           `json:"message"`
	Reaction  *part           `json:"reaction"`
	Edit      *part           `json:"message_edit"`
	Postback  *part           `json:"postback"`
	Read      *part           `json:"read"`
	Referral  *part           `json:"referral"`
}

type part struct {
	MID     string             `json:"mid"`
	Echo    bool               `json:"is_echo"`    // of a message
	Deleted bool               `json:"is_deleted"` // likewise
	Action  string             `json:"action"`     // of a reaction
	Number  metajson.LenientID `json:"num_edit"`   // of an edit
}

// appendMessaging adds one event of entry.messaging or entry.standby, whose kind
// begins with the prefix.
func appendMessaging(events []Event, entry entry, raw json.RawMessage, prefix string) []Event {
	var m messaging
	if !isObject(raw) {
		return events
	}
	_ = json.Unmarshal(raw, &m) // as above: a part of another type stays empty
	var kind, mid, repeat string
	switch {
	case m.Message != nil:
		kind, mid = "message", m.Message.MID
		if m.Message.Echo {
			kind = "message_echo"
		}
		if m.Message.Deleted {
			kind = "message_deleted"
		}
	case m.Reaction != nil:
		kind, mid, repeat = "reaction", m.Reaction.MID, m.Reaction.Action
	case m.Edit != nil:
		kind, mid, repeat = "message_edit", m.Edit.MID, string(m.Edit.Number)
	case m.Postback != nil:
		kind, mid = "postback", m.Postback.MID
	case m.Read != nil:
		kind, mid = "read", m.Read.MID
	case m.Referral != nil:
		kind, mid = "referral", m.Referral.MID
	default:
		kind = unknownKind(raw)
	}
	event := Event{
		Account: string(entry.ID), Kind: prefix + kind, Payload: raw,
		Occurred: m.Timestamp.Or(entry.Time), Counterpart: counterpart(entry, m),
	}
	event.Key = key(event, mid, string(m.Timestamp), repeat)
	return append(events, event)
}

// appendChange adds one event of entry.changes: comments, mentions, and the
// messages of the dashboard's Test button, which sends them that way.
func appendChange(events []Event, entry entry, raw json.RawMessage) []Event {
	var change struct {
		Field string          `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if !isObject(raw) || json.Unmarshal(raw, &change) != nil || change.Field == "" {
		return events
	}
	var value struct {
		From      party           `json:"from"`
		Sender    party           `json:"sender"`
		Timestamp metajson.Moment `json:"timestamp"`
	}
	_ = json.Unmarshal(change.Value, &value)
	if value.Sender.ID != "" {
		return appendMessaging(events, entry, change.Value, "")
	}
	event := Event{
		Account: string(entry.ID), Kind: clipped(change.Field), Payload: raw,
		Occurred: value.Timestamp.Or(entry.Time), Counterpart: string(value.From.ID),
	}
	event.Key = key(event, "", "", "")
	return append(events, event)
}

// counterpart is the id of whichever of sender and recipient is not the account.
// An entry may name the account by its Page's id, so the sender's id alone does
// not tell an echo.
func counterpart(entry entry, m messaging) string {
	if m.Message != nil && m.Message.Echo || m.Sender.ID == entry.ID {
		return string(m.Recipient.ID)
	}
	return string(m.Sender.ID)
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// maxKey bounds each part of a key that Meta or a person wrote, in bytes.
const maxKey = 300

// key is the same for each delivery of an event. It joins the kind, the message
// id, the time, and what tells repeated events about one message apart (repeat).
// Where there is no message id it is the kind and a hash of the event.
func key(event Event, mid, timestamp, repeat string) string {
	if mid == "" {
		sum := sha256.Sum256(canonical(event.Payload))
		return event.Kind + "/" + hex.EncodeToString(sum[:])
	}
	return event.Kind + "/" + clipped(mid) + "/" + timestamp + "/" + clipped(repeat)
}

// canonical rewrites JSON with sorted members and without white space.
func canonical(raw json.RawMessage) []byte {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if decoder.Decode(&value) == nil {
		if written, err := json.Marshal(value); err == nil {
			return written
		}
	}
	return raw
}

// unknownKind is the name of the member that is not one of the usual ones; the
// first in the alphabet, so that it is the same each time.
func unknownKind(raw json.RawMessage) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains([]string{"sender", "recipient", "timestamp", ""}, name) {
			return clipped(name)
		}
	}
	return "unknown"
}

// clipped returns the text, or its hash where it is too long for a key.
func clipped(text string) string {
	if len(text) <= maxKey {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
