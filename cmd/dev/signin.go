package main

import (
	"context"
	"encoding/json"
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
		s.render(w, http.StatusBadRequest, "refused.html", nil)
		return
	}
	s.render(w, http.StatusOK, "sign-in.html", s.signInPage(returnTo, ""))
}

// signIn makes a session and sets its cookie, for one of the demo users or for
// a user of a real project.
func (s *system) signIn(w http.ResponseWriter, r *http.Request) {
	target, ok := s.ownPath(r.PostFormValue("return_to"))
	if !ok {
		s.render(w, http.StatusBadRequest, "refused.html", nil)
		return
	}
	session, err := s.session(r.Context(), r.PostFormValue("email"), r.PostFormValue("password"))
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

// session signs somebody in, and a demo user up the first time.
func (s *system) session(ctx context.Context, email, password string) (json.RawMessage, error) {
	if s.supabase == nil {
		return project{url: s.env.supabaseURL(), key: s.env.supabaseKey()}.signIn(ctx, email, password)
	}
	user, err := s.supabase.SignIn(ctx, email, demoPassword)
	if err != nil {
		user, err = s.supabase.SignUp(ctx, email, demoPassword)
	}
	return user.Session, err
}

func (s *system) signOut(w http.ResponseWriter, r *http.Request) {
	for _, c := range sessionCookies(r, s.env.cookieName(), nil) {
		http.SetCookie(w, c)
	}
	http.Redirect(w, r, "/dev/", http.StatusSeeOther)
}

// ownPath turns return_to into a path of this server, or refuses it. The
// default is /dev/. What a browser would take for another host (//, /\, a
// backslash or a control character anywhere) is not a path.
func (s *system) ownPath(returnTo string) (string, bool) {
	if returnTo == "" {
		return "/dev/", true
	}
	path := strings.TrimPrefix(returnTo, s.origin)
	unsafe := func(c rune) bool { return c == '\\' || c <= ' ' || c == 0x7f }
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, unsafe) {
		return "", false
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return "", false
	}
	return path, true
}
