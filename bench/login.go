package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"time"
)

// loginCost is what /api/login costs igconnect beside its one call to Supabase.
type loginCost struct {
	took        time.Duration
	allocations int
}

const (
	maxLoginTime        = 100 * time.Microsecond
	maxLoginAllocations = 150
)

var ownMetrics = regexp.MustCompile(`[\d.]+ own-allocs/op\s+[\d.]+ own-ns/op`)

// measureLogin runs the benchmark of the function itself.
func measureLogin(ctx context.Context, root string, progress io.Writer) (loginCost, error) {
	fmt.Fprintln(progress, "Logging in without Supabase")
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkLogin$", "./api")
	command.Dir = root
	out, err := command.CombinedOutput()
	if err != nil {
		return loginCost{}, fmt.Errorf("running BenchmarkLogin: %w\n%s", err, out)
	}
	return readLogin(out)
}

func readLogin(out []byte) (c loginCost, err error) {
	var allocations, nanoseconds float64
	_, err = fmt.Sscanf(string(ownMetrics.Find(out)), "%f own-allocs/op %f own-ns/op", &allocations, &nanoseconds)
	if err != nil {
		return c, fmt.Errorf("BenchmarkLogin does not say what a login costs: %w\n%s", err, out)
	}
	return loginCost{time.Duration(nanoseconds), int(allocations)}, nil
}

// report prints it and reports whether it is little enough.
func (c loginCost) report(out io.Writer) (reached bool) {
	reached = c.took < maxLoginTime && c.allocations < maxLoginAllocations
	fmt.Fprintf(out, "/api/login without its call to Supabase: %d µs and %d allocations, less than %d µs and %d: %s\n",
		c.took.Microseconds(), c.allocations, maxLoginTime.Microseconds(), maxLoginAllocations, verdict(reached))
	return reached
}
