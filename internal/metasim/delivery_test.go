package metasim

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// One body byte for byte: Meta escapes slashes and all that is not ASCII, and
// nothing else that JSON lets stand.
func TestDeliveryBytes(t *testing.T) {
	s := New(Config{Now: func() time.Time { return start }})
	tests := []struct{ name, got, want string }{
		{"text", string(s.Delivery("1", hello().With("text", "a/b <é> 😀\u2028\x00\""))),
			`{"entry":[{"id":"1","messaging":[{"message":{"mid":"m1","text":"a\/b <\u00e9> \ud83d\ude00\u2028\u0000\""},"recipient":{"id":"17841001"},"sender":{"id":"5614"},"timestamp":1668022333735}],"time":1773480413000}],"object":"instagram"}`},
		{"numbers and seconds", string(s.Delivery("1", hello().NumericIDs().Seconds())),
			`{"entry":[{"id":1,"messaging":[{"message":{"mid":"m1","text":"Hi"},"recipient":{"id":17841001},"sender":{"id":5614},"timestamp":1668022333}],"time":1773480413}],"object":"instagram"}`},
		{"nothing", string(s.Delivery("1")), `{"entry":[{"id":"1","time":1773480413000}],"object":"instagram"}`},
		{"sent at", string(s.Deliveries(Entry{"1", sent, []Event{Change("name", nil)}})[0]),
			`{"entry":[{"changes":[{"field":"name","value":null}],"id":"1","time":1668022333735}],"object":"instagram"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want || !json.Valid([]byte(tt.got)) {
				t.Errorf("got\n%s\nwant\n%s", tt.got, tt.want)
			}
		})
	}
}

func TestDeliveries(t *testing.T) {
	numbered := func(n int) []Event {
		return Batch(n, func(i int) Event { return hello().With("mid", fmt.Sprint(i)) })
	}
	tests := []struct {
		name    string
		entries []int   // events in each
		want    [][]int // the same, in each delivery
	}{
		{"none", nil, nil},
		{"an entry without events", []int{0}, nil},
		{"together", []int{2, 3}, [][]int{{2, 3}}},
		{"just full", []int{999, 1}, [][]int{{999, 1}}},
		{"one entry over the limit", []int{2001}, [][]int{{1000}, {1000}, {1}}},
		{"split where full", []int{600, 600, 5}, [][]int{{600, 400}, {200, 5}}},
	}
	s := New(Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var entries []Entry
			var in, out []string
			for i, n := range tt.entries {
				entries = append(entries, Entry{Account: fmt.Sprint(i), Events: numbered(n)})
				for _, e := range numbered(n) {
					in = append(in, fmt.Sprint(i, "/", e.MID()))
				}
			}
			var got [][]int
			for _, body := range s.Deliveries(entries...) {
				var d struct {
					Entry []struct {
						ID        string
						Messaging []struct{ Message struct{ MID string } }
					}
				}
				if err := json.Unmarshal(body, &d); err != nil {
					t.Fatal(err)
				}
				var sizes []int
				for _, e := range d.Entry {
					sizes = append(sizes, len(e.Messaging))
					for _, m := range e.Messaging {
						out = append(out, fmt.Sprint(e.ID, "/", m.Message.MID))
					}
				}
				got = append(got, sizes)
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("packed as %v, want %v", got, tt.want)
			}
			if !slices.Equal(in, out) {
				t.Errorf("the events differ, or their order")
			}
		})
	}
}

func TestShuffled(t *testing.T) {
	mids := func(events []Event) (all []string) {
		for _, e := range events {
			all = append(all, e.MID())
		}
		return all
	}
	events := Batch(20, func(i int) Event { return hello().With("mid", fmt.Sprintf("%02d", i)) })
	ordered := mids(events)
	one, same, other := mids(Shuffled(1, events...)), mids(Shuffled(1, events...)), mids(Shuffled(2, events...))
	if !slices.Equal(one, same) || slices.Equal(one, other) || slices.Equal(one, ordered) {
		t.Errorf("seed 1: %v and %v, seed 2: %v", one, same, other)
	}
	if !slices.Equal(mids(events), ordered) {
		t.Errorf("the given events were shuffled: %v", mids(events))
	}
	if slices.Sort(one); !slices.Equal(one, ordered) {
		t.Errorf("lost or made up: %v", one)
	}
}
