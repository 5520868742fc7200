package metasim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var sent = time.UnixMilli(1668022333735)

// hello is a message with nothing left to chance.
func hello() Event { return Message("5614", "17841001", "Hi").With("mid", "m1").At(sent) }

// Every kind and option, as it stands in the delivery's entry.
func TestEvents(t *testing.T) {
	const people = `"sender":{"id":"5614"},"recipient":{"id":"17841001"},"timestamp":1668022333735,`
	const back = `"sender":{"id":"17841001"},"recipient":{"id":"5614"},"timestamp":1668022333735,`
	answer := Echo("17841001", "5614", "Yes").With("mid", "m2").At(sent)
	s := New(Config{Now: func() time.Time { return start }})
	for _, tt := range []struct {
		name  string
		event Event
		entry string // besides id and time
	}{
		{"message", hello(), `"messaging":[{` + people + `"message":{"mid":"m1","text":"Hi"}}]`},
		{"a further member", hello().With("is_self", true), `"messaging":[{` + people + `"message":{"mid":"m1","text":"Hi","is_self":true}}]`},
		{"echo", answer, `"messaging":[{` + back + `"message":{"mid":"m2","text":"Yes","is_echo":true}}]`},
		{"deleted", hello().Deleted().At(sent), `"messaging":[{` + people + `"message":{"mid":"m1","is_deleted":true}}]`},
		{"reaction", hello().Reaction("react").At(sent), `"messaging":[{` + people + `"reaction":{"mid":"m1","action":"react","reaction":"love","emoji":"❤️"}}]`},
		{"reaction taken back", hello().Reaction("unreact").At(sent), `"messaging":[{` + people + `"reaction":{"mid":"m1","action":"unreact"}}]`},
		{"edit", hello().Edit(2, "Ho").At(sent), `"messaging":[{` + people + `"message_edit":{"mid":"m1","text":"Ho","num_edit":2}}]`},
		{"edit, its number a text", hello().Edit(2, "Ho").With("num_edit", "2").At(sent), `"messaging":[{` + people + `"message_edit":{"mid":"m1","text":"Ho","num_edit":"2"}}]`},
		{"postback", Postback("5614", "17841001", "Prices", "P1").With("mid", "m3").At(sent), `"messaging":[{` + people + `"postback":{"mid":"m3","title":"Prices","payload":"P1"}}]`},
		{"referral", Referral("5614", "17841001", "ad7").At(sent), `"messaging":[{` + people + `"referral":{"ref":"ad7","source":"SHORTLINK","type":"OPEN_THREAD"}}]`},
		{"read", answer.Read().At(sent), `"messaging":[{` + people + `"read":{"mid":"m2"}}]`},
		{"change", Change("mentions", map[string]string{"media_id": "9"}), `"changes":[{"field":"mentions","value":{"media_id":"9"}}]`},
		{"comment", Comment("5614", "Nice").With("id", "c1").With("media", 7), `"changes":[{"field":"comments","value":{"id":"c1","text":"Nice","from":{"id":"5614","username":"user5614"},"media":7}}]`},
		{"text ids stay text", Message("ig-5614", "17841001", "Hi").With("mid", "m1").At(sent).With("x", 1), `"messaging":[{"sender":{"id":"ig-5614"},"recipient":{"id":"17841001"},"timestamp":1668022333735,"message":{"mid":"m1","text":"Hi","x":1}}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := `{"object":"instagram","entry":[{"id":"17841001","time":1773480413000,` + tt.entry + `}]}`
			if diff := cmp.Diff(parse(want), parse(string(s.Delivery("17841001", tt.event)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// parse keeps the numbers as they are written.
func parse(text string) (value any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err := d.Decode(&value)
	return must(value, err)
}

// An option changes a copy, and an event made without options is complete.
func TestEventCopies(t *testing.T) {
	first := hello()
	second := first.With("mid", "m9").With("is_self", true).At(start)
	if first.MID() != "m1" || second.MID() != "m9" || first.at != sent {
		t.Errorf("first %+v, second %+v", first, second)
	}
	a, b := Message("1", "2", "x"), Message("1", "2", "x")
	if a.MID() == "" || a.MID() == b.MID() {
		t.Errorf("made-up ids %q and %q", a.MID(), b.MID())
	}
	if age := time.Since(a.at); age < 0 || age > time.Minute {
		t.Errorf("happened %v ago", age)
	}
	if got := Referral("1", "2", "x").MID(); got != "" {
		t.Errorf("a referral with the id %q", got)
	}
}

// One body byte for byte: Meta escapes slashes and all that is not ASCII, and
// nothing else that JSON lets stand.
func TestDeliveryBytes(t *testing.T) {
	s := New(Config{Now: func() time.Time { return start }})
	for _, tt := range []struct{ name, got, want string }{
		{"text", string(s.Delivery("1", hello().With("text", "a/b <é> 😀\u2028\x00\""))),
			`{"entry":[{"id":"1","messaging":[{"message":{"mid":"m1","text":"a\/b <\u00e9> \ud83d\ude00\u2028\u0000\""},"recipient":{"id":"17841001"},"sender":{"id":"5614"},"timestamp":1668022333735}],"time":1773480413000}],"object":"instagram"}`},
		{"two entries, in order", string(s.DeliveryOf(Entry{Account: "2"}, Entry{Account: "1"})),
			`{"entry":[{"id":"2","time":1773480413000},{"id":"1","time":1773480413000}],"object":"instagram"}`},
		{"nothing", string(s.Delivery("1")), `{"entry":[{"id":"1","time":1773480413000}],"object":"instagram"}`},
		{"sent at", string(s.DeliveryOf(Entry{"1", sent, []Event{Change("name", nil)}})),
			`{"entry":[{"changes":[{"field":"name","value":null}],"id":"1","time":1668022333735}],"object":"instagram"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want || !json.Valid([]byte(tt.got)) {
				t.Errorf("got\n%s\nwant\n%s", tt.got, tt.want)
			}
		})
	}
}

func TestShuffled(t *testing.T) {
	mids := func(events []Event) (all string) {
		for _, e := range events {
			all += e.MID()
		}
		return all
	}
	events := Batch(26, func(i int) Event { return hello().With("mid", string(rune('a'+i))) })
	one, same, other := mids(Shuffled(1, events...)), mids(Shuffled(1, events...)), mids(Shuffled(2, events...))
	const ordered = "abcdefghijklmnopqrstuvwxyz"
	if one != same || one == other || one == ordered || mids(events) != ordered {
		t.Errorf("seed 1: %s and %s, seed 2: %s, the given events: %s", one, same, other, mids(events))
	}
	if letters := slices.Sorted(slices.Values([]rune(one))); string(letters) != ordered {
		t.Errorf("lost or made up: %s", one)
	}
}
