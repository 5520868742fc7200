package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"igconnect/internal/metasim"
)

// mail is what was sent on the page, and what a worker did about it.
type mail struct {
	sending sync.Mutex // one order at a time: they share the database

	mu     sync.Mutex
	talks  map[string]*talk // by account and writer
	order  order            // the last one, for the form
	sent   *sent
	worked *worked
}

// sent is what came back for an order.
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
	for _, status := range r.Statuses {
		if status != http.StatusOK {
			return false
		}
	}
	return true
}

// simulated reports whether messages can be simulated: with the real Meta they
// are real, and in a real project's inbox they would lie among real ones.
func (s *system) simulated() bool { return s.meta != nil && s.supabase != nil }

// needSimulators refuses where something real would be touched.
func (s *system) needSimulators(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.simulated() {
			http.Error(w, "This is simulated only where both Meta and Supabase are.", http.StatusBadRequest)
			return
		}
		h(w, r)
	}
}

// send delivers what the form asks for.
func (s *system) send(w http.ResponseWriter, r *http.Request) {
	o, err := readOrder(r)
	result := &sent{}
	if err == nil {
		result.Rounds, err = s.carryOut(r.Context(), o)
	}
	switch {
	case errors.Is(err, metasim.ErrNotSubscribed):
		result.Trouble = "Meta has nothing to deliver: the account's Page is not subscribed. Connect the account again; a restart of this server made the simulated Meta forget it."
	case err != nil:
		result.Trouble = sentence(err)
	}
	s.mail.mu.Lock()
	s.mail.order, s.mail.sent = o, result
	s.mail.mu.Unlock()
	http.Redirect(w, r, "/dev/#send", http.StatusSeeOther)
}

// carryOut makes the events of an order and delivers them.
func (s *system) carryOut(ctx context.Context, o order) ([]round, error) {
	s.mail.sending.Lock()
	defer s.mail.sending.Unlock()
	return s.deliver(ctx, s.deliveries(o, o.events(s.talk(o))), o)
}

// talk returns what the writer's next event may be about. The caller holds
// s.mail.sending.
func (s *system) talk(o order) *talk {
	key := o.Account + "/" + o.Person
	if s.mail.talks == nil {
		s.mail.talks = map[string]*talk{}
	}
	if s.mail.talks[key] == nil {
		s.mail.talks[key] = &talk{over: true}
	}
	return s.mail.talks[key]
}

// deliver posts the bodies to /api/webhook, one after the other. With
// FailFirst the database is down for all of them, and Meta delivers again when
// it is back.
func (s *system) deliver(ctx context.Context, bodies [][]byte, o order) ([]round, error) {
	var rounds []round
	if o.FailFirst {
		mend := s.proxy.Order(inboxFails)
		statuses, err := s.deliverAll(ctx, bodies, o)
		if err := errors.Join(err, mend()); err != nil {
			return nil, err
		}
		rounds = append(rounds, round{"With the database down", statuses})
	}
	statuses, err := s.deliverAll(ctx, bodies, o)
	if err != nil {
		return nil, err
	}
	when := "Delivered"
	if o.FailFirst {
		when = "Delivered again"
	}
	return append(rounds, round{when, statuses}), nil
}

// deliverAll returns the status of each answer. Nothing is an error but that
// Meta would not deliver.
func (s *system) deliverAll(ctx context.Context, bodies [][]byte, o order) ([]int, error) {
	times := 1
	if o.FiveTimes {
		times = 5
	}
	var all []int
	for _, body := range bodies {
		statuses, errs := make([]int, times), make([]error, times)
		var group sync.WaitGroup
		for i := range times {
			group.Go(func() { statuses[i], errs[i] = s.meta.Deliver(ctx, s.url+"/api/webhook", body) })
		}
		group.Wait()
		if err := errors.Join(errs...); errors.Is(err, metasim.ErrNotSubscribed) {
			return nil, err
		}
		all = append(all, statuses...)
	}
	return all, nil
}
