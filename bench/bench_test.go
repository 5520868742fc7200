package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"igconnect/internal/supalite/supalitetest"
)

// TestCompare runs everything once, too little of it to mean anything.
func TestCompare(t *testing.T) {
	needProcesses(t)
	p := plan{
		latencies: []latency{{20 * time.Millisecond, 1, 4, 2}},
		warmUp:    8, atOnce: 4, turns: 1, turn: 500 * time.Millisecond, starts: 1, lives: 1, few: 3,
	}
	var out, progress bytes.Buffer
	if _, err := compare(t.Context(), p, &out, &progress); err != nil {
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

// needProcesses skips a test that starts everything where it cannot, and in -short.
func needProcesses(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and starts all processes")
	}
	supalitetest.Need(t)
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("the benchmark reads /proc, which only Linux has")
	}
}
