package main

import (
	"fmt"
	"io"
	"testing"
)

var variants = []variant{
	{name: "wide", width: 1280, schemes: []string{"light", "dark"}, script: true},
	{name: "phone", width: 360, schemes: []string{"light"}, script: true},
	{name: "plain", width: 360, schemes: []string{"dark"}}, // a phone without JavaScript
}

// TestBrowser walks through everything that a person can do, in a real
// browser: each time on the whole system, with Meta and Supabase simulated.
// The pictures are in screenshots/.
func TestBrowser(t *testing.T) {
	chromium := startChromium(t, findChromium(t))
	watchTargets(t, chromium)
	s := startSystem(t)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			for _, sc := range scenarios {
				if sc.needsScript && !v.script {
					continue
				}
				t.Run(sc.name, func(t *testing.T) {
					s.forget(t)
					sc.walk(openTab(t, s, chromium, v))
				})
			}
		})
	}
}

// startSystem starts what go run ./cmd/dev -once starts. The log is shown if
// the test fails.
func startSystem(t *testing.T) *system {
	t.Helper()
	log := &keptLog{shown: io.Discard}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log:\n%s", log.bytes())
		}
	})
	s, err := start(t.Context(), options{root: "../..", addr: "localhost:0", log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// forget removes what an earlier walk connected, sent and pressed, and ends its
// outage.
func (s *system) forget(t *testing.T) {
	t.Helper()
	noFault.order(s)
	s.meta.Reset()
	s.mail.forget()
	s.life.forget(s)
	if _, err := s.supabase.SQL(t.Context(), "delete from public.user_configs"); err != nil {
		t.Fatal(err)
	}
}

// wantSaved checks the rows of the database: the user name and the status of
// each, in the order of the names.
func (b *tab) wantSaved(want ...string) {
	b.Helper()
	rows, err := b.system.supabase.SQL(b.Context(), "select username || ' ' || status as row from public.user_configs order by username")
	if err != nil {
		b.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, fmt.Sprint(row["row"]))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.Errorf("saved are %q, want %q", got, want)
	}
}
