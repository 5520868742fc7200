package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestScale measures everything once, in tables that are too small to mean anything.
func TestScale(t *testing.T) {
	needProcesses(t)
	p := scalePlan{connections: [2]int{3000, 2000}, turns: 1, turn: 200 * time.Millisecond, calls: 5}
	var out, progress bytes.Buffer
	_, err := measureScale(t.Context(), p, &out, &progress)
	if err != nil || strings.Contains(progress.String(), "Not measured") {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, s := range steps {
		for _, l := range s.lines {
			if !strings.Contains(out.String(), "\n| "+l.what+" | ") {
				t.Errorf("%q is not in\n%s", l.what, &out)
			}
		}
	}
}

func TestReportScale(t *testing.T) {
	waits := step{
		lines: []line{steady(wait("a wait")), steady(rate("calls a second")), wait("what grows")},
		goals: func(v []float64) []figure { return []figure{atMost("the wait, of a second", v[0], 1)} },
	}
	for _, c := range []struct {
		name         string
		large, small []float64
		reached      bool
		says         string
	}{
		{"all reached", []float64{0.3, 100, 10}, []float64{0.2, 150, 1}, true, "| a wait | 300.00 ms | 200.00 ms | 1.50 |\n"},
		{"nothing to compare with", []float64{0.3, 100, 10}, []float64{0.2, 150, 0}, true, "| what grows | 10000.00 ms | 0.00 ms |  |\n"},
		{"slower", []float64{0.31, 100, 1}, []float64{0.2, 100, 1}, false, "a wait, large and small tables: 1.55, at most 1.50: not reached\n"},
		{"fewer", []float64{0.2, 66, 1}, []float64{0.2, 100, 1}, false, "calls a second, large and small tables: 0.66, at least 0.67: not reached\n"},
		{"too slow at both sizes", []float64{1.1, 100, 1}, []float64{1.1, 100, 1}, false, "the wait, of a second: 1.10, at most 1.00: not reached\n"},
	} {
		var out bytes.Buffer
		found := []measuredStep{{waits, [2][]float64{c.large, c.small}}}
		if reached := reportScale(&out, fullScale, found); reached != c.reached || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %v\n%s", c.name, reached, &out)
		}
	}
}

func TestMedians(t *testing.T) {
	got := medians([][]float64{{3, 10}, {1, 30}, {2, 20}})
	if len(got) != 2 || got[0] != 2 || got[1] != 20 {
		t.Error(got)
	}
}
