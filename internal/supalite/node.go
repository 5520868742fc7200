package supalite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ErrNoNode says that Node is missing or too old. Tests skip on it.
var ErrNoNode = errors.New("no Node 20 or newer")

const minNode = 20

// CheckNode returns nil if Start can run here, or an error that wraps ErrNoNode.
func CheckNode(ctx context.Context) error {
	_, err := findNode(ctx)
	return err
}

// findNode returns the path of Node.
func findNode(ctx context.Context) (string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("%w: Supabase Lite needs it; install it from nodejs.org and try again", ErrNoNode)
	}
	out, err := exec.CommandContext(ctx, node, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking Node for its version: %w", err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < minNode {
		return "", fmt.Errorf("%w: this machine has %s; install a newer one from nodejs.org and try again", ErrNoNode, version)
	}
	return node, nil
}

// npm runs npm in dir and returns what it said.
func npm(ctx context.Context, dir string, args ...string) (string, error) {
	program, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is missing: it comes with Node, install both from nodejs.org")
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "DO_NOT_TRACK=1", "NPM_CONFIG_UPDATE_NOTIFIER=false")
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	return lastLines(out.String(), 8), err
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
