package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
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
func (s *soaking) sample(ctx context.Context) ([]sample, error) {
	begun := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var all []sample
	for {
		select {
		case <-ctx.Done():
			return all, nil
		case <-ticker.C:
		}
		s.meta.sim.Load().Reset()
		s.proxy.Reset()
		now, err := s.side.look()
		if err != nil {
			return nil, s.side.process.explain(err)
		}
		now.at = time.Since(begun)
		all = append(all, now)
	}
}

func (s *side) look() (sample, error) {
	text, err := s.debug("/goroutines")
	if err != nil {
		return sample{}, err
	}
	goroutines, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return sample{}, err
	}
	pid := s.process.pid()
	bytes, err := memoryOf(pid, "VmRSS")
	if err != nil {
		return sample{}, err
	}
	files, err := openFiles(pid)
	return sample{goroutines: float64(goroutines), memory: float64(bytes), files: float64(files)}, err
}

// openFiles is how many file descriptors the process has.
func openFiles(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(entries), err
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
		most: slices.Max(values), slope: slope(all[third:], value),
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
func slope(all []sample, value func(sample) float64) float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for _, s := range all {
		x, y := s.at.Minutes(), value(s)
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	return (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
}
