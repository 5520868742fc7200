package main

import (
	"fmt"
	"io"
)

// reportScale prints the table of both sizes and the goals, and reports whether all were reached.
func reportScale(out io.Writer, p scalePlan, found []measuredStep) (reached bool) {
	var all, goals []figure
	for _, s := range found {
		for i, l := range s.lines {
			f := figure{what: l.what, unit: l.unit, values: [2]float64{s.values[0][i], s.values[1][i]}, higherWins: l.higherWins}
			all = append(all, f)
			if l.steady {
				f.target = map[bool]float64{false: steadiness, true: 1 / steadiness}[l.higherWins]
				f.what += ", large and small tables"
				goals = append(goals, f)
			}
		}
		if s.goals != nil {
			goals = append(goals, s.goals(s.values[0])...)
		}
	}
	size := func(connections int) string {
		return fmt.Sprintf("%d connections, %d events", connections, 5*connections)
	}
	printTable(out, size(p.connections[0]), size(p.connections[1]), all)
	fmt.Fprintln(out)
	return reportTargets(out, goals)
}

// steadiness is how much worse large tables may make what does not depend on their size.
const steadiness = 1.5
