package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSessionCookies(t *testing.T) {
	long := `{"user":{"email":"ada@example.com"},"x":"` + strings.Repeat("y", 6000) + `"}`
	for name, tt := range map[string]struct {
		session string
		before  []string
		want    map[string]int // name: length of the value; -1: removed
		email   string
	}{
		"one piece":       {`{"user":{"email":"ada@example.com"}}`, nil, map[string]int{"sb-x-auth-token": 55}, "ada@example.com"},
		"chunks":          {long, nil, map[string]int{"sb-x-auth-token.0": 3180, "sb-x-auth-token.1": 3180, "sb-x-auth-token.2": 1705}, "ada@example.com"},
		"piece to chunks": {long, []string{"sb-x-auth-token"}, map[string]int{"sb-x-auth-token": -1, "sb-x-auth-token.0": 3180, "sb-x-auth-token.1": 3180, "sb-x-auth-token.2": 1705}, "ada@example.com"},
		"chunks to piece": {`{}`, []string{"sb-x-auth-token.0", "sb-x-auth-token.1"}, map[string]int{"sb-x-auth-token": 10, "sb-x-auth-token.0": -1, "sb-x-auth-token.1": -1}, ""},
		"signing out": {"", []string{"sb-x-auth-token", "sb-x-auth-token.0", "sb-x-auth-token-code-verifier", "sb-x-auth-token.x", "other"},
			map[string]int{"sb-x-auth-token": -1, "sb-x-auth-token.0": -1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			for _, n := range tt.before {
				r.AddCookie(&http.Cookie{Name: n, Value: "old"})
			}
			got := map[string]int{}
			next := httptest.NewRequest("GET", "/", nil)
			for _, c := range sessionCookies(r, "sb-x-auth-token", []byte(tt.session)) {
				got[c.Name] = len(c.Value)
				if c.MaxAge < 0 {
					got[c.Name] = -1
				} else {
					next.AddCookie(c)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if email := signedInAs(next, "sb-x-auth-token"); email != tt.email {
				t.Errorf("signed in as %q, want %q", email, tt.email)
			}
		})
	}
}

func TestCookieName(t *testing.T) {
	for want, e := range map[string]env{
		"sb-127-auth-token":    {"SUPABASE_URL": "http://127.0.0.1:54321"},
		"sb-abcdef-auth-token": {"NEXT_PUBLIC_SUPABASE_URL": "https://abcdef.supabase.co"},
		"mine":                 {"SUPABASE_URL": "https://abcdef.supabase.co", "SUPABASE_AUTH_COOKIE": "mine"},
	} {
		if got := e.cookieName(); got != want {
			t.Errorf("%v: %q, want %q", e, got, want)
		}
	}
}
