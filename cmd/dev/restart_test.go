package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

// TestRestart shows that what was connected yesterday is alive today: the daily job finds its token
// good, a message arrives and is answered. With fresh, Meta and the database have forgotten it.
func TestRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole system is left out under -short")
	}
	o := options{root: "../..", at: anyPorts, data: t.TempDir(), log: io.Discard}
	begin := func() *system {
		s, err := start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	end := func(s *system) {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
	s := begin()
	if err := newWalk(s, time.Now()).connect(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.letPass(t.Context(), 1); err != nil {
		t.Error(err)
	}
	end(s)

	s = begin()
	b, _ := buttonNamed("renew")
	result, err := b.press(s, t.Context(), owner{})
	if err != nil || result.Trouble || !strings.Contains(result.JSON, `"checked": 1`) {
		t.Errorf("%v, %+v", err, result)
	}
	if got := s.saved(t, "username || ' ' || status"); len(got) != 1 || got[0] != "lindqvist.ceramics active" {
		t.Errorf("saved: %q", got)
	}
	form := messageForm{Account: anAccount, Person: senders[0].ID, Kind: "message", Text: "hello"}
	if rounds, err := s.sendMessages(t.Context(), form); err != nil || !rounds[0].Acknowledged() {
		t.Errorf("%v, %+v", err, rounds)
	}
	w, err := s.worker()
	if err != nil {
		t.Fatal(err)
	}
	if result, err := w.Work(t.Context()); err != nil || result.Answered != 1 {
		t.Errorf("%v, %+v", err, result)
	}
	end(s)

	o.fresh = true
	s = begin()
	defer end(s)
	ada := metasim.Demo()[0]
	if got := s.saved(t, "username"); len(got) > 0 {
		t.Errorf("saved: %q", got)
	}
	if s.meta.Consented(ada.ID) || s.meta.Subscribed(ada.Pages[0].ID) != nil || s.meta.Jumped() != 0 {
		t.Error("Meta has not forgotten")
	}
}
