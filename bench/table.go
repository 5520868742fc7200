package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// figure is a line of the table.
type figure struct {
	what       string
	values     [2]float64
	unit       func(float64) string
	target     float64 // of the ratio; 0: none
	higherWins bool    // the ratio must be at least the target, not at most
}

func (f figure) ratio() float64 { return f.values[0] / f.values[1] }

func (f figure) reached() bool {
	if f.higherWins {
		return f.ratio() >= f.target
	}
	return f.ratio() <= f.target
}

// figures are all lines, in their order.
func (r *run) figures() []figure {
	both := func(value func(*side) float64) [2]float64 { return [2]float64{value(r.sides[0]), value(r.sides[1])} }
	var all []figure
	for _, l := range r.latencies {
		for _, q := range []float64{0.5, 0.99} {
			f := figure{
				what: fmt.Sprintf("callback, %d ms an upstream call, p%.0f", l.delay.Milliseconds(), 100*q), unit: milliseconds,
				values: both(func(s *side) float64 { return quantile(s.callback[l.delay], q) }),
			}
			if l.delay == 100*time.Millisecond && q == 0.5 {
				f.target = 0.82
			}
			all = append(all, f)
		}
	}
	atOnce := fmt.Sprintf("%d at once", r.atOnce)
	return append(all,
		figure{what: "callback, upstream round trips in a row", unit: count, values: both(func(s *side) float64 { return float64(s.trips) })},
		figure{what: "callback, upstream calls in total", unit: count, values: both(func(s *side) float64 { return float64(s.calls) })},
		figure{what: "connects a second, " + atOnce, unit: count, target: 1, higherWins: true, values: both(func(s *side) float64 { return s.loads[onLite].second() })},
		figure{what: "CPU a connect, " + atOnce, unit: milliseconds, values: both(func(s *side) float64 { return s.loads[onLite].each() })},
		figure{what: "CPU a connect, " + atOnce + ", " + fromMemory, unit: milliseconds, values: both(func(s *side) float64 { return s.loads[fromMemory].each() })},
		figure{what: "connects a second per core, " + atOnce + ", " + fromMemory, unit: count, values: both(func(s *side) float64 { return 1 / s.loads[fromMemory].each() })},
		figure{what: fmt.Sprintf("connects a second per core, a process's first %d", r.few), unit: count, target: 3, higherWins: true, values: both(func(s *side) float64 { return float64(r.few) / s.each(r.plan, r.few) })},
		figure{what: "CPU of a process with one connect", unit: milliseconds, values: both(func(s *side) float64 { return s.each(r.plan, 1) })},
		figure{what: "memory, at most", unit: megabytes, target: 0.3, values: both(func(s *side) float64 { return float64(s.peak) })},
		figure{what: fmt.Sprintf("memory, %v after the load", r.rest), unit: megabytes, values: both(func(s *side) float64 { return float64(s.idle) })},
		figure{what: "process start to first answer", unit: milliseconds, target: 0.1, values: both(func(s *side) float64 { return quantile(s.starts, 0.5) })},
		figure{what: "size on disk", unit: megabytes, values: both(func(s *side) float64 { return float64(s.size) })},
	)
}

// each is the CPU time of one life of a process with n connects, in seconds.
func (m measured) each(p plan, n int) float64 { return m.life[n].Seconds() / float64(p.lives) }

// quantile is in seconds.
func quantile(all []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Seconds()
}

func milliseconds(seconds float64) string { return fmt.Sprintf("%.2f ms", 1000*seconds) }
func megabytes(bytes float64) string      { return fmt.Sprintf("%.1f MB", bytes/1e6) }
func count(n float64) string              { return fmt.Sprintf("%.0f", n) }

// report prints the table, what it means and the targets, and reports whether all were reached.
func (r *run) report(out io.Writer, onPostgres bool) (reached bool) {
	all := r.figures()
	printTable(out, r.sides[0].name, r.sides[1].name, all)
	database := map[bool]string{true: "PostgreSQL", false: "its own database, which serves one request at a time: there is no PostgreSQL here"}
	cores := map[bool]string{true: "one core, which it shares with Supabase Lite and the benchmark", false: "all cores, because there is no taskset or one core only"}
	fmt.Fprintf(out, "\n%sSupabase Lite ran on %s.\nEach of the two has %s.\n", notes, database[onPostgres], cores[len(onOneCore()) > 0])
	for _, s := range r.sides {
		for _, store := range stores {
			reportCores(out, s.name, store, s.loads[store])
		}
	}
	fmt.Fprintln(out)
	return reportTargets(out, all)
}

