package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// endWithGoRun ends the context that it returns when the go command that started this process is
// gone: SIGTERM ends go run, which does not tell its child. Whoever started it otherwise may leave.
func endWithGoRun(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if parent := os.Getppid(); programOf(parent) == "go" {
		go func() {
			for os.Getppid() == parent && ctx.Err() == nil {
				time.Sleep(200 * time.Millisecond)
			}
			cancel()
		}()
	}
	return ctx, cancel
}

// programOf is the name of the program that a process runs; "" where the system does not tell.
func programOf(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil { // no Linux
		name, _ = exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	}
	return strings.TrimSuffix(filepath.Base(strings.TrimSpace(string(name))), ".exe")
}
