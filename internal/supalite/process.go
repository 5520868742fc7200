package supalite

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// process is the Node process that runs server.mjs.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer // closing it asks the process to end, as the death of this one does
	said  *tail
	done  chan struct{}
}

// answer is the one line that server.mjs says.
type answer struct {
	Port  int    `json:"port"`
	Error string `json:"error"`
}

// launch starts server.mjs and waits until it listens.
func launch(ctx context.Context, node, app string, c *config) (*process, int, error) {
	line, err := json.Marshal(c)
	if err != nil {
		return nil, 0, err
	}
	// Not CommandContext: when ctx ends, the database gets the time to close.
	cmd := exec.Command(node, filepath.Join(app, "server.mjs"))
	cmd.Env = environment()
	ownGroup(cmd)
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, 0, err
	}
	p := &process{cmd: cmd, stdin: stdin, said: &tail{}, done: make(chan struct{})}
	cmd.Stderr = p.said
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	answers := make(chan answer, 1)
	go p.watch(stdout, answers)
	if _, err = stdin.Write(append(line, '\n')); err == nil {
		select {
		case a := <-answers:
			if a.Port != 0 {
				return p, a.Port, nil
			}
			err = errors.New(a.Error)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	p.stop()
	return nil, 0, p.explain(err)
}

// watch passes the answer on, keeps the last of everything else that is printed, and ends with the process.
func (p *process) watch(stdout io.Reader, answers chan<- answer) {
	defer close(p.done)
	pass := func(a answer) {
		select {
		case answers <- a:
		default: // only the first is waited for
		}
	}
	lines := bufio.NewReader(stdout)
	for ended := false; !ended; {
		line, err := lines.ReadBytes('\n')
		var a answer
		if json.Unmarshal(line, &a) == nil && a != (answer{}) {
			pass(a)
		} else {
			p.said.Write(line)
		}
		ended = err != nil
	}
	p.cmd.Wait()
	pass(answer{Error: "it ended by itself"})
}

// stop asks the process to end and waits for it. If it takes too long, or left something behind in its group, the group
// is killed: PostgreSQL recovers from that at the next start.
func (p *process) stop() {
	p.stdin.Close()
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
	}
	killGroup(p.cmd)
	<-p.done
}

// explain adds to err what Lite said last.
func (p *process) explain(err error) error {
	if said := lastLines(p.said.String(), 8); said != "" {
		return fmt.Errorf("%w\nIts last lines:\n%s", err, said)
	}
	return err
}

// tail keeps the last few kilobytes that were written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	const limit = 8 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-limit):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// environment is what Lite gets to see: enough to run, and nothing of the developer's own settings and secrets.
func environment() []string {
	env := []string{"DO_NOT_TRACK=1", "NODE_NO_WARNINGS=1"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TEMP", "SystemRoot", "USERPROFILE", "LANG"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lastLines returns the last n lines of text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
