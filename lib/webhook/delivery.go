// Package webhook verifies and reads what Meta posts: deliveries of events on
// Instagram accounts, and the signed_request of a person who removes the app or
// asks for erasure. It is pure: bytes, header and secrets in, events or an error
// out. Start with [VerifySignature] and [ParseDelivery].
package webhook

import (
	"bytes"
	"cmp"
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
	KeyToSecond string          // Key with its time in whole seconds; "" where no time is part of it
	Counterpart string          // id of whom the account talks with; "" where there is nobody
	Recipient   string          // id of who got it, for an account that turns out to be its sender
	Kind        string          // message, message_echo, reaction, postback, comments…
	Payload     json.RawMessage // an object as Meta sent it, at most 64 levels deep and 256 kB long
	Occurred    time.Time       // zero where Meta's time makes no sense
}

// ErrNotJSON says that a delivery's body is not JSON.
var ErrNotJSON = errors.New("the delivery is not JSON")

const (
	unknown  = "unknown"    // the kind of what has no shape that we know
	echo     = "_echo"      // ends the kind of what the account itself did
	standby  = "standby_"   // begins the kind of what belongs to another app
	reserved = "connection" // the kind that tells of a connection's status, and never comes from Meta
)

type entry struct {
	ID        metajson.LenientID `json:"id"`
	Time      metajson.Moment    `json:"time"`
	Messaging []json.RawMessage  `json:"messaging"`
	Standby   []json.RawMessage  `json:"standby"` // another app owns the thread
	Changes   []json.RawMessage  `json:"changes"`
	change                       // documented for comments, in the place of changes
	Hops      json.RawMessage    `json:"hop_context"` // which apps had the thread: nothing that happened
	raw       json.RawMessage    // of one that was read by oddEntries
}

// usual names the members of an entry that we know, where it is no change itself.
var usual = []string{"id", "time", "messaging", "standby", "changes", "hop_context"}

type change struct {
	Field json.RawMessage `json:"field"`
	Value json.RawMessage `json:"value"`
}

// ParseDelivery returns the events of a delivery, whose signature must have been
// verified with [VerifySignature], as they stand there. What has another shape
// than the documented ones is kept whole, as of the kind unknown; so is one that is
// too deep or too large, without the parts that are. Only what names no account is
// left out. A body about another object than Instagram has no
// events. The error is [ErrNotJSON].
// https://developers.facebook.com/docs/messenger-platform/instagram/features/webhook
func ParseDelivery(body []byte) ([]Event, error) {
	var delivery struct {
		Object string  `json:"object"`
		Entry  []entry `json:"entry"`
	}
	body = metajson.Storable(body)
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields() // and go on: the error is looked at in the end
	err := decoder.Decode(&delivery)
	if err != nil && !json.Valid(body) || len(bytes.Trim(body[decoder.InputOffset():], " \t\r\n")) > 0 {
		return nil, ErrNotJSON
	}
	entries := delivery.Entry
	switch {
	case err != nil || slices.ContainsFunc(entries, entry.odd): // a part that we don't know
		entries = oddEntries(body)
	case delivery.Object != "instagram":
		return nil, nil
	}
	events := make([]Event, 0, len(entries))
	for _, entry := range entries {
		if entry.ID != "" {
			events = appendEntry(events, entry)
		}
	}
	orderSeconds(events)
	for i, event := range events {
		events[i] = bounded(event)
	}
	return events, nil
}

// orderSeconds keeps the order of delivery within one second of a conversation, where some times are
// in milliseconds and others in whole seconds: these get the latest time that came before them.
func orderSeconds(events []Event) {
	whole := func(e Event) bool { return e.Occurred.Nanosecond() == 0 }
	if len(events) < 2 || !slices.ContainsFunc(events, whole) {
		return
	}
	type second struct {
		account, counterpart string
		unix                 int64
	}
	latest := map[second]time.Time{}
	for i, e := range events {
		of := second{e.Account, e.Counterpart, e.Occurred.Unix()}
		switch before := latest[of]; {
		case e.Occurred.After(before):
			latest[of] = e.Occurred
		case whole(e) && !e.Occurred.IsZero():
			events[i].Occurred = before
		}
	}
}

// odd reports whether the entry holds nothing that we know.
func (e entry) odd() bool {
	return e.ID == "" || len(e.Messaging)+len(e.Standby)+len(e.Changes)+len(e.Field) == 0
}

