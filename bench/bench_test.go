package main

import (
	"bytes"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"igconnect/internal/supalite/supalitetest"
)

// TestCompare runs everything once, too little of it to mean anything.
func TestCompare(t *testing.T) {
	needProcesses(t)
	p := plan{
		latencies: []latency{{20 * time.Millisecond, 1, 4, 2}},
		warmUp:    8, atOnce: 4, turns: 1, turn: 500 * time.Millisecond, starts: 1, lives: 1, few: 3,
	}
	var out, progress bytes.Buffer
	if _, err := compare(t.Context(), p, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, line := range []string{
		"| callback, upstream round trips in a row | 4 | 5 | 0.80 |\n",
		"| callback, upstream calls in total | 8 | 5 | 1.60 |\n",
		"| connects a second, 4 at once | ",
		"connects a second per core, a process's first 3: ",
		"memory, at most: ",
		"process start to first answer: ",
		"/api/login without its call to Supabase: ",
		"/api/login by the app's JWT: ",
		"/api/login by a ticket: ",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is not in\n%s", line, &out)
		}
	}
}

// needProcesses skips a test that starts everything where it cannot, and in -short.
func needProcesses(t *testing.T) {
	t.Helper()
	supalitetest.Need(t)
	if _, err := os.Stat("/proc/self/task"); err != nil {
		t.Skip("the benchmark reads /proc, which only Linux has")
	}
}

func TestInARow(t *testing.T) {
	at := func(start, end int64) call { return call{time.UnixMilli(start), time.UnixMilli(end)} }
	for _, c := range []struct {
		name  string
		calls []call
		want  int
	}{
		{"none", nil, 0},
		{"one after the other", []call{at(3, 4), at(0, 1), at(1, 2)}, 3},
		{"side by side", []call{at(0, 5), at(1, 5), at(2, 5)}, 1},
		{"two beside one", []call{at(0, 9), at(0, 2), at(3, 5), at(6, 8)}, 3},
	} {
		if got := inARow(c.calls); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	all := []time.Duration{4 * time.Second, time.Second, 3 * time.Second, 2 * time.Second}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := quantile(all, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		name    string
		figures []figure
		reached bool
		says    string
	}{
		{"less is better, reached", []figure{{what: "a", values: [2]float64{3, 10}, target: 0.3}}, true, "a: 0.30, at most 0.30: reached\n"},
		{"less is better, missed", []figure{{what: "a", values: [2]float64{4, 10}, target: 0.3}}, false, "a: 0.40, at most 0.30: not reached\n"},
		{"more is better, reached", []figure{{what: "a", values: [2]float64{30, 10}, target: 3, higherWins: true}}, true, "a: 3.00, at least 3.00: reached\n"},
		{"more is better, missed", []figure{{what: "a", values: [2]float64{29, 10}, target: 3, higherWins: true}}, false, "a: 2.90, at least 3.00: not reached\n"},
		{"no target", []figure{{what: "a", values: [2]float64{9, 1}}}, true, ""},
		{"one of two missed", []figure{{values: [2]float64{4, 10}, target: 0.3}, {what: "b", values: [2]float64{1, 10}, target: 0.3}}, false, "b: 0.10, at most 0.30: reached\n"},
	} {
		var out bytes.Buffer
		if reached := reportTargets(&out, c.figures); reached != c.reached || !strings.HasSuffix(out.String(), c.says) {
			t.Errorf("%s: %v, %q", c.name, reached, &out)
		}
	}
}

func TestReadLogin(t *testing.T) {
	const printed = "goos: linux\nBenchmarkLogin/Supabase-2   \t   10000\t       105.0 own-allocs/op\t     26739 own-ns/op\n" +
		"BenchmarkLogin/JWT-2   \t   10000\t       210.0 own-allocs/op\t     -12 own-ns/op\n" +
		"BenchmarkLogin/ticket-2 \t   10000\t       198.0 own-allocs/op\t     31000 own-ns/op\nPASS\n"
	want := loginCosts{"Supabase": {26739, 105}, "JWT": {-12, 210}, "ticket": {31000, 198}}
	if got, err := readLogin([]byte(printed)); err != nil || !maps.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, broken := range []string{"PASS\nok  \tigconnect/api\t1.2s\n", strings.Replace(printed, "JWT", "Supabase", 1)} {
		if _, err := readLogin([]byte(broken)); err == nil {
			t.Errorf("not all figures, and no error: %s", broken)
		}
	}
	for cost, reached := range map[loginCost]bool{
		{99 * time.Microsecond, 149}: true, {100 * time.Microsecond, 149}: false, {99 * time.Microsecond, 150}: false,
	} {
		costs := maps.Clone(want)
		costs["Supabase"] = cost
		var out bytes.Buffer
		if got := costs.report(&out); got != reached || strings.Contains(out.String(), "not reached") == reached {
			t.Errorf("%+v: %s", cost, &out)
		}
	}
}
