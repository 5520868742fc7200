package metasim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// maxBatch is how many events Meta puts into one delivery.
const maxBatch = 1000

// Entry is what happened to one account.
type Entry struct {
	Account string    // the Instagram account's id; in one of Meta's samples the Page's
	Time    time.Time // of sending; zero: Sim.Now
	Events  []Event
}

// Delivery is the body of a delivery with one entry, of any number of events. It panics on an
// event that cannot be written as JSON.
func (s *Sim) Delivery(account string, events ...Event) []byte {
	return s.body([]Entry{{Account: account, Events: events}})
}

// Deliveries packs the entries, in order, into as few deliveries as Meta's limit of 1,000 events
// allows; where it must, it splits an entry.
func (s *Sim) Deliveries(entries ...Entry) [][]byte {
	var bodies [][]byte
	var batch []Entry
	room := maxBatch
	for _, e := range entries {
		for len(e.Events) > 0 {
			n := min(room, len(e.Events))
			batch = append(batch, Entry{e.Account, e.Time, e.Events[:n]})
			e.Events = e.Events[n:]
			if room -= n; room == 0 {
				bodies = append(bodies, s.body(batch))
				batch, room = nil, maxBatch
			}
		}
	}
	if batch != nil {
		bodies = append(bodies, s.body(batch))
	}
	return bodies
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

func (s *Sim) body(entries []Entry) []byte {
	list := make([]object, len(entries))
	for i, e := range entries {
		if e.Time.IsZero() {
			e.Time = s.Now()
		}
		list[i] = e.wire()
	}
	return escape(encode(object{"object": "instagram", "entry": list}))
}

func (e Entry) wire() object {
	has := func(option func(Event) bool) bool { return slices.ContainsFunc(e.Events, option) }
	o := object{
		"id":   wireID(e.Account, has(func(e Event) bool { return e.numeric })),
		"time": wireTime(e.Time, has(func(e Event) bool { return e.seconds })),
	}
	for _, event := range e.Events {
		events, _ := o[event.list].([]object)
		o[event.list] = append(events, event.wire())
	}
	return o
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
