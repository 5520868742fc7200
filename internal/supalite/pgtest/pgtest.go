// Package pgtest starts a private PostgreSQL for tests that need more than one session, from the binaries of this
// machine. It listens on 127.0.0.1 only, and its data is gone after the test.
package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Start returns the URL of a fresh server, as its superuser postgres, and stops it with the test. The test is skipped
// where there is no PostgreSQL, unless CI=true.
func Start(t testing.TB) string {
	t.Helper()
	bin := findBinaries()
	if bin == "" {
		without(t, "PostgreSQL's initdb and postgres are not on this machine")
	}
	// Not t.TempDir, whose parent another user cannot enter.
	dir, err := os.MkdirTemp("", "pgtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	attr, err := unprivileged(dir)
	if err != nil {
		without(t, fmt.Sprintf("PostgreSQL does not run as root: %v", err))
	}

	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}

	port := freePort(t)
	var said bytes.Buffer
	// The shell ends the server when its input ends: also when this process is killed.
	server := exec.Command("sh", "-c", `"$@" & read -r _; kill -INT $!; wait $!`, "sh",
		filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir,
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	server.Dir, server.SysProcAttr = dir, attr
	server.Stdout, server.Stderr = &said, &said
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		server.Wait()
	})

	url := fmt.Sprintf("postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable", port)
	if err := waitReady(t.Context(), url); err != nil {
		stdin.Close()
		server.Wait()
		t.Fatalf("waiting for PostgreSQL: %v\n%s", err, &said)
	}
	return url
}

// findBinaries returns the folder of PostgreSQL's programs, "" if there is none.
func findBinaries() string {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // Debian keeps them off the PATH
	slices.Reverse(dirs)
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append([]string{filepath.Dir(path)}, dirs...)
	}
	for _, dir := range dirs {
		if _, err := exec.LookPath(filepath.Join(dir, "postgres")); err == nil {
			return dir
		}
	}
	return ""
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// without skips a test for a reason that CI must not have.
func without(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
