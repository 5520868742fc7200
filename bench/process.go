package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	done chan struct{}
}

// spawn starts a program, whose output goes to a file in the folder logs.
func (p program) spawn(logs string) (*process, error) {
	said, err := os.CreateTemp(logs, filepath.Base(p.command[0])+"-*.log")
	if err != nil {
		return nil, err
	}
	command := slices.Concat(onOneCore(), p.command)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = p.dir, append(p.env, fmt.Sprint("PORT=", p.port))
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = withParent()
	if err := cmd.Start(); err != nil {
		said.Close()
		return nil, fmt.Errorf("starting %s: %w", p.command[0], err)
	}
	started := &process{cmd: cmd, said: said, done: make(chan struct{})}
	go func() { cmd.Wait(); close(started.done) }()
	return started, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop ends the process and waits until it is gone.
func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM) // fails where it has ended
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
	p.said.Close()
}

// answers waits until the process answers a GET, and returns its status. It tries again every half a millisecond while
// nobody listens.
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

// memoryOf is a line of /proc/<pid>/status in bytes: VmRSS is what the process holds, VmHWM the most it ever held.
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

// children are the processes that this one started.
func children() []int {
	var all []int
	names, _ := filepath.Glob("/proc/self/task/*/children")
	for _, name := range names {
		text, _ := os.ReadFile(name)
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
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
