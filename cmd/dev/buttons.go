package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"igconnect/internal/metasim"
)

// outcome is what came of a button: one line, and what to look at.
type outcome struct {
	Text    string
	Trouble bool
	Link    string // of a page to look at; "": none
	JSON    string // what a function answered; "": nothing to show
}

// button is one of the page. Those about a connection get its owner, the others a zero one.
type button struct {
	Name, Label     string
	aboutConnection bool
	press           func(*system, context.Context, owner) (outcome, error)
}

// The buttons of the page, in its order.
var (
	clockButtons = []button{
		later(1, "Every connection is due to be checked again"),
		later(50, "A token of 60 days made before has 10 days left, so /api/renew exchanges it"),
		later(60, "A token made before has run out, if nobody renewed it on the way"),
		later(100, "Tokens made before have run out, and so has the consent, which lasts 90 days"),
	}
	facebookButtons = []button{ // what people do at Facebook, and what Meta then calls
		{"password", "Change the password", true, done((*metasim.Sim).ChangePassword,
			" changed the Facebook password, which ended all tokens.")},
		{"remove", "Remove the app", true, done((*metasim.Sim).RemoveApp,
			" removed the app at Facebook, and Meta's call was lost.")},
		{"lose-role", "Lose the role on the Page", true, loseRole},
		{"regain-role", "Get the role back", true, regainRole},
		{"deauthorize", "Meta calls /api/deauthorize", true, deauthorize},
		{"deletion", "Meta calls /api/deletion", true, askDeletion},
	}
	operatorButtons = []button{
		{"renew", "Run /api/renew now", false, renew},
		{"health", "Show /api/health", false, showHealth},
	}
)

func buttonNamed(name string) (button, bool) {
	all := slices.Concat(clockButtons, facebookButtons, operatorButtons)
	return find(all, func(b button) bool { return b.Name == name })
}

// find returns the first element that fits, and reports whether there is one.
func find[T any](all []T, fits func(T) bool) (found T, ok bool) {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], true
	}
	return found, false
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// pressButton answers the form of a button.
func (s *system) pressButton(w http.ResponseWriter, r *http.Request) {
	b, ok := buttonNamed(r.PostFormValue("name"))
	if !ok {
		http.Error(w, "There is no such button.", http.StatusBadRequest)
		return
	}
	chosen := r.PostFormValue("owner")
	result, err := s.press(r.Context(), b, chosen)
	if err != nil {
		result = outcome{Text: sentence(err), Trouble: true}
	}
	s.show(func(f *forms) {
		if f.Outcome = &result; b.aboutConnection {
			f.Chosen = chosen
		}
	})
	http.Redirect(w, r, "/dev/#life", http.StatusSeeOther)
}

func (s *system) press(ctx context.Context, b button, chosen string) (outcome, error) {
	s.serving.Lock()
	defer s.serving.Unlock()
	var o overview
	if err := s.connections(ctx, &o); err != nil {
		return outcome{}, err
	}
	about, ok := find(o.Owners(), func(one owner) bool { return one.Key == chosen })
	if b.aboutConnection && !ok {
		return outcome{}, errors.New("choose an account that is connected")
	}
	return b.press(s, ctx, about)
}