// printTable prints the figures of two, and their ratio.
func printTable(out io.Writer, first, second string, all []figure) {
	fmt.Fprintf(out, "\n| | %s | %s | ratio |\n|---|---:|---:|---:|\n", first, second)
	for _, f := range all {
		ratio := ""
		if f.values[1] != 0 {
			ratio = fmt.Sprintf("%.2f", f.ratio())
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", f.what, f.unit(f.values[0]), f.unit(f.values[1]), ratio)
	}
}

// notes say what the lines of the table are.
const notes = `- callback: the request that Meta sends the browser back with. igconnect also reads person and permissions, checks the
  token, looks for connections that ended, subscribes the Page's webhook and proves each call.
- p99 at 20 and 100 ms is close to the slowest of some hundred.
- connects a second: the whole way, two requests, login and callback. What limits it: see the cores below.
- CPU: user and system time of the one process. "Supabase from memory": what Supabase Lite answered a visitor before is
  answered again by the benchmark, so that the process and not the database sets the pace. Connects a second per core: its
  inverse. A process's first connects, its own start and end included, are what an instance of a function is for: people
  connect an account once. The target of 3 is for those. Under load for minutes both get faster, Node's compiler more so.
- first answer: a login answered with the redirect to Meta, for which Supabase was asked who it is (from memory too); the
  median. Here igconnect is the login function alone.
- size: igconnect's callback function, one of two (the login has as much); the seed's dist and production node_modules,
  and Node itself (about 100 MB) is not counted.

`

// reportCores says what the machine was busy with.
func reportCores(out io.Writer, name, store string, l *load) {
	cores := func(d time.Duration) float64 { return d.Seconds() / l.took.Seconds() }
	fmt.Fprintf(out, "%s, %s: %.0f connects a second took %.2f of a core, Supabase Lite %.2f, the benchmark with Meta %.2f.\n",
		name, store, l.second(), cores(l.cpu[0]), cores(l.cpu[1]), cores(l.cpu[2]))
}

func reportTargets(out io.Writer, all []figure) (reached bool) {
	reached = true
	for _, f := range all {
		if f.target == 0 {
			continue
		}
		limit := map[bool]string{true: "at least", false: "at most"}[f.higherWins]
		fmt.Fprintf(out, "%s: %.2f, %s %.2f: %s\n", f.what, f.ratio(), limit, f.target, verdict[f.reached()])
		reached = reached && f.reached()
	}
	return reached
}

var verdict = map[bool]string{true: "reached", false: "not reached"}

// loginCosts is what /api/login costs igconnect, by who says who the user is: with Supabase Auth beside its
// one call to it, with the app's own JWT or a ticket as a whole.
type loginCosts map[string]loginCost

type loginCost struct {
	took        time.Duration
	allocations int
}

// measureLogin runs the benchmark of the function itself.
func measureLogin(ctx context.Context, root string, progress io.Writer) (loginCosts, error) {
	fmt.Fprintln(progress, "Logging in without Supabase")
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkLogin$", "./api")
	command.Dir = root
	out, err := command.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("running BenchmarkLogin: %w\n%s", err, out)
	}
	return readLogin(out)
}

// loginLimits say how a login of each kind is called, and what it may cost.
var loginLimits = []struct {
	benchmark, name string
	most            loginCost
}{
	{"Supabase", "/api/login without its call to Supabase", loginCost{100 * time.Microsecond, 150}},
	{"JWT", "/api/login by the app's JWT", loginCost{time.Millisecond, 600}},
	{"ticket", "/api/login by a ticket", loginCost{time.Millisecond, 400}},
}

// ownMetrics are a difference of two times, which a busy machine can bring below zero.
var ownMetrics = regexp.MustCompile(`BenchmarkLogin/(\w+)\S*\s.*?([\d.]+) own-allocs/op\s+(-?[\d.]+) own-ns/op`)

func readLogin(out []byte) (loginCosts, error) {
	costs := loginCosts{}
	for _, line := range ownMetrics.FindAllStringSubmatch(string(out), -1) {
		allocations, err := strconv.ParseFloat(line[2], 64)
		nanoseconds, err2 := strconv.ParseFloat(line[3], 64)
		if errors.Join(err, err2) == nil {
			costs[line[1]] = loginCost{time.Duration(nanoseconds), int(allocations)}
		}
	}
	if len(costs) != len(loginLimits) {
		return nil, fmt.Errorf("BenchmarkLogin does not say what each login costs:\n%s", out)
	}
	return costs, nil
}

// report prints them and reports whether each is little enough.
func (c loginCosts) report(out io.Writer) (reached bool) {
	reached = true
	for _, limit := range loginLimits {
		cost := c[limit.benchmark]
		enough := cost.took < limit.most.took && cost.allocations < limit.most.allocations
		fmt.Fprintf(out, "%s: %d µs and %d allocations, less than %d µs and %d: %s\n", limit.name,
			cost.took.Microseconds(), cost.allocations, limit.most.took.Microseconds(), limit.most.allocations, verdict[enough])
		reached = reached && enough
	}
	return reached
}
