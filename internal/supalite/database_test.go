package supalite_test

import (
	"os"
	"testing"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/pgtest"
	"igconnect/internal/supalite/supalitetest"
)

func TestMain(m *testing.M) { os.Exit(supalitetest.Run(m)) }

// TestDatabase holds supabase/migrations against design.md, on both databases that Lite runs on.
func TestDatabase(t *testing.T) {
	t.Run("default", func(t *testing.T) {
		testDatabase(t, supalitetest.Shared(t))
	})
	t.Run("postgres", func(t *testing.T) {
		testDatabase(t, startOnPostgres(t))
	})
}

func testDatabase(t *testing.T, s *supalite.Server) {
	p := &project{s}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *project)
	}{
		{"Upsert", testUpsert},
		{"PageToken", testPageToken},
		{"PageTokenOfAnother", testPageTokenOfAnother},
		{"NothingInClear", testNothingInClear},
		{"DestroyedSecret", testDestroyedSecret},
		{"DeleteRow", testDeleteRow},
		{"DeleteUser", testDeleteUser},
		{"BulkUpsert", testBulkUpsert},
		{"Reconnect", testReconnect},
		{"EmptyToken", testEmptyToken},
		{"BadValues", testBadValues},
		{"KeyChange", testKeyChange},
		{"ForgedSecretID", testForgedSecretID},
		{"UpdatedAt", testUpdatedAt},
		{"NewestFirst", testNewestFirst},
		{"LookUpRoles", testLookUpRoles},
		{"OwnRowsOnly", testOwnRowsOnly},
		{"NoWrites", testNoWrites},
		{"Grants", testGrants},
		{"Comments", testComments},
		{"Truncate", testTruncate},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, p) })
	}
}

// startOnPostgres starts a server of the test's own on a PostgreSQL of its own.
func startOnPostgres(t *testing.T) *supalite.Server {
	t.Helper()
	supalitetest.Need(t)
	url := pgtest.Start(t)
	migrations, err := supalitetest.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	s, err := supalite.Start(t.Context(), supalite.Options{DatabaseURL: url, Migrations: migrations, Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}
