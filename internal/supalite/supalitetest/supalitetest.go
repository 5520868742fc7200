// Package supalitetest starts Supabase Lite for tests, with the project's migrations applied. Most
// packages share one server, started when the first test asks:
//
//	func TestMain(m *testing.M) { os.Exit(supalitetest.Run(m)) }
//
//	func TestSave(t *testing.T) {
//		s := supalitetest.Shared(t)
package supalitetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/postgres"
)

// sharedServer is a server that Run has to stop.
type sharedServer struct {
	once    sync.Once
	server  *supalite.Server
	url     string // of its database, "" for the embedded one
	err     error
	cleanUp func() error // after the server has stopped
}

var shared, sharedOnPostgres sharedServer

// start starts the server once, on the database that makeDatabase returns.
func (s *sharedServer) start(t testing.TB, makeDatabase func() (url string, drop func() error, err error)) {
	t.Helper()
	Need(t)
	s.once.Do(func() {
		if s.url, s.cleanUp, s.err = makeDatabase(); s.err == nil {
			s.server, s.err = start(supalite.Options{DatabaseURL: s.url})
		}
	})
	check(t, s.err)
}

// start starts a server. Without migrations it has the project's.
func start(o supalite.Options) (s *supalite.Server, err error) {
	if o.Progress = os.Stderr; o.Migrations == nil {
		if o.Migrations, err = Migrations(); err != nil {
			return nil, err
		}
	}
	return supalite.Start(context.Background(), o)
}

func (s *sharedServer) stop() (err error) {
	if s.server != nil {
		err = s.server.Stop()
	}
	if s.cleanUp != nil {
		err = errors.Join(err, s.cleanUp())
	}
	return err
}

// ownDatabase makes a database for this process alone on the server of SUPALITE_DATABASE_URL, because the
// tests of several packages run at once. It returns the database's URL and what drops it again, nothing
// where the variable is empty.
func ownDatabase() (databaseURL string, drop func() error, err error) {
	server := supalite.DatabaseURLFromEnv()
	if server == "" {
		return "", nil, nil
	}
	name := fmt.Sprintf("supalite_test_%d", os.Getpid())
	parsed, err := url.Parse(server)
	if err != nil {
		return "", nil, fmt.Errorf("reading SUPALITE_DATABASE_URL: not a URL")
	}
	parsed.Path = "/" + name
	if err := execute(server, "create database "+name); err != nil {
		return "", nil, fmt.Errorf("making a database for the tests: %w", err)
	}
	return parsed.String(), func() error { return execute(server, "drop database "+name+" with (force)") }, nil
}

func execute(databaseURL, statement string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

// Run runs the tests, and stops the shared servers if there are any. It returns the exit code.
func Run(m *testing.M) int {
	code := m.Run()
	if err := errors.Join(shared.stop(), sharedOnPostgres.stop()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Shared returns the package's server, on the database that SUPALITE_DATABASE_URL asks for. The test
// is skipped as by [Need].
func Shared(t testing.TB) *supalite.Server {
	t.Helper()
	shared.start(t, ownDatabase)
	return shared.server
}

// SharedOnPostgres returns another server that the package's tests share, which runs on a private
// PostgreSQL, and the URL of that, as its superuser: for tests that need several sessions. The test is
// skipped as by [Need] and [Postgres].
func SharedOnPostgres(t testing.TB) (s *supalite.Server, url string) {
	t.Helper()
	sharedOnPostgres.start(t, func() (string, func() error, error) {
		server, err := postgres.Start(context.Background())
		if err != nil {
			return "", nil, err
		}
		return server.URL, func() error { server.Stop(); return nil }, nil
	})
	return sharedOnPostgres.server, sharedOnPostgres.url
}

// Start returns a server of the test's own, which stops with the test. Without migrations it has the
// project's. The test is skipped as by [Need].
func Start(t testing.TB, o supalite.Options) *supalite.Server {
	t.Helper()
	Need(t)
	s, err := start(o)
	check(t, err)
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Postgres returns the URL of a fresh PostgreSQL, as its superuser postgres, and stops it with the
// test. The test is skipped where there is none, unless CI=true.
func Postgres(t testing.TB) string {
	t.Helper()
	server, err := postgres.Start(t.Context())
	check(t, err)
	t.Cleanup(server.Stop)
	return server.URL
}

// Need skips a test under -short, and without Node unless CI=true.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("Supabase Lite is left out under -short")
	}
	check(t, supalite.CheckNode(t.Context()))
}

// check ends the test on an error: skipped where the error says that this machine lacks a program,
// unless CI=true.
func check(t testing.TB, err error) {
	t.Helper()
	missing := errors.Is(err, supalite.ErrNoNode) || errors.Is(err, postgres.ErrMissing)
	if missing && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Migrations returns supabase/migrations of the module that the test's folder is in.
func Migrations() (fs.FS, error) {
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, missing := os.Stat(filepath.Join(dir, "go.mod")); missing == nil {
			return os.DirFS(filepath.Join(dir, "supabase", "migrations")), nil
		}
	}
	return nil, cmp.Or(err, errors.New("finding the migrations: no go.mod above this folder"))
}
