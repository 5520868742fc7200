package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// life is what the buttons under *What happens to a connection* did.
type life struct {
	acting sync.Mutex // one button at a time
	lost   []owner    // whose role on the Page is gone; guarded by acting

	mu     sync.Mutex
	chosen string // key of the owner, for the form
	came   *came
}

// came is what came of a button: one line, what it led to and what to look at.
type came struct {
	Text    string
	Trouble bool
	Link    string // of a page to look at; "": none
	JSON    string // what a function answered; "": nothing to show
}

// owner is a connected account and the Facebook person whose token it lives by.
type owner struct {
	Key      string // for the form
	Username string
	Person   string // id
	Name     string // of the person
	Page     string // id
}

// act is a button. Those of a connection get its owner; the others a zero one.
type act struct {
	Name, Label string
	about       bool // a connection
	do          func(*system, context.Context, owner) (came, error)
}

func actNamed(name string) (act, bool) {
	all := slices.Concat(leaps, fates, calls)
	i := slices.IndexFunc(all, func(a act) bool { return a.Name == name })
	if i < 0 {
		return act{}, false
	}
	return all[i], true
}

// addLife adds what the page shows of all this.
func (s *system) addLife(o *overview) {
	o.Owners, o.Leaps, o.Fates, o.Calls = owners(o.Connected), leaps, fates, calls
	if days := int(s.ahead.leapt().Hours() / 24); days > 0 {
		o.Leapt = plural(days, "day")
	}
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	o.Chosen, o.Came = s.life.chosen, s.life.came
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// live presses a button of the page.
func (s *system) live(w http.ResponseWriter, r *http.Request) {
	a, ok := actNamed(r.PostFormValue("name"))
	if !ok {
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	chosen := r.PostFormValue("owner")
	result, err := s.act(r.Context(), a, chosen)
	if err != nil {
		result = came{Text: sentence(err), Trouble: true}
	}
	s.life.mu.Lock()
	if a.about {
		s.life.chosen = chosen
	}
	s.life.came = &result
	s.life.mu.Unlock()
	http.Redirect(w, r, "/dev/#life", http.StatusSeeOther)
}

func (s *system) act(ctx context.Context, a act, chosen string) (came, error) {
	s.life.acting.Lock()
	defer s.life.acting.Unlock()
	var o overview
	if err := s.connections(ctx, &o); err != nil {
		return came{}, err
	}
	all := owners(o.Connected)
	i := slices.IndexFunc(all, func(one owner) bool { return one.Key == chosen })
	switch {
	case !a.about:
		return a.do(s, ctx, owner{})
	case i < 0:
		return came{}, errors.New("choose an account that is connected")
	}
	return a.do(s, ctx, all[i])
}