// oddEntries reads a body that is not all of the documented shape, part by part.
func oddEntries(body []byte) (entries []entry) {
	for _, raw := range items(body) { // some of Meta's samples are a list of one delivery
		var delivery struct {
			Object string          `json:"object"`
			Entry  json.RawMessage `json:"entry"`
		}
		_ = json.Unmarshal(raw, &delivery) // what is of another type stays empty
		if delivery.Object != "instagram" {
			continue
		}
		for _, raw := range items(delivery.Entry) {
			entry := entry{raw: raw}
			var lists struct{ Messaging, Standby, Changes json.RawMessage }
			_, _ = json.Unmarshal(raw, &entry), json.Unmarshal(raw, &lists)
			entry.Messaging, entry.Standby, entry.Changes = items(lists.Messaging), items(lists.Standby), items(lists.Changes)
			entries = append(entries, entry)
		}
	}
	return entries
}

// items is what a list holds; of anything else the thing itself.
func items(raw json.RawMessage) (list []json.RawMessage) {
	if len(raw) > 0 && json.Unmarshal(raw, &list) != nil {
		return []json.RawMessage{raw}
	}
	return list
}

func appendEntry(events []Event, e entry) []Event {
	var rest map[string]any // what we don't know, by the entry's member
	keep := func(name string, what any) {
		if rest == nil {
			rest = map[string]any{}
		}
		rest[name] = what
	}
	for _, list := range []struct {
		name  string
		items []json.RawMessage
		event func(entry, json.RawMessage) Event
	}{
		{"messaging", e.Messaging, messagingEvent},
		{"standby", e.Standby, standbyEvent},
		{"changes", e.Changes, changeEvent},
	} {
		var odd []json.RawMessage
		for _, raw := range list.items {
			switch {
			case raw[0] == '{':
				events = append(events, list.event(e, raw))
			case string(raw) != "null":
				odd = append(odd, raw)
			}
		}
		if odd != nil {
			keep(list.name, odd)
		}
	}
	known := usual
	if len(e.Field) > 0 {
		raw, _ := json.Marshal(e.change) // as an item of changes, so that workers meet one form
		events = append(events, changeEvent(e, raw))
		known = append(known, "field", "value")
	}
	for name, raw := range members(e.raw, known...) {
		if string(raw) != "null" {
			keep(name, raw)
		}
	}
	if len(rest) > 0 {
		raw, _ := json.Marshal(rest)
		events = append(events, unknownEvent(e, raw))
	}
	return events
}

// unknownEvent keeps what has no shape that we know.
func unknownEvent(entry entry, raw json.RawMessage) Event {
	return Event{
		Account: string(entry.ID), Kind: unknown, Key: unknown + "/" + hash(canonical(raw)), Payload: raw,
		Occurred: entry.Time.Or(""),
	}
}

type party struct {
	ID   metajson.LenientID `json:"id"`
	Self metajson.LenientID `json:"self_ig_scoped_id"` // of a comment's author who is the account
}

// messaging is what we read of an event in entry.messaging or entry.standby.
type messaging struct {
	Sender    party           `json:"sender"`
	Recipient party           `json:"recipient"`
	Timestamp metajson.Moment `json:"timestamp"`
	Self      bool            `json:"is_self"` // the account itself did it
	Message   *part           `json:"message"`
	Reaction  *part           `json:"reaction"`
	Edit      *part           `json:"message_edit"`
	Postback  *part           `json:"postback"`
	Read      *part           `json:"read"`
	Referral  *part           `json:"referral"`
}

type part struct {
	MID      string             `json:"mid"`
	Echo     bool               `json:"is_echo"`    // of a message
	Self     bool               `json:"is_self"`    // of a message that the account sent to itself
	Deleted  bool               `json:"is_deleted"` // of a message
	Action   string             `json:"action"`     // of a reaction
	Reaction string             `json:"reaction"`   // likewise: love…
	Emoji    string             `json:"emoji"`      // likewise
	Number   metajson.LenientID `json:"num_edit"`   // of an edit
	Payload  string             `json:"payload"`    // of a postback
}

// known is the event's part that says what it is, and its kind; nil where we
// know none of its parts.
func (m messaging) known() (*part, string) {
	switch {
	case m.Message != nil && m.Message.Deleted:
		return m.Message, "message_deleted"
	case m.Message != nil:
		return m.Message, "message"
	case m.Reaction != nil:
		return m.Reaction, "reaction"
	case m.Edit != nil:
		return m.Edit, "message_edit"
	case m.Postback != nil:
		return m.Postback, "postback"
	case m.Read != nil:
		return m.Read, "read"
	case m.Referral != nil:
		return m.Referral, "referral"
	}
	return nil, ""
}

// messagingEvent is an event of entry.messaging.
func messagingEvent(entry entry, raw json.RawMessage) Event {
	var m messaging
	_ = json.Unmarshal(raw, &m) // a part of another type stays empty
	return m.event(entry, raw)
}

// standbyEvent is an event of entry.standby. Its key is that of the same event in entry.messaging.
func standbyEvent(entry entry, raw json.RawMessage) Event {
	event := messagingEvent(entry, raw)
	if event.Kind != unknown {
		event.Kind = standby + event.Kind
	}
	return event
}

