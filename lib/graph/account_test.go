package graph_test

import (
	"testing"

	"igconnect/lib/graph"
)

func TestChosen(t *testing.T) {
	found := graph.Found{Accounts: []graph.Account{{InstagramID: "1", Username: "a"}, {InstagramID: "2", Username: "b"}}}
	for _, c := range []struct {
		chosen []string
		want   string
	}{{[]string{"1"}, "a"}, {[]string{"2"}, "b"}, {[]string{"3"}, ""}, {[]string{""}, ""}, {nil, ""}, {[]string{"2", "1", "1"}, "ab"}} {
		got := ""
		for _, account := range found.Chosen(c.chosen) {
			got += account.Username
		}
		if got != c.want {
			t.Errorf("Chosen(%q) = %q, want %q", c.chosen, got, c.want)
		}
	}
}

func TestCanMessage(t *testing.T) {
	for task, want := range map[string]bool{"MODERATE": true, "MESSAGING": true, "ADVERTISE": false, "messaging": false, "": false} {
		p := graph.Page{Tasks: []string{"ANALYZE", task}}
		if p.CanMessage() != want {
			t.Errorf("%s: %v", task, !want)
		}
	}
}
