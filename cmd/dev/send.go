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

	"igconnect/internal/metasim"
)

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
	result := &sent{}
	if err == nil {
		result.Rounds, err = s.sendMessages(r.Context(), form)
	}
	switch {
	case errors.Is(err, metasim.ErrNotSubscribed):
		result.Trouble = "Meta has nothing to deliver: the account's Page is not subscribed. Connect the account again; a restart of this server made the simulated Meta forget it."
	case err != nil:
		result.Trouble = sentence(err)
	}
	s.show(func(f *forms) { f.Form, f.Sent = form, result })
	http.Redirect(w, r, "/dev/#send", http.StatusSeeOther)
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
	var rounds []round
	when := "Delivered"
	if form.FailFirst {
		mend := s.proxy.Order(inboxFails)
		statuses, err := s.deliverAll(ctx, bodies, form)
		if err := errors.Join(err, mend()); err != nil {
			return nil, err
		}
		rounds, when = []round{{"With the database down", statuses}}, "Delivered again"
	}
	statuses, err := s.deliverAll(ctx, bodies, form)
	if err != nil {
		return nil, err
	}
	return append(rounds, round{when, statuses}), nil
}

// deliverAll returns the status of each answer. Nothing is an error but that Meta would not
// deliver.
func (s *system) deliverAll(ctx context.Context, bodies [][]byte, form messageForm) (all []int, err error) {
	times := 1
	if form.FiveTimes {
		times = 5
	}
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
