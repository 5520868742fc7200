// Package pgtest starts a private PostgreSQL for tests that need more than one session.
package pgtest

import (
	"errors"
	"os"
	"testing"

	"igconnect/internal/supalite/postgres"
)

// Start returns the URL of a fresh server, as its superuser postgres, and stops it with the test. The test is skipped
// where there is no PostgreSQL, unless CI=true.
func Start(t testing.TB) string {
	t.Helper()
	server, err := postgres.Start(t.Context())
	if errors.Is(err, postgres.ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server.URL
}
