// Command bench measures igconnect beside the recipe that it grew out of: bench/seed, the same five steps on plain Node
// and supabase-js. Both run against the same simulated Meta and the same Supabase Lite, on this machine, and each ratio
// is of one run.
//
//	go run ./bench
//	go run ./bench -soak
//
// The second keeps the functions busy for three minutes and looks for leaks. Both need Linux (they read /proc), Go, and Node
// 20 or newer. The second also needs PostgreSQL, which the first uses where it is. The first run installs npm packages.
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	ok, err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context) (ok bool, err error) {
	soaks := flag.Bool("soak", false, "keep the functions busy instead, with PostgreSQL behind Supabase Lite, and look for leaks")
	length := flag.Duration("for", 3*time.Minute, "how long to soak")
	profile := flag.String("profile", "", "write a CPU profile of igconnect under load to this file")
	flag.Parse()
	root, err := moduleRoot(ctx)
	if err != nil {
		return false, err
	}
	if *soaks {
		plan := fullSoak
		plan.length = *length
		return soak(ctx, root, plan, os.Stdout, os.Stderr)
	}
	plan := fullPlan
	plan.profile = *profile
	return compare(ctx, root, plan, os.Stdout, os.Stderr)
}

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("looking for go.mod: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}
