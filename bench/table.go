package main

import (
	"fmt"
	"io"
	"slices"
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
func figures(p plan, found [2]measured) []figure {
	both := func(value func(m measured) float64) [2]float64 { return [2]float64{value(found[0]), value(found[1])} }
	var all []figure
	for _, l := range p.latencies {
		for _, q := range []float64{0.5, 0.99} {
			f := figure{
				what: fmt.Sprintf("callback, %d ms an upstream call, p%.0f", l.delay.Milliseconds(), 100*q), unit: milliseconds,
				values: both(func(m measured) float64 { return quantile(m.callback[l.delay], q) }),
			}
			if l.delay == 100*time.Millisecond && q == 0.5 {
				f.target = 0.82
			}
			all = append(all, f)
		}
	}
	atOnce := fmt.Sprintf("%d at once", p.atOnce)
	return append(all,
		figure{what: "callback, upstream round trips in a row", unit: count, values: both(func(m measured) float64 { return float64(m.trips) })},
		figure{what: "callback, upstream calls in total", unit: count, values: both(func(m measured) float64 { return float64(m.calls) })},
		figure{what: "connects a second, " + atOnce, unit: count, values: both(func(m measured) float64 { return m.load.second() })},
		figure{what: "CPU a connect, " + atOnce, unit: milliseconds, values: both(func(m measured) float64 { return m.load.each() })},
		figure{what: "CPU a connect, " + atOnce + ", Supabase from memory", unit: milliseconds, values: both(func(m measured) float64 { return m.busy.each() })},
		figure{what: "connects a second per core, " + atOnce + ", Supabase from memory", unit: count, values: both(func(m measured) float64 { return 1 / m.busy.each() })},
		figure{what: fmt.Sprintf("connects a second per core, a process's first %d", p.few), unit: count, target: 3, higherWins: true, values: both(func(m measured) float64 { return float64(p.few) / m.each(p, p.few) })},
		figure{what: "CPU of a process with one connect", unit: milliseconds, values: both(func(m measured) float64 { return m.each(p, 1) })},
		figure{what: "memory, at most", unit: megabytes, target: 0.3, values: both(func(m measured) float64 { return float64(m.peak) })},
		figure{what: fmt.Sprintf("memory, %v after the load", p.rest), unit: megabytes, values: both(func(m measured) float64 { return float64(m.idle) })},
		figure{what: "process start to first answer", unit: milliseconds, target: 0.1, values: both(func(m measured) float64 { return quantile(m.start, 0.5) })},
		figure{what: "size on disk", unit: megabytes, values: both(func(m measured) float64 { return float64(m.disk) })},
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
	all := figures(r.plan, r.found)
	fmt.Fprintf(out, "\n| | %s | %s | ratio |\n|---|---:|---:|---:|\n", r.sides[0].name, r.sides[1].name)
	for _, f := range all {
		fmt.Fprintf(out, "| %s | %s | %s | %.2f |\n", f.what, f.unit(f.values[0]), f.unit(f.values[1]), f.ratio())
	}
	fmt.Fprintln(out)
	fmt.Fprint(out, notes)
	if onPostgres {
		fmt.Fprintln(out, "Supabase Lite ran on PostgreSQL.")
	} else {
		fmt.Fprintln(out, "Supabase Lite ran on its own database, which serves one request at a time: there is no PostgreSQL here.")
	}
	if len(onOneCore()) > 0 {
		fmt.Fprintln(out, "Each of the two has one core, which it shares with Supabase Lite and the benchmark.")
	} else {
		fmt.Fprintln(out, "Each of the two has all cores, because there is no taskset or one core only.")
	}
	for i, s := range r.sides {
		reportCores(out, s.name, "Supabase Lite", r.found[i].load)
		reportCores(out, s.name, "Supabase from memory", r.found[i].busy)
	}
	fmt.Fprintln(out)
	return reportTargets(out, all)
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
func reportCores(out io.Writer, name, store string, l load) {
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
		limit := "at most"
		if f.higherWins {
			limit = "at least"
		}
		fmt.Fprintf(out, "%s: %.2f, %s %.2f: %s\n", f.what, f.ratio(), limit, f.target, verdict(f.reached()))
		reached = reached && f.reached()
	}
	return reached
}

func verdict(reached bool) string {
	if reached {
		return "reached"
	}
	return "not reached"
}
