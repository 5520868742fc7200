package faultproxy_test

import (
	"fmt"
	"io"
	"strings"

	"igconnect/internal/faultproxy"
)

// shortened are the labels as the table shows them.
var shortened = map[string]string{
	"meta_unavailable": "meta", "store_unavailable": "store", "throttled": "wait", "still due": "due", "misconfigured": "config",
}

// printTable writes a line for each call of each flow, a column for each fault, and the exceptions.
func printTable(w io.Writer, scripts []*script, cells []*cell) {
	results := map[string]string{}
	for _, c := range cells {
		for _, call := range c.calls {
			results[c.script.flow.name+call.String()+c.fault.Name] = c.shown()
		}
	}
	rows := [][]string{{""}}
	for _, fault := range faultproxy.List() {
		rows[0] = append(rows[0], fault.Name)
	}
	for _, s := range scripts {
		rows = append(rows, nil, []string{s.flow.name})
		for _, r := range s.records {
			if !matches(s.flow.only, r.Call.String()) {
				continue
			}
			row := []string{"  " + r.Call.String()}
			for _, fault := range faultproxy.List() {
				row = append(row, results[s.flow.name+r.Call.String()+fault.Name])
			}
			rows = append(rows, row)
		}
	}
	printAligned(w, rows)
	fmt.Fprint(w, legend)
	uses := usesOf(cells)
	for i := range exceptions {
		e := &exceptions[i]
		fmt.Fprintf(w, "- %s / %s / %s, %d cases: %s\n", e.flows, e.call, strings.ReplaceAll(e.faults, lasting, "all but 500 once"), uses[e], e.why)
	}
}

// printAligned writes rows whose columns are as wide as what stands in them.
func printAligned(w io.Writer, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, text := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(text))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, text := range row {
			fmt.Fprintf(&line, "%-*s ", widths[i], text)
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

const legend = `
meta   meta_unavailable     store  store_unavailable      wait   throttled
again  a second try went well                             ok     went well without this call's answer
due    the run went on, this connection is still due      check  a failed check of /api/health, by its name
!      not as it should be

A refused connection and a failed TLS handshake hit all calls of one step together, and those of later steps: where
one of them must not fail, the others, as debug_token, show what is said of that one.

Exceptions, as flow / call / fault:
`

func (c *cell) shown() string {
	text := strings.TrimPrefix(c.label, "check ")
	if short := shortened[text]; short != "" {
		text = short
	}
	if c.label == "ok" && c.fault.Once {
		text = "again"
	}
	if c.failed {
		text += "!"
	}
	return text
}
