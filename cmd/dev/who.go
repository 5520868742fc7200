package main

import (
	"cmp"
	"errors"
	"net/http"

	"igconnect/internal/metasim"
	"igconnect/lib/identity"
)

// visitor is whom igconnect takes the person at the browser for.
type visitor struct {
	User    string // e-mail address, or the id where that is not known; "": nobody is signed in
	Ended   bool   // there is a session in the cookie, which is good no longer
	Trouble string // why it is not known
	InApp   string // id of who is signed in in the simulated app, whatever igconnect knows; "": nobody
}

// visitor asks what the functions ask: whose the session in the cookie is, now.
func (s *system) visitor(r *http.Request) visitor {
	v, email := visitor{}, ""
	switch {
	case s.env.supabaseUsers():
		email = signedInAs(r, s.env.cookieName())
	case s.played != nil:
		person, _ := s.played.SignedIn(r)
		v.InApp = person.ID
	}
	if s.app == nil || s.app.Identity == nil {
		return v
	}
	user, err := s.app.Identity.CurrentUser(r.Context(), identity.Credentials{Cookies: r.Cookies()})
	switch {
	case errors.Is(err, identity.ErrSignedOut):
		v.Ended = email != "" || hasCookie(r, s.env["JWT_COOKIE"])
	case err != nil:
		v.Trouble = sentence(err)
	default:
		v.User = cmp.Or(email, user)
	}
	return v
}

func hasCookie(r *http.Request, name string) bool {
	_, err := r.Cookie(name)
	return err == nil
}

// allowing are the people who allow the app at the simulated Meta.
func (s *system) allowing() (names []string) {
	for _, p := range metasim.Demo() {
		if s.meta != nil && s.meta.Consented(p.ID) {
			names = append(names, p.Name)
		}
	}
	return names
}
