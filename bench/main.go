// Command bench measures igconnect beside the recipe that it grew out of: bench/seed, the same
// five steps on plain Node and supabase-js. Both run against the same simulated Meta and the same
// Supabase Lite, on this machine, and each ratio is of one run.
//
//	go run ./bench
//
// It needs Linux (it reads /proc), Go, and Node 20 or newer, and uses PostgreSQL where it is. The
// first run installs npm packages. The package's TestSoak keeps the functions busy and looks for
// leaks:
//
//	go test ./bench -run TestSoak -soak 3m -timeout 10m -v
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	profile := flag.String("profile", "", "write a CPU profile of igconnect under load to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	plan := fullPlan
	plan.profile = *profile
	reached, err := compare(ctx, plan, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if !reached {
		os.Exit(1)
	}
}

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("looking for go.mod: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// plan says how much is measured.
type plan struct {
	latencies []latency
	warmUp    int // connects a side
	atOnce    int // connects at the same time under load; as many visitors has a side
	turns     int // of load, a side
	turn      time.Duration
	rest      time.Duration // after the load, before the memory is looked at again
	starts    int           // of a process, a side
	lives     int           // of a process from start to end, a side
	few       int           // connects in such a life, where it is not one
	profile   string        // file for the CPU profile of igconnect under load; "": none
}

// latency is one delay of every call to Meta and to Supabase, and how many connects are made under
// it: in turns of both sides, a few at a time where most of a connect is waiting.
type latency struct {
	delay                  time.Duration
	turns, connects, among int // connects a turn; so many at the same time
}

var fullPlan = plan{
	latencies: []latency{
		{0, 10, 30, 1},
		{20 * time.Millisecond, 5, 40, 2},
		{100 * time.Millisecond, 5, 10, 1},
	},
	warmUp: 200, atOnce: 64, turns: 4, turn: 5 * time.Second, rest: 5 * time.Second, starts: 15, lives: 5, few: 100,
}
