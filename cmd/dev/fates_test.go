package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFates: what each button leads to, in the whole system. After each one
// the account is connected again, which heals it.
func TestFates(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole system is left out under -short")
	}
	s := startSystem(t)
	connect := func() error { return (&walk{system: s, browser: newBrowser()}).connect(t.Context()) }
	if err := connect(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		buttons []string
		want    string
	}{
		{"nothing", []string{"leap-1", "renew"}, "active"},
		{"fifty days", []string{"leap-50", "renew"}, "active"}, // with a new token
		{"fifty days, and as many again", []string{"leap-50", "renew", "leap-50", "renew"}, "reconnect: Your consent at Facebook has run out."},
		{"sixty days", []string{"leap-60", "renew"}, "reconnect: The access has run out."},
		{"a hundred days", []string{"leap-100", "renew"}, "reconnect: The access has run out."},
		{"a new password", []string{"password", "leap-1", "renew"}, "reconnect: You changed your Facebook password."},
		{"no app", []string{"remove", "leap-1", "renew"}, "reconnect: You removed this app at Facebook."},
		{"no role, for a while", []string{"lose-role", "leap-1", "renew", "regain-role"}, "reconnect: You no longer have a role on the Facebook Page."},
		{"Meta's call", []string{"deauthorize"}, "reconnect: You removed this app at Facebook."},
		{"Meta's call, after a leap", []string{"leap-60", "deauthorize"}, "reconnect: You removed this app at Facebook."},
	} {
		for _, name := range tt.buttons {
			s.mustPress(t, tt.name, name)
		}
		if got := s.states(t); cmp.Diff([]string{tt.want}, got) != "" {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if err := connect(); err != nil {
			t.Fatalf("%s: connecting again: %v", tt.name, err)
		}
		if got := s.states(t); cmp.Diff([]string{"active"}, got) != "" {
			t.Errorf("%s: connected again it is %q", tt.name, got)
		}
	}
	s.mustPress(t, "erasure", "health")
	s.mustPress(t, "erasure", "deletion")
	if got := s.states(t); len(got) > 0 {
		t.Errorf("after the erasure there is %q", got)
	}
	if _, err := s.act(t.Context(), fates[0], ""); err == nil {
		t.Error("a password was changed of nobody")
	}
}

// mustPress presses a button about the connection that there is.
func (s *system) mustPress(t *testing.T, where, name string) {
	t.Helper()
	var o overview
	if err := s.connections(t.Context(), &o); err != nil {
		t.Fatal(err)
	}
	all := owners(o.Connected)
	a, ok := actNamed(name)
	if !ok || len(all) != 1 {
		t.Fatalf("%s: there are %d connections for the button %q, %v", where, len(all), name, ok)
	}
	if result, err := s.act(t.Context(), a, all[0].Key); err != nil || result.Trouble {
		t.Fatalf("%s: %s: %v, %+v", where, name, err, result)
	}
}

// states are those of all connections, as the page shows them.
func (s *system) states(t *testing.T) []string {
	t.Helper()
	var o overview
	if err := s.connections(t.Context(), &o); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, row := range o.Connected {
		all = append(all, row.State())
	}
	return all
}
