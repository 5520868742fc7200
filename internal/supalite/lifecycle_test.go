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

	"igconnect/internal/supalite"
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
