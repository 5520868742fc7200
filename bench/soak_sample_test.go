package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"
)

// sample is what the process looked like at one moment.
type sample struct {
	at         time.Duration // since the beginning
	goroutines float64
	memory     float64 // bytes
	files      float64
}

// sample looks at the process each second until ctx ends. What the simulators remember is
// forgotten along the way.
func (s *soaking) sample(ctx context.Context) (all []sample, err error) {
	begun := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return all, nil
		case <-ticker.C:
		}
		s.sim.Load().Reset()
		s.proxy.Reset()
		now, err := s.side.look()
		if err != nil {
			return nil, s.side.process.explain(err)
		}
		now.at = time.Since(begun)
		all = append(all, now)
	}
}

func (s *side) look() (now sample, err error) {
	profile, err := s.debug("/debug/pprof/goroutine?debug=1")
	if err != nil {
		return now, err
	}
	if _, err := fmt.Sscanf(profile, "goroutine profile: total %f", &now.goroutines); err != nil {
		return now, fmt.Errorf("reading the profile: %w", err)
	}
	_, bytes, err := memoryOf(s.process.pid())
	if err != nil {
		return now, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.process.pid()))
	now.memory, now.files = float64(bytes), float64(len(files))
	return now, err
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

// trend is how one figure went, in thirds of the time.
type trend struct {
	start, middle, end float64 // medians of the thirds
	most               float64
	slope              float64 // per minute, over the last two thirds
}

func trendOf(all []sample, value func(sample) float64) trend {
	values := make([]float64, len(all))
	for i, s := range all {
		values[i] = value(s)
	}
	third := len(all) / 3
	return trend{
		start: median(values[:third]), middle: median(values[third : 2*third]), end: median(values[2*third:]),
		most: slices.Max(values), slope: slope(all[third:], values[third:]),
	}
}

// flat: the last third's median is at most a tenth and a little something above the middle
// third's. The first third does not count: there the heap and the connections find their size.
func (t trend) flat(something float64) bool { return t.end <= 1.1*t.middle+something }

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// slope is that of the least-squares line, per minute.
func slope(all []sample, values []float64) float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for i, y := range values {
		x := all[i].at.Minutes()
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	return (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
}

func TestTrend(t *testing.T) {
	for _, c := range []struct {
		name  string
		value func(second int) float64
		flat  bool
		slope float64 // a minute
	}{
		{"constant", func(int) float64 { return 50 }, true, 0},
		{"grows at first only", func(second int) float64 { return float64(10 + min(second, 20)) }, true, 0},
		{"grows all the time", func(second int) float64 { return float64(10 + second) }, false, 60},
		{"one peak", func(second int) float64 { return map[int]float64{80: 450}[second] + 50 }, true, 30.8},
	} {
		var all []sample
		for second := range 90 {
			all = append(all, sample{at: time.Duration(second) * time.Second, memory: c.value(second)})
		}
		got := trendOf(all, func(s sample) float64 { return s.memory })
		if got.flat(1) != c.flat || got.slope < c.slope-1 || got.slope > c.slope+1 {
			t.Errorf("%s: flat %v, %+v", c.name, got.flat(1), got)
		}
	}
}
