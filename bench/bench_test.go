package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"igconnect/internal/supalite/postgres"
	"igconnect/internal/supalite/supalitetest"
)

// TestCompare runs everything once, too little of it to mean anything.
func TestCompare(t *testing.T) {
	root := needWorld(t)
	p := plan{
		latencies: []latency{{20 * time.Millisecond, 1, 4, 2}},
		warmUp:    8, atOnce: 4, turns: 1, turn: 500 * time.Millisecond, starts: 1, lives: 1, few: 3,
	}
	var out, progress bytes.Buffer
	if _, err := compare(t.Context(), root, p, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, line := range []string{
		"| callback, upstream round trips in a row | 4 | 5 | 0.80 |\n",
		"| callback, upstream calls in total | 9 | 5 | 1.80 |\n",
		"| connects a second, 4 at once | ",
		"connects a second per core, a process's first 3: ",
		"memory, at most: ",
		"process start to first answer: ",
		"/api/login without its call to Supabase: ",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not in\n%s", line, &out)
		}
	}
}

// TestSoak: some seconds with each fault ordered once. Whether the process stays flat, so little time does not show.
func TestSoak(t *testing.T) {
	root := needWorld(t)
	database, err := postgres.Start(t.Context())
	if errors.Is(err, postgres.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(database.Stop)
	var progress bytes.Buffer
	w, err := newWorld(t.Context(), root, database.URL, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	t.Cleanup(w.close)
	s, err := startSoak(t.Context(), w, soakPlan{
		length: 8 * time.Second, visitors: 8, elders: 4, renewals: 2 * time.Second,
		connects: 250 * time.Millisecond, deliveries: 250 * time.Millisecond, events: 3, faultRounds: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	samples, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	problems, err := s.check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 || len(s.details) > 0 {
		t.Errorf("in the database: %q\nnot ordered: %q", problems, s.details)
	}
	if len(samples) < 3 || s.done["connect"] == 0 || s.done["delivery"] == 0 || s.done["renewal"] == 0 || s.ordered["callback throttled"] != 1 {
		t.Errorf("%d samples, done %v, ordered %v, seen %v", len(samples), s.done, s.ordered, s.seen)
	}
	for _, s := range samples {
		if s.goroutines < 1 || s.memory < 1e6 || s.files < 1 {
			t.Errorf("not a process: %+v", s)
		}
	}
}

// needWorld skips a test that starts the whole world where it cannot, and returns the module's folder.
func needWorld(t *testing.T) string {
	t.Helper()
	supalitetest.Need(t)
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("the benchmark reads /proc, which only Linux has")
	}
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return root
}
