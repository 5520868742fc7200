package metasim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Event is one thing that happens on Instagram, as a webhook tells it. [Message] and its like make
// it. Events are values: every method returns a changed copy.
//
// An event happens when it is made, by the machine's clock; At says otherwise. Delivered twice it
// is the same event.
type Event struct {
	kind     string // the member that holds value; of a change its field
	value    any    // an object, except in a change
	from, to string // sender and recipient
	at       time.Time
	change   bool // see Change
}

// kindFields are the Page fields that carry each kind. Reads are missing: no Page field is known
// for them (Meta's messaging_seen is the app's).
var kindFields = map[string]string{
	"message": "messages", "message_edit": "message_edits", "reaction": "message_reactions",
	"postback": "messaging_postbacks", "referral": "messaging_referrals",
}

func newEvent(kind, from, to string, value object) Event {
	return Event{kind: kind, from: from, to: to, value: value, at: time.Now()}
}

// Message is a text that the person from sends to the account to.
func Message(from, to, text string) Event {
	return newEvent("message", from, to, object{"mid": newMID(), "text": text})
}

// Echo is a text that the account itself sends to the person to.
func Echo(account, to, text string) Event { return Message(account, to, text).With("is_echo", true) }

// Postback is a press of a button that carries payload.
func Postback(from, to, title, payload string) Event {
	return newEvent("postback", from, to, object{"mid": newMID(), "title": title, "payload": payload})
}

// Referral is a person who comes by an ig.me link that carries ref. It has no mid.
func Referral(from, to, ref string) Event {
	return newEvent("referral", from, to, object{"ref": ref, "source": "SHORTLINK", "type": "OPEN_THREAD"})
}

// Change is an item of the entry's changes: a field of the webhook and any value that can be
// written as JSON. It has no time of its own.
func Change(field string, value any) Event { return Event{change: true, kind: field, value: value} }

// Comment is a comment of the person from under a post.
func Comment(from, text string) Event {
	return Change("comments", object{
		"id": "180" + random(digits, 14), "text": text,
		"from":  object{"id": from, "username": "user" + from},
		"media": object{"id": "179" + random(digits, 14), "media_product_type": "FEED"},
	})
}

// Reaction is the same person's reaction to the message e. Its action is "react" or "unreact".
func (e Event) Reaction(action string) Event {
	value := object{"mid": e.MID(), "action": action}
	if action == "react" {
		value["reaction"], value["emoji"] = "love", "❤️"
	}
	return newEvent("reaction", e.from, e.to, value)
}

// Edit is the num-th edit of the message e; With("num_edit", "1") makes the number a text.
func (e Event) Edit(num int, text string) Event {
	return newEvent("message_edit", e.from, e.to, object{"mid": e.MID(), "text": text, "num_edit": num})
}

// Deleted is the message e, unsent by its sender.
func (e Event) Deleted() Event {
	return newEvent("message", e.from, e.to, object{"mid": e.MID(), "is_deleted": true})
}

// Read is the news that the message e, an Echo, was read by whom it went to.
func (e Event) Read() Event { return newEvent("read", e.to, e.from, object{"mid": e.MID()}) }

// MID returns the id of the message that e is or is about, "" if it has none.
func (e Event) MID() string {
	value, _ := e.value.(object)
	mid, _ := value["mid"].(string)
	return mid
}

// With sets a member such as mid, attachments or is_self. It panics on a Change whose value is no
// object of this package's making.
func (e Event) With(name string, value any) Event {
	members := maps.Clone(e.value.(object))
	members[name] = value
	e.value = members
	return e
}

// At sets the event's own time.
func (e Event) At(t time.Time) Event { e.at = t; return e }

// wire is e as it stands in its list, and the list's name.
func (e Event) wire() (list string, item object) {
	if e.change {
		return "changes", object{"field": e.kind, "value": e.value}
	}
	return "messaging", object{
		"sender": object{"id": e.from}, "recipient": object{"id": e.to}, "timestamp": e.at.UnixMilli(), e.kind: e.value,
	}
}

// Entry is what happened to one account.
type Entry struct {
	Account string    // the Instagram account's id; in one of Meta's samples the Page's
	Time    time.Time // of sending; zero: Sim.Now
	Events  []Event
}

// Delivery is the body of a delivery with one entry, of any number of events. It panics on an
// event that cannot be written as JSON.
func (s *Sim) Delivery(account string, events ...Event) []byte {
	return s.DeliveryOf(Entry{Account: account, Events: events})
}

// DeliveryOf is the body of a delivery with these entries. Meta puts up to 1,000 events into one.
func (s *Sim) DeliveryOf(entries ...Entry) []byte {
	list := make([]object, len(entries))
	for i, e := range entries {
		if e.Time.IsZero() {
			e.Time = s.Now()
		}
		list[i] = object{"id": e.Account, "time": e.Time.UnixMilli()}
		for _, event := range e.Events {
			name, item := event.wire()
			events, _ := list[i][name].([]object)
			list[i][name] = append(events, item)
		}
	}
	return escape(encode(object{"object": "instagram", "entry": list}))
}

// Batch is n events, made one after the other.
func Batch(n int, each func(i int) Event) []Event {
	var events []Event
	for i := range n {
		events = append(events, each(i))
	}
	return events
}

// Shuffled is the events in another order, the same for the same seed.
func Shuffled(seed uint64, events ...Event) []Event {
	all := slices.Clone(events)
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// escape writes JSON as Meta does, in ASCII with \u escapes and with \/ for a slash: whoever signs
// what he decoded and encoded again gets another signature.
func escape(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '/': // in JSON only within strings
			out = append(out, `\/`...)
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
		text = text[n:]
	}
	return out
}
