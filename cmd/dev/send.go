package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	aboutLast   bool
	create      func(f messageForm, c *conversation) metasim.Event
}

var kinds = []kind{
	{"message", "writes a message", false, writeMessage},
	{"reaction", "loves their last message", true, func(_ messageForm, c *conversation) metasim.Event { return c.last.Reaction("react") }},
	{"postback", "presses a button with the text", false, func(f messageForm, _ *conversation) metasim.Event {
		return metasim.Postback(f.Person, f.Account, f.Text, "PRESSED")
	}},
	{"comment", "comments on a post", false, func(f messageForm, _ *conversation) metasim.Event { return metasim.Comment(f.Person, f.Text) }},
	{"edit", "edits their last message", true, func(f messageForm, c *conversation) metasim.Event {
		c.edits++
		return c.last.Edit(c.edits, f.Text)
	}},
	{"deleted", "takes their last message back", true, func(_ messageForm, c *conversation) metasim.Event {
		deleted := c.last.Deleted()
		c.last = nil
		return deleted
	}},
}

func writeMessage(f messageForm, c *conversation) metasim.Event {
	message := metasim.Message(f.Person, f.Account, f.Text)
	*c = conversation{last: &message}
	return message
}

func kindNamed(name string) (kind, bool) {
	return find(kinds, func(k kind) bool { return k.Name == name })
}

// readMessageForm reads the form. The account is not checked: a message to one that nobody
// connected may be sent too.
func readMessageForm(r *http.Request) (messageForm, error) {
	form := messageForm{
		Account: r.PostFormValue("account"), Person: r.PostFormValue("person"), Kind: r.PostFormValue("kind"),
		Text:      strings.TrimSpace(r.PostFormValue("text")),
		FiveTimes: r.PostFormValue("five") != "", OutOfOrder: r.PostFormValue("disorder") != "", FailFirst: r.PostFormValue("fail") != "",
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
func (f messageForm) events(c *conversation) (events []metasim.Event) {
	k, _ := kindNamed(f.Kind)
	texts := []string{f.Text}
	if f.OutOfOrder && !k.aboutLast {
		texts = []string{f.Text + " (1)", f.Text + " (2)", f.Text + " (3)"}
	}
	if k.aboutLast && (c.last == nil || f.OutOfOrder) {
		f.Text = "A message to begin with"
		events = append(events, writeMessage(f, c))
	}
	for _, f.Text = range texts {
		events = append(events, k.create(f, c))
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

// sent is what came back for a form.
type sent struct {
	Trouble string // why it was not sent
	Rounds  []round
}

// round is the answers to deliveries that went out together.
type round struct {
	When     string
	Statuses []int // 0: no answer
}

// Tally counts the answers, as in "5 × 200".
func (r round) Tally() string {
	var parts []string
	for i := 0; i < len(r.Statuses); {
		n := 1
		for i+n < len(r.Statuses) && r.Statuses[i+n] == r.Statuses[i] {
			n++
		}
		status := strconv.Itoa(r.Statuses[i])
		if r.Statuses[i] == 0 {
			status = "no answer"
		}
		parts = append(parts, fmt.Sprintf("%d × %s", n, status))
		i += n
	}
	return strings.Join(parts, ", ")
}

// Acknowledged reports whether Meta is content with all answers.
func (r round) Acknowledged() bool {
	return !slices.ContainsFunc(r.Statuses, func(status int) bool { return status != http.StatusOK })
}

// needSimulators refuses where something real would be touched: with the real Meta messages are
// real, and in a real project's inbox they would lie among real ones.
func (s *system) needSimulators(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.meta == nil || s.supabase == nil {
			http.Error(w, "This is simulated only where both Meta and Supabase are.", http.StatusBadRequest)
			return
		}
		h(w, r)
	}
}

// send answers the form *Send a message*.
func (s *system) send(w http.ResponseWriter, r *http.Request) {
	form, err := readMessageForm(r)
	var result sent
	if err == nil {
		result.Rounds, err = s.sendMessages(r.Context(), form)
	}
	switch {
	case errors.Is(err, metasim.ErrNotSubscribed):
		result.Trouble = "Meta has nothing to deliver: the account's Page is not subscribed, or the app was removed. Connect the account again."
	case err != nil:
		result.Trouble = sentence(err)
	}
	s.show(func(f *forms) { f.Used, f.Form, f.Sent = "messages", form, &result })
	http.Redirect(w, r, "/dev/#messages", http.StatusSeeOther)
}

// sendMessages makes the events that a form asks for and delivers them.
func (s *system) sendMessages(ctx context.Context, form messageForm) ([]round, error) {
	s.serving.Lock()
	defer s.serving.Unlock()
	c, _ := s.conversations.LoadOrStore(form.Account+"/"+form.Person, &conversation{})
	return s.deliver(ctx, s.deliveries(form, form.events(c.(*conversation))), form)
}

// deliver posts the bodies to /api/webhook, one after the other. With FailFirst the database is
// down for all of them, and Meta delivers again when it is back.
func (s *system) deliver(ctx context.Context, bodies [][]byte, form messageForm) ([]round, error) {
	if !form.FailFirst {
		delivered, err := s.deliverAll(ctx, "Delivered", bodies, form)
		return []round{delivered}, err
	}
	mend := s.proxy.Order(inboxFails)
	failed, err := s.deliverAll(ctx, "With the database down", bodies, form)
	if err := errors.Join(err, mend()); err != nil {
		return nil, err
	}
	delivered, err := s.deliverAll(ctx, "Delivered again", bodies, form)
	return []round{failed, delivered}, err
}

// deliverAll returns the status of each answer. Nothing is an error but that Meta would not
// deliver.
func (s *system) deliverAll(ctx context.Context, when string, bodies [][]byte, form messageForm) (round, error) {
	all, times := round{When: when}, 1
	if form.FiveTimes {
		times = 5
	}
	for _, body := range bodies {
		statuses, errs := make([]int, times), make([]error, times)
		var group sync.WaitGroup
		for i := range times {
			group.Go(func() { statuses[i], errs[i] = s.meta.Deliver(ctx, s.at.main+"/api/webhook", body) })
		}
		group.Wait()
		if err := errors.Join(errs...); errors.Is(err, metasim.ErrNotSubscribed) {
			return all, err
		}
		all.Statuses = append(all.Statuses, statuses...)
	}
	return all, nil
}
