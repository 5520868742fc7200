package supalite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/postgres"
	"igconnect/internal/supalite/supalitetest"
)

// TestInstalledVault starts on a PostgreSQL that offers the extension supabase_vault, which only a
// superuser may create, as on the platform. The extension here is the stand-in's SQL under that name, in
// a private copy of the installation.
func TestInstalledVault(t *testing.T) {
	supalitetest.Need(t)
	server, err := postgres.StartFrom(t.Context(), copyWithVault(t, supalitetest.Postgres(t)))
	must(t, err)
	t.Cleanup(server.Stop)
	// The second is a setting that the real library makes when the server loads it.
	query(t, server.URL, `create schema extensions; create extension pgcrypto with schema extensions;
		alter database postgres set vault.getkey_script = 'loaded'`)

	o := supalite.Options{DatabaseURL: server.URL}
	for i, status := range []int{201, 409, 201} { // the first start, another, and one that removes everything before
		o.Fresh = i == 2
		s := supalitetest.Start(t, o)
		installed := sql(t, s, `select extowner::regrole::text as owner, extversion as version from pg_extension where extname = 'supabase_vault'`)
		wantEqual(t, "installed", []map[string]any{{"owner": "postgres", "version": "0.3.1"}}, installed)
		wantStatus(t, status, s, s.ServiceKey, "POST", "user_configs?on_conflict=user_id%2Cinstagram_id", map[string]any{
			"user_id": "anybody", "instagram_id": "1", "token": "a-token", "page_token": "a-page-token",
		})
		got := sql(t, s, "select token, page_token from public.get_instagram_token('1')")
		wantEqual(t, "tokens", []map[string]any{{"token": "a-token", "page_token": "a-page-token"}}, got)
		stop(t, s)
	}
}

func query(t *testing.T, url, statements string) [][]any {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), statements, pgx.QueryExecModeSimpleProtocol)
	must(t, err)
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	must(t, err)
	return all
}

// copyWithVault copies the installation of a running PostgreSQL, which finds its files by their place
// beside its programs, adds the extension, and returns the folder of the programs.
func copyWithVault(t *testing.T, url string) (bin string) {
	t.Helper()
	installed := map[string]string{}
	for _, row := range query(t, url, "select name, setting from pg_config where name in ('BINDIR', 'SHAREDIR', 'PKGLIBDIR')") {
		installed[row[0].(string)] = row[1].(string)
	}
	root, err := os.MkdirTemp("", "postgres-with-vault-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(root) })
	must(t, os.Chmod(root, 0o755)) // also for the user that PostgreSQL runs as where this is root

	bin = filepath.Join(root, installed["BINDIR"])
	must(t, os.MkdirAll(bin, 0o755))
	for _, name := range []string{"postgres", "initdb"} { // no links: they look where they really are
		program, err := os.ReadFile(filepath.Join(installed["BINDIR"], name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(bin, name), program, 0o755))
	}
	must(t, os.Symlink(installed["PKGLIBDIR"], filepath.Join(root, installed["PKGLIBDIR"])))
	extensions := filepath.Join(installed["SHAREDIR"], "extension")
	must(t, os.MkdirAll(filepath.Join(root, extensions), 0o755))
	for _, dir := range []string{installed["SHAREDIR"], extensions} {
		entries, err := os.ReadDir(dir)
		must(t, err)
		for _, entry := range entries {
			if path := filepath.Join(dir, entry.Name()); path != extensions {
				must(t, os.Symlink(path, filepath.Join(root, path)))
			}
		}
	}

	standIn, err := os.ReadFile("sql/vault.sql")
	must(t, err)
	script := strings.NewReplacer( // what is there already when an extension's script runs
		"create extension if not exists pgcrypto with schema extensions;", "", "create schema if not exists vault;", "",
	).Replace(string(standIn))
	for name, text := range map[string]string{
		"supabase_vault.control":    "default_version = '0.3.1'\nrelocatable = false\nschema = vault\n",
		"supabase_vault--0.3.1.sql": script,
	} {
		must(t, os.WriteFile(filepath.Join(root, extensions, name), []byte(text), 0o644))
	}
	return bin
}
