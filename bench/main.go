// Command bench measures igconnect beside the recipe that it grew out of: bench/seed, the same
// five steps on plain Node and supabase-js. Both run against the same simulated Meta and the same
// Supabase Lite, on this machine, and each ratio is of one run.
//
//	go run ./bench
//
// With -scale it measures the database instead, with large tables and with small ones.
//
// It needs Linux (it reads /proc), Go, and Node 20 or newer, and uses PostgreSQL where it is. The
// first run installs npm packages. The package's TestSoak keeps the functions busy and looks for
// leaks:
//
//	go test ./bench -run TestSoak -soak 3m -timeout 10m -v
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"time"

	"igconnect/internal/supalite/postgres"
)

func main() {
	plan, scale := fullPlan, fullScale
	flag.StringVar(&plan.profile, "profile", "", "write a CPU profile of igconnect under load to this file")
	scaled := flag.Bool("scale", false, "measure the database with large tables instead")
	flag.IntVar(&scale.connections[0], "connections", scale.connections[0], "with -scale: in the large tables, ten times as many as in the small ones")
	flag.StringVar(&scale.only, "only", "", "with -scale: only what has this in its name, as -scale says it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	measure := func() (bool, error) { return compare(ctx, plan, os.Stdout, os.Stderr) }
	if *scaled {
		scale.connections[1] = scale.connections[0] / 10
		measure = func() (bool, error) { return measureScale(ctx, scale, os.Stdout, os.Stderr) }
	}
	reached, err := measure()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if !reached {
		os.Exit(1)
	}
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
	latencies: []latency{{0, 10, 30, 1}, {20 * time.Millisecond, 5, 40, 2}, {100 * time.Millisecond, 5, 10, 1}},
	warmUp:    200, atOnce: 64, turns: 4, turn: 5 * time.Second, rest: 5 * time.Second, starts: 15, lives: 5, few: 100,
}

// compare measures both sides and prints the table. It reports whether every target was reached.
func compare(ctx context.Context, p plan, out, progress io.Writer) (reached bool, err error) {
	databaseURL := "" // PostgreSQL serves several at once, as Supabase's does; Lite's own does not
	switch database, err := postgres.Start(ctx); {
	case err == nil:
		defer database.Stop()
		databaseURL = database.URL
	case !errors.Is(err, postgres.ErrMissing):
		return false, err
	}
	s, err := newSetting(ctx, databaseURL, progress)
	defer s.close()
	if err != nil {
		return false, err
	}
	r := &run{setting: s, plan: p}
	for i, build := range []func(context.Context, *setting) (*side, error){buildOurs, buildSeed} {
		side, err := build(ctx, s)
		if err != nil {
			return false, err
		}
		if side.visitors, err = s.visitors(ctx, i*p.atOnce, p.atOnce); err != nil {
			return false, err
		}
		if err := side.launch(ctx, side.all, "", http.StatusUnauthorized); err != nil {
			return false, err
		}
		r.sides[i] = side
	}
	if err := r.measure(ctx); err != nil {
		return false, err
	}
	login, err := measureLogin(ctx, s.root, progress)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(progress, "Done")
	reached = r.report(out, databaseURL != "")
	return login.report(out) && reached, nil
}
