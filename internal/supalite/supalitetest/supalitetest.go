// Package supalitetest gives the tests of a package one Supabase Lite to share, started when the first test asks:
//
//	func TestMain(m *testing.M) { os.Exit(supalitetest.Run(m)) }
//
//	func TestSave(t *testing.T) {
//		s := supalitetest.Shared(t)
package supalitetest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"igconnect/internal/supalite"
)

// shared is what Run has to clean up.
var shared struct {
	once   sync.Once
	server *supalite.Server
	err    error
	drop   func() error // the database, if it is on a server that outlives us
}

func start() (*supalite.Server, error) {
	migrations, err := Migrations()
	if err != nil {
		return nil, err
	}
	url, drop, err := ownDatabase(context.Background(), supalite.DatabaseURLFromEnv())
	if err != nil {
		return nil, err
	}
	shared.drop = drop
	return supalite.Start(context.Background(), supalite.Options{
		Migrations:  migrations,
		DatabaseURL: url,
		Progress:    os.Stderr,
	})
}

// Run runs the tests, and stops the shared server if there is one. It returns the exit code.
func Run(m *testing.M) int {
	code := m.Run()
	var err error
	if shared.server != nil {
		err = shared.server.Stop()
	}
	if shared.drop != nil {
		err = errors.Join(err, shared.drop())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Shared returns the package's server, with the project's migrations applied. The test is skipped under -short, and
// without Node unless CI=true.
func Shared(t testing.TB) *supalite.Server {
	t.Helper()
	Need(t)
	shared.once.Do(func() { shared.server, shared.err = start() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// Need skips a test that starts a server of its own where Shared would skip it.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("Supabase Lite is left out under -short")
	}
	if err := supalite.CheckNode(t.Context()); errors.Is(err, supalite.ErrNoNode) && os.Getenv("CI") != "true" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// Migrations returns supabase/migrations of the module that the test's folder is in.
func Migrations() (fs.FS, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return os.DirFS(filepath.Join(dir, "supabase", "migrations")), nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil, errors.New("finding the migrations: no go.mod above this folder")
		}
		dir = parent
	}
}
