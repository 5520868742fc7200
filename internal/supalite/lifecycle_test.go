package supalite_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/postgres"
	"igconnect/internal/supalite/supalitetest"
)

// TestRestart starts again on the same data: the data, the keys, the sessions and above all the grants
// have to be as before, also after REST was asked. A fresh start keeps no data.
func TestRestart(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		o := supalite.Options{Dir: filepath.Join(t.TempDir(), "data")}
		testRestart(t, o, func() {
			if _, err := supalite.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another Supabase Lite") {
				t.Errorf("a second server on one folder: %v", err)
			}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		supalitetest.Need(t)
		testRestart(t, supalite.Options{DatabaseURL: supalitetest.Postgres(t)}, func() {})
	})
}

func testRestart(t *testing.T, o supalite.Options, whileRunning func()) {
	first := supalitetest.Start(t, o)
	const email, password = "ada@example.com", "correct horse battery"
	user, err := first.SignUp(t.Context(), email, password)
	must(t, err)
	wantStatus(t, 201, first, first.ServiceKey, "POST", "user_configs", map[string]any{
		"user_id": user.ID, "instagram_id": "17841400000000001", "token": "a-token",
	})
	const tokens = "select token from public.get_instagram_token('17841400000000001')"
	grants := readGrants(t, first)
	stop(t, first)

	second := supalitetest.Start(t, o)
	if second.ServiceKey != first.ServiceKey || second.AnonKey != first.AnonKey {
		t.Error("the keys changed")
	}
	wantStatus(t, 200, second, user.AccessToken, "GET", "user_configs?select=instagram_id", nil)
	wantStatus(t, 403, second, user.AccessToken, "GET", "user_configs?select=*", nil)
	if _, err := second.SignIn(t.Context(), email, password); err != nil {
		t.Error(err)
	}
	wantEqual(t, "tokens", []map[string]any{{"token": "a-token"}}, sql(t, second, tokens))
	wantEqual(t, "grants", grants, readGrants(t, second))
	whileRunning()
	stop(t, second)

	o.Fresh = true
	fresh := supalitetest.Start(t, o)
	wantEqual(t, "kept by a fresh start", []map[string]any{}, sql(t, fresh, tokens))
	wantEqual(t, "grants", grants, readGrants(t, fresh))
	stop(t, fresh)
}

// readGrants returns what is granted on tables, columns, functions and schemas.
func readGrants(t *testing.T, s *supalite.Server) []map[string]any {
	t.Helper()
	return sql(t, s, `
		select what, name, acl::text from (
			select 'relation' as what, oid::regclass::text as name, relacl as acl, relnamespace as schema from pg_class
			union all
			select 'column', attrelid::regclass || '.' || attname, attacl, relnamespace
				from pg_attribute join pg_class c on c.oid = attrelid
			union all
			select 'function', oid::regprocedure::text, proacl, pronamespace from pg_proc
			union all
			select 'schema', nspname, nspacl, oid from pg_namespace
		) g where acl is not null and schema in (select oid from pg_namespace where nspname in ('public', 'igconnect', 'vault'))
		order by 1, 2`)
}

func sql(t *testing.T, s *supalite.Server, query string) []map[string]any {
	t.Helper()
	rows, err := s.SQL(t.Context(), query)
	must(t, err)
	return rows
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantEqual(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantStatus asks REST with a key, or as the user whose token it is, and checks how it answers.
func wantStatus(t *testing.T, want int, s *supalite.Server, key, method, path string, body any) {
	t.Helper()
	text, err := json.Marshal(body)
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/rest/v1/"+path, bytes.NewReader(text))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Apikey", s.AnonKey)
	req.Header.Set("Authorization", "Bearer "+key)

	if strings.HasPrefix(key, "sb_secret_") {
		req.Header.Set("Apikey", key)
	}
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if out, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		t.Errorf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, want, out)
	}
}

func TestBrokenMigration(t *testing.T) {
	supalitetest.Need(t)
	_, err := supalite.Start(t.Context(), supalite.Options{Migrations: fstest.MapFS{
		"1_good.sql": {Data: []byte("create table public.good (id int)")},
		"2_bad.sql":  {Data: []byte("create tabel public.bad (id int)")},
	}})
	if err == nil || !strings.Contains(err.Error(), `migration 2_bad: syntax error at or near "tabel"`) {
		t.Errorf("error = %v, want the migration's name and PostgreSQL's words", err)
	}
}

func TestCancel(t *testing.T) {
	supalitetest.Need(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := supalite.Start(ctx, supalite.Options{})
	must(t, err)
	cancel()
	select {
	case <-s.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the server outlives its context")
	}
	stop(t, s)
	if _, err := os.Stat(s.DataDir); !os.IsNotExist(err) {
		t.Errorf("the temporary folder is still there: %v", err)
	}
}

// TestKilledParent starts a server in another process, kills that process and waits for the server to go.
func TestKilledParent(t *testing.T) {
	if os.Getenv("SUPALITE_TEST_CHILD") != "" {
		s, err := supalite.Start(t.Context(), supalite.Options{Dir: os.Getenv("SUPALITE_TEST_CHILD")})
		must(t, err)
		fmt.Println("serving " + s.URL)
		select {}
	}
	supalitetest.Need(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledParent$")
	cmd.Env = append(os.Environ(), "SUPALITE_TEST_CHILD="+filepath.Join(t.TempDir(), "data"))
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	defer cmd.Wait()
	line, _ := bufio.NewReader(out).ReadString('\n')
	cmd.Process.Kill()
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if !ok {
		t.Fatalf("the child said %q", line)
	}
	waitGone(t, url)
}

// stop stops the server and checks that it is gone.
func stop(t *testing.T, s *supalite.Server) {
	t.Helper()
	must(t, s.Stop())
	waitGone(t, s.URL)
}

// waitGone waits until nothing answers at url.
func waitGone(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatalf("something still listens at %s", url)
}

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
