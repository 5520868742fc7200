// Package postgres starts a private PostgreSQL from the programs of this machine, for what needs more than one session.
// It listens on 127.0.0.1 only, and its data is gone when it stops.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing says that PostgreSQL cannot run on this machine.
var ErrMissing = errors.New("no PostgreSQL")

// Server is a running PostgreSQL.
type Server struct {
	URL  string // as the superuser postgres
	Stop func() // ends the server and removes its data
}

// Start makes an empty database and starts a server on it. The error wraps [ErrMissing] where there are
// no programs, or no user that they would run as. The server lives until Stop, and no longer than this
// process.
func Start(ctx context.Context) (*Server, error) {
	bin := findPrograms()
	if bin == "" {
		return nil, fmt.Errorf("%w: its initdb and postgres are not on this machine", ErrMissing)
	}
	return StartFrom(ctx, bin)
}

// StartFrom is Start with the folder of the programs initdb and postgres.
func StartFrom(ctx context.Context, bin string) (s *Server, err error) {
	dir, err := os.MkdirTemp("", "postgres-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	attr, err := unprivileged(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: it does not run as root: %w", ErrMissing, err)
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := fmt.Sprint(free.Addr().(*net.TCPAddr).Port)
	free.Close()
	var said bytes.Buffer
	// The shell ends the server when its input ends: also when this process is killed.
	server := exec.Command("sh", "-c", `"$@" & read -r _; kill -INT $!; wait $!`, "sh",
		filepath.Join(bin, "postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir,
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "wal_level=logical") // as on Supabase, for Realtime
	server.Dir, server.SysProcAttr = dir, attr
	server.Stdout, server.Stderr = &said, &said
	stdin, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	s = &Server{URL: fmt.Sprintf("postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable", port), Stop: func() {
		stdin.Close()
		server.Wait()
		os.RemoveAll(dir)
	}}
	if err := waitReady(ctx, s.URL); err != nil {
		s.Stop()
		return nil, fmt.Errorf("waiting for PostgreSQL: %w\n%s", err, &said)
	}
	return s, nil
}

// findPrograms returns the folder of PostgreSQL's programs, "" if there is none.
func findPrograms() string {
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

func waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
