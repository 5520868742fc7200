package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// program is how one side is started: with nothing in its environment but what it is told.
type program struct {
	command, env []string
	dir          string
}

// process is one that runs.
type process struct {
	cmd  *exec.Cmd
	said *os.File // all that it printed
	end  context.CancelFunc
	done chan struct{}
}

// spawn starts a program, whose output goes to a file in the folder logs.
func (p program) spawn(logs string) (*process, error) {
	said, err := os.CreateTemp(logs, filepath.Base(p.command[0])+"-*.log")
	if err != nil {
		return nil, err
	}
	command := slices.Concat(onOneCore(), p.command)
	ctx, end := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second // and then it is killed
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.dir, p.env, said, said, withParent()
	started := &process{cmd: cmd, said: said, end: end, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		end()
		return nil, fmt.Errorf("starting %s: %w", p.command[0], err)
	}
	go func() { cmd.Wait(); said.Close(); close(started.done) }()
	return started, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process, waits until it is gone, and closes the browsers' connections to it.
func (p *process) stop() {
	p.end()
	<-p.done
	plainClient.CloseIdleConnections()
}

// answers waits until the process answers a GET with this status. It tries again every half a
// millisecond while nobody listens.
func (p *process) answers(ctx context.Context, address, cookies string, status int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		_, err := get(ctx, "first answer", address, browser(cookies), status)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return p.explain(err)
		}
		select {
		case <-time.After(500 * time.Microsecond):
		case <-p.done:
			return p.explain(errors.New("it ended by itself"))
		}
	}
}

// explain adds to err what the process said last.
func (p *process) explain(err error) error {
	text, _ := os.ReadFile(p.said.Name())
	return fmt.Errorf("%w\nIt said last:\n%s", err, text[max(0, len(text)-2000):])
}

// cpuTimes are what processes have spent in user and system mode so far, in steps of 10 ms.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func cpuTimes(pids [3]int) (times [3]time.Duration, err error) {
	for i, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return times, err
		}
		// The name of the process ends at the last bracket, and may hold blanks.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) < 13 {
			return times, errors.New("/proc/<pid>/stat does not tell the CPU time")
		}
		for _, ticks := range fields[11:13] {
			n, _ := strconv.Atoi(ticks)
			times[i] += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return times, nil
}

// memoryOf returns the most bytes that a process ever held, and those that it holds.
func memoryOf(pid int) (most, now int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	_, lines, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscanf(lines, "%d kB\nVmRSS: %d kB", &most, &now); err != nil {
		return 0, 0, fmt.Errorf("/proc/<pid>/status does not tell the memory: %w", err)
	}
	return most << 10, now << 10, nil
}

// freePort is a port of 127.0.0.1 that nobody listens on.
func freePort() int {
	server := httptest.NewServer(nil)
	defer server.Close()
	return server.Listener.Addr().(*net.TCPAddr).Port
}

// onOneCore returns what stands before a command that shall have one core, as a function has: the
// first that we may use. It is nothing where there is no taskset, or no second core for the rest
// of the benchmark.
var onOneCore = sync.OnceValue(func() []string {
	taskset, err := exec.LookPath("taskset")
	status, _ := os.ReadFile("/proc/self/status")
	first := regexp.MustCompile(`(?m)^Cpus_allowed_list:\s*(\d+)`).FindSubmatch(status)
	if err != nil || first == nil || runtime.NumCPU() < 2 {
		return nil
	}
	return []string{taskset, "-c", string(first[1])}
})
