package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"igconnect/internal/metasim"
)

// maxText is what Instagram allows a message, in bytes.
const maxText = 1000

// order is what the form *Send a message* asks for.
type order struct {
	Account, Person string // ids
	Kind, Text      string
	FiveTimes       bool // each delivery five times at once
	OutOfOrder      bool // several events, the last one first
	FailFirst       bool // the database is down at the first deliveries
}

// writer is somebody on Instagram, by the id that the app sees.
type writer struct{ ID, Name string }

var writers = []writer{{"7700112233440001", "Nils"}, {"7700112233440002", "Olga"}, {"7700112233440003", "Pia"}}

// kind is something that a writer does.
type kind struct {
	Name, Label string
	make        func(order) metasim.Event
	about       func(t *talk, text string) metasim.Event // in place of make: about their last message
}

var kinds = []kind{
	{Name: "message", Label: "writes a message", make: func(o order) metasim.Event { return metasim.Message(o.Person, o.Account, o.Text) }},
	{Name: "reaction", Label: "loves their last message", about: func(t *talk, _ string) metasim.Event { return t.last.Reaction("react") }},
	{Name: "postback", Label: "presses a button with the text", make: func(o order) metasim.Event {
		return metasim.Postback(o.Person, o.Account, o.Text, "PRESSED")
	}},
	{Name: "comment", Label: "comments on a post", make: func(o order) metasim.Event { return metasim.Comment(o.Person, o.Text) }},
	{Name: "edit", Label: "edits their last message", about: func(t *talk, text string) metasim.Event { t.edits++; return t.last.Edit(t.edits, text) }},
	{Name: "deleted", Label: "takes their last message back", about: func(t *talk, _ string) metasim.Event { t.over = true; return t.last.Deleted() }},
}

// talk is what a writer's next event may be about.
type talk struct {
	last  metasim.Event // a message
	edits int           // of it
	over  bool          // there is no last message, or none any more
}

func kindNamed(name string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.Name == name })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// readOrder reads the form. The account is not checked: a message to one that
// nobody connected may be sent too.
func readOrder(r *http.Request) (order, error) {
	o := order{
		Account: r.PostFormValue("account"), Person: r.PostFormValue("person"), Kind: r.PostFormValue("kind"),
		Text:      strings.TrimSpace(r.PostFormValue("text")),
		FiveTimes: r.PostFormValue("five") != "", OutOfOrder: r.PostFormValue("disorder") != "", FailFirst: r.PostFormValue("fail") != "",
	}
	_, known := kindNamed(o.Kind)
	switch {
	case !known || o.Account == "" || !slices.ContainsFunc(writers, func(w writer) bool { return w.ID == o.Person }):
		return o, errors.New("choose an account, who writes and what they do")
	case o.Text == "":
		return o, errors.New("write a text first")
	case len(o.Text) > maxText || !utf8.ValidString(o.Text):
		return o, fmt.Errorf("the text is too long: Instagram allows %d bytes", maxText)
	}
	return o, nil
}

// events makes the events of an order, in the order in which they happen. What
// is about a message comes with one if the writer has none, or if the two
// shall arrive in the wrong order.
func (o order) events(t *talk) []metasim.Event {
	k, _ := kindNamed(o.Kind)
	var events []metasim.Event
	switch {
	case k.about != nil:
		if t.over || o.OutOfOrder {
			*t = talk{last: metasim.Message(o.Person, o.Account, "A message to begin with")}
			events = append(events, t.last)
		}
		events = append(events, k.about(t, o.Text))
	case o.OutOfOrder:
		for i := range 3 {
			numbered := o
			numbered.Text = fmt.Sprintf("%s (%d)", o.Text, i+1)
			events = append(events, k.make(numbered))
		}
	default:
		events = append(events, k.make(o))
	}
	if k.Name == "message" {
		*t = talk{last: events[len(events)-1]}
	}
	return events
}

// deliveries makes one signed body an event, a millisecond apart.
func (s *system) deliveries(o order, events []metasim.Event) [][]byte {
	var bodies [][]byte
	now := s.meta.Now()
	for i, e := range events {
		at := now.Add(time.Duration(i-len(events)+1) * time.Millisecond)
		if o.Kind != "comment" { // which has no time of its own
			e = e.At(at)
		}
		bodies = append(bodies, s.meta.Deliveries(metasim.Entry{Account: o.Account, Time: at, Events: []metasim.Event{e}})...)
	}
	if o.OutOfOrder {
		slices.Reverse(bodies)
	}
	return bodies
}
