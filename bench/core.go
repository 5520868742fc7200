package main

import (
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
)

// onOneCore returns what stands before a command that shall have one core, as a function has: the first that we may use.
// It is nothing where there is no taskset, or no second core for the rest of the benchmark.
var onOneCore = sync.OnceValue(func() []string {
	taskset, err := exec.LookPath("taskset")
	if err != nil || runtime.NumCPU() < 2 {
		return nil
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil
	}
	first := regexp.MustCompile(`(?m)^Cpus_allowed_list:\s*(\d+)`).FindSubmatch(status)
	if first == nil {
		return nil
	}
	return []string{taskset, "-c", string(first[1])}
})
