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
}

// visitor asks what the functions ask: whose the session in the cookie is, now.
func (s *system) visitor(r *http.Request) visitor {
	email := signedInAs(r, s.env.cookieName())
	if s.app == nil || s.app.Identity == nil {
		return visitor{}
	}
	user, err := s.app.Identity.CurrentUser(r.Context(), identity.Credentials{Cookies: r.Cookies()})
	switch {
	case errors.Is(err, identity.ErrSignedOut):
		return visitor{Ended: email != ""}
	case err != nil:
		return visitor{Trouble: sentence(err)}
	}
	return visitor{User: cmp.Or(email, user)}
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
