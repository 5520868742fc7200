package graph

import (
	"encoding/json"
	"errors"
	"time"
)

// Event is one thing that happened on an Instagram account, as a webhook
// delivery tells it.
type Event struct {
	Account     string          // the Instagram account's id, in some deliveries the Page's
	Key         string          // tells it from every other event of the account, and is the same in each delivery of it
	Counterpart string          // whom the account talks with: the conversation; "" where there is nobody
	Kind        string          // message, message_echo, message_deleted, reaction, postback, comments…
	Payload     json.RawMessage // as Meta sent it
	Occurred    time.Time       // zero where it makes no sense
}

// ErrNotJSON says that a delivery's body is not JSON.
var ErrNotJSON = errors.New("the delivery is not JSON")

type entry struct {
	ID        wireID            `json:"id"`
	Time      moment            `json:"time"`
	Messaging []json.RawMessage `json:"messaging"`
	Standby   []json.RawMessage `json:"standby"` // another app owns the thread
	Changes   []json.RawMessage `json:"changes"`
}

// ParseDelivery reads the body of a delivery, whose signature must have been
// verified. What has another shape than the documented ones is passed over; an
// event of an unknown kind is kept. A body about another object than Instagram
// has no events.
// https://developers.facebook.com/docs/messenger-platform/instagram/features/webhook
func ParseDelivery(body []byte) ([]Event, error) {
	var delivery struct {
		Object string  `json:"object"`
		Entry  []entry `json:"entry"`
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(storable(body), &delivery); errors.As(err, &syntax) {
		return nil, ErrNotJSON // any other error: a part of another type, which stays empty
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
	ID wireID `json:"id"`
}

// messaging is what we read of an event; the rest stays in its payload.
type messaging struct {
	Sender    party  `json:"sender"`
	Recipient party  `json:"recipient"`
	Timestamp moment `json:"timestamp"`
	Message   *struct {
		MID     string `json:"mid"`
		Echo    bool   `json:"is_echo"`
		Deleted bool   `json:"is_deleted"`
	} `json:"message"`
	Reaction *struct {
		MID    string `json:"mid"`
		Action string `json:"action"`
	} `json:"reaction"`
	Edit *struct {
		MID    string `json:"mid"`
		Number wireID `json:"num_edit"`
	} `json:"message_edit"`
	Postback *marked `json:"postback"`
	Read     *marked `json:"read"`
	Referral *marked `json:"referral"`
}

type marked struct {
	MID string `json:"mid"`
}

// appendMessaging adds one event of entry.messaging or entry.standby.
func appendMessaging(events []Event, entry entry, raw json.RawMessage, prefix string) []Event {
	var m messaging
	if !isObject(raw) {
		return events
	}
	_ = json.Unmarshal(raw, &m) // a part of another type stays empty
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
		Occurred: m.Timestamp.or(entry.Time), Counterpart: counterpart(entry, m),
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
		From      party  `json:"from"`
		Sender    party  `json:"sender"`
		Timestamp moment `json:"timestamp"`
	}
	_ = json.Unmarshal(change.Value, &value)
	if value.Sender.ID != "" {
		return appendMessaging(events, entry, change.Value, "")
	}
	event := Event{
		Account: string(entry.ID), Kind: clipped(change.Field), Payload: raw,
		Occurred: value.Timestamp.or(entry.Time), Counterpart: string(value.From.ID),
	}
	event.Key = key(event, "", "", "")
	return append(events, event)
}

// counterpart is whoever of the two is not the account. An entry may name the
// account by its Page, so an echo is known by its flag as well.
func counterpart(entry entry, m messaging) string {
	if m.Message != nil && m.Message.Echo || m.Sender.ID == entry.ID {
		return string(m.Recipient.ID)
	}
	return string(m.Sender.ID)
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }
