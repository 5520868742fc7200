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

// messageForm is what the form *Send a message* asks for.
type messageForm struct {
	Account, Person string // ids
	Kind, Text      string
	FiveTimes       bool // each delivery five times at once
	OutOfOrder      bool // several events, the last one first
	FailFirst       bool // the database is down at the first deliveries
}

// choice is one of a form.
type choice struct{ ID, Name string }

// senders are people on Instagram, by the ids that the app sees.
var senders = []choice{{"7700112233440001", "Nils"}, {"7700112233440002", "Olga"}, {"7700112233440003", "Pia"}}

// conversation is what a sender's next event may be about.
type conversation struct {
	last  *metasim.Event // message; nil before the first one and after it is deleted
	edits int            // of it
}

// kind is something that a sender does: something new, or something about their last message.
type kind struct {
	Name, Label string
	create      func(messageForm) metasim.Event
	about       func(c *conversation, text string) metasim.Event
}

var kinds = []kind{
	{Name: "message", Label: "writes a message", create: func(f messageForm) metasim.Event {
		return metasim.Message(f.Person, f.Account, f.Text)
	}},
	{Name: "reaction", Label: "loves their last message", about: func(c *conversation, _ string) metasim.Event {
		return c.last.Reaction("react")
	}},
	{Name: "postback", Label: "presses a button with the text", create: func(f messageForm) metasim.Event {
		return metasim.Postback(f.Person, f.Account, f.Text, "PRESSED")
	}},
	{Name: "comment", Label: "comments on a post", create: func(f messageForm) metasim.Event {
		return metasim.Comment(f.Person, f.Text)
	}},
	{Name: "edit", Label: "edits their last message", about: func(c *conversation, text string) metasim.Event {
		c.edits++
		return c.last.Edit(c.edits, text)
	}},
	{Name: "deleted", Label: "takes their last message back", about: func(c *conversation, _ string) metasim.Event {
		deleted := c.last.Deleted()
		c.last = nil
		return deleted
	}},
}

func kindNamed(name string) (kind, bool) {
	return find(kinds, func(k kind) bool { return k.Name == name })
}

// readMessageForm reads the form. The account is not checked: a message to one that nobody
// connected may be sent too.
func readMessageForm(r *http.Request) (messageForm, error) {
	form := messageForm{
		Account: r.PostFormValue("account"), Person: r.PostFormValue("person"), Kind: r.PostFormValue("kind"),
		Text:       strings.TrimSpace(r.PostFormValue("text")),
		FiveTimes:  r.PostFormValue("five") != "",
		OutOfOrder: r.PostFormValue("disorder") != "",
		FailFirst:  r.PostFormValue("fail") != "",
	}
	_, known := kindNamed(form.Kind)
	_, knownSender := find(senders, func(s choice) bool { return s.ID == form.Person })
	switch {
	case !known || !knownSender || form.Account == "":
		return form, errors.New("choose an account, who writes and what they do")
	case form.Text == "":
		return form, errors.New("write a text first")
	case len(form.Text) > maxText || !utf8.ValidString(form.Text):
		return form, fmt.Errorf("the text is too long: Instagram allows %d bytes", maxText)
	}
	return form, nil
}

// events makes the events that a form asks for, in the order in which they happen. What is about a
// message comes with one if the sender has none, or if the two shall arrive in the wrong order.
func (f messageForm) events(c *conversation) []metasim.Event {
	k, _ := kindNamed(f.Kind)
	var events []metasim.Event
	switch {
	case k.about != nil:
		if c.last == nil || f.OutOfOrder {
			message := metasim.Message(f.Person, f.Account, "A message to begin with")
			*c = conversation{last: &message}
			events = append(events, message)
		}
		events = append(events, k.about(c, f.Text))
	case f.OutOfOrder:
		for i := range 3 {
			numbered := f
			numbered.Text = fmt.Sprintf("%s (%d)", f.Text, i+1)
			events = append(events, k.create(numbered))
		}
	default:
		events = append(events, k.create(f))
	}
	if k.Name == "message" {
		*c = conversation{last: &events[len(events)-1]}
	}
	return events
}

// deliveries makes one signed body an event, a millisecond apart.
func (s *system) deliveries(form messageForm, events []metasim.Event) [][]byte {
	var bodies [][]byte
	now := s.meta.Now()
	for i, e := range events {
		at := now.Add(time.Duration(i-len(events)+1) * time.Millisecond)
		if form.Kind != "comment" { // which has no time of its own
			e = e.At(at)
		}
		bodies = append(bodies, s.meta.DeliveryOf(metasim.Entry{Account: form.Account, Time: at, Events: []metasim.Event{e}}))
	}
	if form.OutOfOrder {
		slices.Reverse(bodies)
	}
	return bodies
}
