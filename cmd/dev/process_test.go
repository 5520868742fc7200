//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"igconnect/internal/supalite/supalitetest"
)

// TestMain is the program itself in the processes that tests start.
func TestMain(m *testing.M) {
	if os.Getenv("IGCONNECT_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// self is this program with arguments.
func self(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "IGCONNECT_TEST_MAIN=1")
	return cmd
}

// anyPortArgs are the flags of a server beside others.
func anyPortArgs(t *testing.T) []string {
	return []string{"-addr", "localhost:0", "-supabase-addr", "127.0.0.1:0", "-meta-addr", "localhost:0", "-data", filepath.Join(t.TempDir(), "data")}
}

// TestProcess shows what the program prints, and with what status it ends.
func TestProcess(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() }) // after the subtests
	for name, tt := range map[string]struct {
		args           []string
		status         int
		stdout, stderr string // the beginning of each; "": nothing at all
	}{
		"a held port":  {append(anyPortArgs(t), "-addr", held.Addr().String()), 1, "", "Port "},
		"no address":   {append(anyPortArgs(t), "-addr", "3000"), 1, "", `The address "3000" is not of the form host:port.`},
		"no argument":  {append(anyPortArgs(t), "serve"), 1, "", `There is no argument "serve"`},
		"for an app":   {append(anyPortArgs(t), "-env"), 0, "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY=sb_publishable_", ""},
		"no such flag": {append(anyPortArgs(t), "-port", "1"), 2, "", "flag provided but not defined: -port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			cmd := self(t, tt.args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the status says it
			begins := func(got, want string) bool { return strings.HasPrefix(got, want) && (want != "" || got == "") }
			if cmd.ProcessState.ExitCode() != tt.status || !begins(stdout.String(), tt.stdout) || !begins(stderr.String(), tt.stderr) {
				t.Errorf("status %d, said %q and %q; want %+v", cmd.ProcessState.ExitCode(), &stdout, &stderr, tt)
			}
		})
	}
}

// TestEndings starts the server, ends it as people and supervisors do, and waits until all its
// ports are closed: go run's own process, which tells nobody, and the server itself.
func TestEndings(t *testing.T) {
	supalitetest.Need(t)
	t.Parallel()
	for name, tt := range map[string]struct {
		signal syscall.Signal
		start  func(*testing.T) *exec.Cmd
	}{
		"Ctrl-C": {syscall.SIGINT, func(t *testing.T) *exec.Cmd { return self(t, anyPortArgs(t)...) }},
		"SIGTERM under go run": {syscall.SIGTERM, func(t *testing.T) *exec.Cmd {
			return exec.CommandContext(t.Context(), "go", append([]string{"run", "igconnect/cmd/dev"}, anyPortArgs(t)...)...)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := tt.start(t)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd.Stderr = t.Output()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var urls []string
			lines := bufio.NewScanner(stdout)
			for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C stops everything.") {
				for _, name := range []string{"NEXT_PUBLIC_SUPABASE_URL=", "IGCONNECT_URL=", "FB_GRAPH_URL="} {
					if url, ok := strings.CutPrefix(lines.Text(), name); ok {
						urls = append(urls, url)
					}
				}
			}
			if len(urls) != 3 {
				t.Fatalf("it named only %q", urls)
			}
			for _, url := range urls {
				if !listens(url) {
					t.Errorf("nobody listens at %s", url)
				}
			}
			signalled := time.Now()
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(stdout) // ends with the last process that holds it
			took := time.Since(signalled)
			err = cmd.Wait()
			if !strings.Contains(string(rest), "Stopping.") || took > 5*time.Second || tt.signal == syscall.SIGINT && err != nil {
				t.Errorf("it took %v, ended with %v and said %q", took, err, rest)
			}
			for _, url := range urls {
				if listens(url) {
					t.Errorf("somebody still listens at %s", url)
				}
			}
			fmt.Fprintf(t.Output(), "it ended within %v\n", took)
		})
	}
}

func listens(url string) bool {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// TestInterruptedStart ends a start before there is anything to serve, which leaves nothing behind.
func TestInterruptedStart(t *testing.T) {
	supalitetest.Need(t)
	t.Parallel()
	cmd := self(t, anyPortArgs(t)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stderr).ReadString('\n'); err != nil { // the first step goes on or has ended
		t.Fatalf("%q, %v", line, err)
	}
	signalled := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err, took := cmd.Wait(), time.Since(signalled); err != nil || took > 30*time.Second { // two, where the machine is not busy
		t.Errorf("it took %v and ended with %v", took, err)
	}
}
