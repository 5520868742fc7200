package metasim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
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
	list     string // the member of the entry that it stands in
	kind     string // the member that holds value; of a plain change its field
	value    any    // an object, except in a plain change
	from, to string // sender and recipient
	at       time.Time
	seconds  bool // see Seconds
	numeric  bool // see NumericIDs
	plain    bool // see Change
}

// kindFields are the Page fields that carry each kind. Reads are missing: no Page field is known
// for them (Meta's messaging_seen is the app's).
var kindFields = map[string]string{
	"message": "messages", "message_edit": "message_edits", "reaction": "message_reactions",
	"postback": "messaging_postbacks", "referral": "messaging_referrals",
}

func newEvent(kind, from, to string, value object) Event {
	return Event{list: "messaging", kind: kind, from: from, to: to, value: value, at: time.Now()}
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

// Unknown is an event of a kind that is not documented (yet), with a mid and nothing else.
func Unknown(from, to, kind string) Event { return newEvent(kind, from, to, object{"mid": newMID()}) }

// Change is an item of the entry's changes: a field of the webhook and any value that can be
// written as JSON. It has no time of its own.
func Change(field string, value any) Event {
	return Event{list: "changes", plain: true, kind: field, value: value}
}

// Comment is a comment of the person from under a post.
func Comment(from, text string) Event {
	return Change("comments", object{
		"id": "180" + random(digits, 14), "text": text,
		"from":  object{"id": from, "username": "user" + from},
		"media": object{"id": "179" + random(digits, 14), "media_product_type": "FEED"},
	})
}

// TestMessage is what the Test button of Meta's dashboard sends, made-up ids, textual timestamp
// and all.
func TestMessage() Event {
	return Change("messages", object{
		"sender": object{"id": "12334"}, "recipient": object{"id": "23245"}, "timestamp": "1527459824",
		"message": object{"mid": "random_mid", "text": "random_text"},
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

// Standby is e as an app gets it that does not own the thread.
func Standby(e Event) Event { e.list = "standby"; return e }

// AsChange is e among the entry's changes, as the dashboard's Test button sends messages.
func AsChange(e Event) Event { e.list = "changes"; return e }

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

// Seconds writes the event's time, and its entry's, in seconds instead of milliseconds.
func (e Event) Seconds() Event { e.seconds = true; return e }

// NumericIDs writes sender and recipient, and the entry's id, as JSON numbers where they are
// digits only.
func (e Event) NumericIDs() Event { e.numeric = true; return e }

// wire is e as it stands in its list.
func (e Event) wire() object {
	if e.plain {
		return object{"field": e.kind, "value": e.value}
	}
	o := object{
		"sender": object{"id": wireID(e.from, e.numeric)}, "recipient": object{"id": wireID(e.to, e.numeric)},
		"timestamp": wireTime(e.at, e.seconds), e.kind: e.value,
	}
	if e.list == "changes" {
		return object{"field": cmp.Or(kindFields[e.kind], e.kind), "value": o}
	}
	return o
}

func wireID(id string, numeric bool) any {
	if _, err := strconv.ParseUint(id, 10, 64); numeric && err == nil {
		return json.Number(id)
	}
	return id
}

func wireTime(t time.Time, seconds bool) int64 {
	if seconds {
		return t.Unix()
	}
	return t.UnixMilli()
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
		o, numeric, seconds := object{}, false, false
		for _, event := range e.Events {
			numeric, seconds = numeric || event.numeric, seconds || event.seconds
			events, _ := o[event.list].([]object)
			o[event.list] = append(events, event.wire())
		}
		o["id"], o["time"] = wireID(e.Account, numeric), wireTime(e.Time, seconds)
		list[i] = o
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
