package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// report prints what was done, what went wrong and how the process changed. It reports whether it
// stayed flat.
func (s *soaking) report(out io.Writer, samples []sample, problems []string) (flat bool) {
	fmt.Fprintf(out, "\nIn %v: %d connects, %d deliveries of %d events, %d runs of the renewal.\n\n",
		s.plan.length, s.done["connect"], s.done["delivery"], s.plan.events, s.done["renewal"])
	flat = reportTrends(out, samples)
	s.reportErrors(out)
	fmt.Fprintln(out)
	for _, problem := range problems {
		fmt.Fprintln(out, "Wrong in the database:", problem)
	}
	if len(problems) == 0 {
		fmt.Fprintf(out, "In the database: %d messages, each once; %d connections with their tokens; no secret of no row.\n", len(s.accepted), len(s.connected))
	}
	yes := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintf(out, "Flat: %s. No error but those ordered: %s. The database is right: %s.\n", yes[flat], yes[len(s.details) == 0], yes[len(problems) == 0])
	return flat
}

func reportTrends(out io.Writer, samples []sample) bool {
	fmt.Fprint(out, "| | first third | middle third | last third | most | a minute | flat |\n|---|---:|---:|---:|---:|---:|---|\n")
	all := true
	for _, line := range []struct {
		what      string
		value     func(sample) float64
		something float64
		format    string
	}{
		{"goroutines", func(s sample) float64 { return s.goroutines }, 10, "%.0f"},
		{"memory, MB", func(s sample) float64 { return s.memory / 1e6 }, 1, "%.1f"},
		{"open files", func(s sample) float64 { return s.files }, 10, "%.0f"},
	} {
		t := trendOf(samples, line.value)
		flat := t.flat(line.something)
		all = all && flat
		fmt.Fprintf(out, "| %s ", line.what)
		for _, v := range []float64{t.start, t.middle, t.end, t.most} {
			fmt.Fprintf(out, "| "+line.format+" ", v)
		}
		fmt.Fprintf(out, "| %+.1f | %s |\n", t.slope, map[bool]string{true: "yes", false: "no"}[flat])
	}
	return all
}

// reportErrors prints each error beside how often it was ordered.
func (s *soaking) reportErrors(out io.Writer) {
	fmt.Fprintf(out, "\nOrdered in each of %d rounds:\n", s.plan.faultRounds)
	for _, f := range soakFaults {
		shows := f.shows
		if shows == "" {
			shows = "nothing, it is tried again"
		}
		fmt.Fprintf(out, "- %s; may show: %s\n", f.what, shows)
	}
	fmt.Fprint(out, "\n| error | ordered | seen |\n|---|---:|---:|\n")
	kinds := maps.Clone(s.ordered)
	maps.Copy(kinds, s.seen)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(out, "| %s | %d | %d |\n", kind, s.ordered[kind], s.seen[kind])
	}
	for i, detail := range s.details {
		if i == 10 {
			fmt.Fprintf(out, "and %d more\n", len(s.details)-i)
			break
		}
		fmt.Fprintln(out, "Not ordered:", detail)
	}
}
