package faults_test

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"igconnect/internal/faults"
)

// shortened are the labels as the table shows them.
var shortened = map[string]string{
	"meta_unavailable": "meta", "store_unavailable": "store", "throttled": "wait", "still due": "due", "misconfigured": "config",
}

// printTable writes a line for each call of each flow, and a column for each fault.
func printTable(w io.Writer, scripts []*script, cells []*cell) {
	results := map[string]string{}
	for _, c := range cells {
		for _, call := range c.calls {
			results[c.script.flow.name+call.String()+c.fault.Name] = c.shown()
		}
	}
	all := faults.List()
	fmt.Fprintf(w, "\n%-48s", "")
	for _, fault := range all {
		fmt.Fprintf(w, " %-*s", width(fault), fault.Name)
	}
	for _, s := range scripts {
		fmt.Fprintf(w, "\n%s\n", s.flow.name)
		for _, r := range s.records {
			if !matches(s.flow.only, r.Call.String()) {
				continue
			}
			line := fmt.Sprintf("  %-46s", r.Call)
			for _, fault := range all {
				line += fmt.Sprintf(" %-*s", width(fault), results[s.flow.name+r.Call.String()+fault.Name])
			}
			fmt.Fprintln(w, strings.TrimRight(line, " "))
		}
	}
	fmt.Fprint(w, legend)
	for _, e := range exceptions {
		fmt.Fprintf(w, "- %s: %s: %s\n", e.flows, e.call, e.why)
	}
}

const legend = `
meta   meta_unavailable     store  store_unavailable      wait   throttled
again  a second try went well                             ok     went well without this call's answer
due    the run went on, this connection is still due      check  a failed check of /api/health, by its name
!      not as it should be
`

func (c *cell) shown() string {
	text := strings.TrimPrefix(c.label, "check ")
	if short := shortened[text]; short != "" {
		text = short
	}
	if c.label == "ok" && c.fault.Once {
		text = "again"
	}
	if len(c.problems) > 0 {
		text += "!"
	}
	return text
}

func width(f faults.Fault) int { return max(len(f.Name), slices.Max([]int{len("store!")})) }
