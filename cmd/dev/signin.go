package main

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// demoUser is a user of the app that is being developed.
type demoUser struct{ Name, Email string }

var demoUsers = []demoUser{{"Ada", "ada@example.com"}, {"Ben", "ben@example.com"}}

// demoPassword guards nothing: the project is thrown away at will.
const demoPassword = "demo-password-of-no-worth"

// signInPage is what /dev/sign-in shows.
type signInPage struct {
	Users    []demoUser // empty: an e-mail address and a password are asked for
	ReturnTo string
	Notice   string
}

func (s *system) signInPage(returnTo, notice string) signInPage {
	p := signInPage{ReturnTo: returnTo, Notice: notice}
	if s.supabase != nil {
		p.Users = demoUsers
	}
	return p
}

func (s *system) showSignIn(w http.ResponseWriter, r *http.Request) {
	returnTo := r.URL.Query().Get("return_to")
	if _, ok := s.ownPath(returnTo); !ok {
		s.refuseReturn(w)
		return
	}
	s.render(w, http.StatusOK, "sign-in.html", s.signInPage(returnTo, ""))
}

// signIn makes a session and sets its cookie, for one of the demo users or for
// a user of a real project.
func (s *system) signIn(w http.ResponseWriter, r *http.Request) {
	target, ok := s.ownPath(r.PostFormValue("return_to"))
	if !ok {
		s.refuseReturn(w)
		return
	}
	supabase := auth{s.env.supabaseURL(), s.anonKey}
	logIn := supabase.signIn
	email, password := r.PostFormValue("email"), r.PostFormValue("password")
	if s.supabase != nil {
		logIn, password = supabase.demoSession, demoPassword
	}
	session, err := logIn(r.Context(), email, password)
	if err != nil {
		status := http.StatusBadGateway
		if errors.Is(err, errRefused) {
			status = http.StatusUnauthorized
		}
		s.render(w, status, "sign-in.html", s.signInPage(r.PostFormValue("return_to"), sentence(err)))
		return
	}
	for _, c := range sessionCookies(r, s.env.cookieName(), session) {
		http.SetCookie(w, c)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (s *system) signOut(w http.ResponseWriter, r *http.Request) {
	for _, c := range sessionCookies(r, s.env.cookieName(), nil) {
		http.SetCookie(w, c)
	}
	http.Redirect(w, r, "/dev/", http.StatusSeeOther)
}

func (s *system) refuseReturn(w http.ResponseWriter) {
	s.render(w, http.StatusBadRequest, "refused.html", nil)
}

// ownPath turns return_to into a path of this server, or refuses it. The
// default is /dev/. What a browser would take for another host (//, /\, a
// backslash or a control character anywhere) is not a path.
func (s *system) ownPath(returnTo string) (string, bool) {
	if returnTo == "" {
		return "/dev/", true
	}
	path := strings.TrimPrefix(returnTo, s.origin)
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(c rune) bool { return c == '\\' || c <= ' ' || c == 0x7f }) {
		return "", false
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return "", false
	}
	return path, true
}
