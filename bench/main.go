// Command bench measures igconnect beside the recipe that it grew out of: bench/seed, the same five steps on plain Node
// and supabase-js. Both run against the same simulated Meta and the same Supabase Lite, on this machine, and each ratio
// is of one run.
//
//	go run ./bench
//
// It needs Linux (it reads /proc), Go, and Node 20 or newer, and uses PostgreSQL where it is. The first run installs npm
// packages. The package's TestSoak keeps the functions busy and looks for leaks:
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
