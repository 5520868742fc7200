package main

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"igconnect/internal/metasim"
	"igconnect/lib/app"
	"igconnect/lib/identity"
	"igconnect/lib/secret"
)

// TestVisitor shows that whoever is told to be signed in is so for the functions, now.
func TestVisitor(t *testing.T) {
	const name = "sb-x-auth-token"
	ada, bare := `{"access_token":"good","user":{"email":"ada@example.com"}}`, `{"access_token":"good"}`
	gone := `{"access_token":"gone","user":{"email":"<b>ada@example.com"}}`
	for what, tt := range map[string]struct {
		session string
		err     error
		want    visitor
	}{
		"no cookie":                 {"", nil, visitor{}},
		"a session":                 {ada, nil, visitor{User: "ada@example.com"}},
		"a session without address": {bare, nil, visitor{User: "the-user"}},
		"one that has ended":        {gone, identity.ErrSignedOut, visitor{Ended: true}},
		"Supabase is down":          {ada, errors.New("no answer"), visitor{Trouble: "No answer."}},
		"no JSON":                   {"{", nil, visitor{}},
	} {
		s := &system{env: env{"SUPABASE_URL": "https://x.supabase.co"}}
		verify := func(context.Context, secret.String) (string, error) { return "the-user", tt.err }
		s.app = &app.App{Identity: identity.Supabase{CookieName: name, Verify: verify}}
		r := httptest.NewRequest("GET", "/dev/", nil)
		if tt.session != "" {
			value := base64Mark + base64.RawURLEncoding.EncodeToString([]byte(tt.session))
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		if got := s.visitor(r); got != tt.want {
			t.Errorf("%s: %+v, want %+v", what, got, tt.want)
		}
	}
}

// TestAllowing shows that who removed the app allows it no longer.
func TestAllowing(t *testing.T) {
	s := withPeople(t)
	s.meta.Grant(metasim.Grant{Person: bruno.Person})
	if got := s.allowing(); len(got) != 1 || got[0] != bruno.Name {
		t.Errorf("%q", got)
	}
	s.meta.RemoveApp(bruno.Person)
	if got := s.allowing(); len(got) > 0 {
		t.Errorf("after it is removed: %q", got)
	}
}
