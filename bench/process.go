package main

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	command []string
	dir     string
	env     []string
	port    int
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
	cmd.Dir, cmd.Env = p.dir, append(p.env, fmt.Sprint("PORT=", p.port))
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = withParent()
	started := &process{cmd: cmd, said: said, end: end, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		end()
		return nil, fmt.Errorf("starting %s: %w", p.command[0], err)
	}
	go func() { cmd.Wait(); said.Close(); close(started.done) }()
	return started, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and waits until it is gone.
func (p *process) stop() {
	p.end()
	<-p.done
}

// answers waits until the process answers a GET, and returns its status. It tries again every half
// a millisecond while nobody listens.
func (p *process) answers(ctx context.Context, address, cookies string) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		answer, err := get(ctx, address, cookies)
		if err == nil {
			return answer.status, nil
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return 0, p.explain(err)
		}
		select {
		case <-time.After(500 * time.Microsecond):
		case <-p.done:
			return 0, p.explain(errors.New("it ended by itself"))
		case <-ctx.Done():
			return 0, p.explain(ctx.Err())
		}
	}
}

// explain adds to err what the process said last.
func (p *process) explain(err error) error {
	text, _ := os.ReadFile(p.said.Name())
	return fmt.Errorf("%w\nIt said last:\n%s", err, text[max(0, len(text)-2000):])
}

// cpu is the time that the process has spent in user and system mode, in steps of 10 ms.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func cpu(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), ") ") // behind the name, which may hold blanks
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, errors.New("/proc/<pid>/stat is too short")
	}
	user, errUser := strconv.Atoi(fields[11])
	system, errSystem := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(errUser, errSystem)
}

// memoryOf is a line of /proc/<pid>/status in bytes: VmRSS is what the process holds, VmHWM the
// most it ever held.
func memoryOf(pid int, line string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(text), "\n"+line+":")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); !found || err != nil {
		return 0, fmt.Errorf("/proc/<pid>/status has no %s", line)
	}
	return kilobytes << 10, nil
}

// freePort is a port of 127.0.0.1 that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// onOneCore returns what stands before a command that shall have one core, as a function has: the
// first that we may use. It is nothing where there is no taskset, or no second core for the rest
// of the benchmark.
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