func (m messaging) event(entry entry, raw json.RawMessage) Event {
	event := Event{
		Account: string(entry.ID), Payload: raw, Occurred: m.Timestamp.Or(entry.Time),
		Counterpart: string(m.Sender.ID), Recipient: string(m.Recipient.ID),
	}
	said, kind := m.known()
	if said == nil {
		kind = unknownMember(raw, frame...)
		if kind == "" || kind == reserved || m.Sender.ID == "" && m.Recipient.ID == "" {
			return unknownEvent(entry, raw)
		}
		said = &part{}
	}
	event.Kind = kind
	// A message that the account sent is the same one whether or not is_echo says so.
	base := kind + "/"
	repeated := false // one message may have several
	if said.MID == "" {
		base += string(m.Sender.ID) + "/" + string(m.Recipient.ID) + "/" + hash(canonical(without(raw, frame...)))
	} else {
		base += clipped(said.MID)
		switch kind {
		case "reaction":
			repeated = true
			base += "/" + string(m.Sender.ID) + "/" + clipped(said.Action) + "/" + clipped(said.Reaction+said.Emoji)
		case "postback", "read":
			repeated = true
			base += "/" + string(m.Sender.ID) + "/" + clipped(said.Payload)
		case "message_edit":
			repeated = said.Number == ""
			base += "/" + string(said.Number)
		}
	}
	event.Key = base
	if (repeated || said.MID == "") && m.Timestamp != "" {
		event.Key += "/" + string(m.Timestamp)
		event.KeyToSecond = base + "/" + m.Timestamp.ToSecond()
	}
	if said.Echo || said.Self || m.Self || m.Sender.ID == entry.ID {
		event.Kind += echo
		event.Counterpart = string(m.Recipient.ID)
	}
	return event
}

// changeEvent is an event of entry.changes: comments, mentions, and also what
// entry.messaging holds otherwise: Meta's dashboard sends its tests that way.
func changeEvent(entry entry, raw json.RawMessage) Event {
	var change change
	var field string
	if json.Unmarshal(raw, &change) != nil || json.Unmarshal(change.Field, &field) != nil || field == "" {
		return unknownEvent(entry, raw)
	}
	var value struct {
		messaging
		ID      metajson.LenientID `json:"id"`
		Comment metajson.LenientID `json:"comment_id"`
		From    party              `json:"from"`
	}
	_ = json.Unmarshal(change.Value, &value)
	if said, _ := value.known(); said != nil || value.Sender.ID != "" {
		if field == "standby" {
			return standbyEvent(entry, change.Value)
		}
		return value.event(entry, change.Value)
	}
	if field == reserved {
		return unknownEvent(entry, raw)
	}
	event := Event{
		Account: string(entry.ID), Kind: clipped(field), Payload: raw,
		Occurred: value.Timestamp.Or(entry.Time), Counterpart: string(value.From.ID),
	}
	comment, subject := value.Comment, event.Kind
	if strings.HasSuffix(field, "comments") { // one of a live video may come as comments and live_comments
		comment, subject = cmp.Or(comment, value.ID), "comments"
	}
	event.Key = subject + "/" + string(comment)
	if comment == "" {
		event.Key = event.Kind + "/" + hash(canonical(raw))
	}
	if value.From.Self != "" || event.Counterpart == event.Account {
		event.Kind, event.Counterpart = event.Kind+echo, ""
	}
	return event
}

// maxKey bounds each part of a key that Meta or a person wrote, in bytes.
const maxKey = 300

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
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

// frame names the members of a messaging event that are not what happened. They
// have several forms: ids are texts or numbers, times seconds or milliseconds.
var frame = []string{"sender", "recipient", "timestamp", "is_self"}

// members are those of an object, without some of them.
func members(raw json.RawMessage, without ...string) map[string]json.RawMessage {
	if raw == nil {
		return nil
	}
	var all map[string]json.RawMessage
	_ = json.Unmarshal(raw, &all)
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool {
		return slices.ContainsFunc(without, func(other string) bool { return strings.EqualFold(name, other) })
	})
	return all
}

// without is an object without some of its members.
func without(raw json.RawMessage, names ...string) json.RawMessage {
	written, _ := json.Marshal(members(raw, names...))
	return written
}

// unknownMember is the name of a member that holds something and is not one of
// the usual ones; the first in the alphabet, so that it is the same each time.
func unknownMember(raw json.RawMessage, usual ...string) string {
	all := members(raw, usual...)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "" && string(all[name]) != "null" {
			return clipped(name)
		}
	}
	return ""
}

// clipped returns the text, or its hash where it is too long for a key.
func clipped(text string) string {
	if len(text) <= maxKey {
		return text
	}
	return hash([]byte(text))
}
