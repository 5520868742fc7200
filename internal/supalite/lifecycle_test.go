package supalite_test

import (
	"bufio"
	"context"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/pgtest"
	"igconnect/internal/supalite/supalitetest"
)

// TestRestart starts twice on one folder: the data, the keys, the sessions and above all the grants have to be as before.
func TestRestart(t *testing.T) {
	supalitetest.Need(t)
	dir := t.TempDir()
	first := startWith(t, supalite.Options{Dir: dir})
	u, id, token := first.newUser(t), newID(), newToken()
	first.mustUpsert(t, row(u, id, token))
	stop(t, first)

	begin := time.Now()
	second := startWith(t, supalite.Options{Dir: dir})
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("the second start took %s", took)
	}
	if second.ServiceKey != first.ServiceKey || second.AnonKey != first.AnonKey {
		t.Error("the keys changed")
	}
	second.wantToken(t, id, token)
	testGrants(t, second)
	status, out := second.rest(t, second.user(u), "GET", "user_configs?select=*", nil)
	wantDenied(t, "select of * after a restart", status, out)
	if _, err := second.SignIn(t.Context(), u.Email, "correct horse battery"); err != nil {
		t.Error(err)
	}

	if _, err := supalite.Start(t.Context(), supalite.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another Supabase Lite") {
		t.Errorf("a second server on one folder: %v", err)
	}
	stop(t, second)

	fresh := startWith(t, supalite.Options{Dir: dir, Fresh: true})
	if rows := fresh.lookUp(t, id); len(rows) > 0 {
		t.Errorf("a fresh start kept %v", rows)
	}
	stop(t, fresh)
}

// TestRestartOnPostgres is the same on a server that keeps its data by itself.
func TestRestartOnPostgres(t *testing.T) {
	supalitetest.Need(t)
	options := supalite.Options{DatabaseURL: pgtest.Start(t)}
	first := startWith(t, options)
	u, id, token := first.newUser(t), newID(), newToken()
	first.mustUpsert(t, row(u, id, token))
	stop(t, first)

	second := startWith(t, options)
	second.wantToken(t, id, token)
	testGrants(t, second)
	stop(t, second)

	options.Fresh = true
	fresh := startWith(t, options)
	if rows := fresh.lookUp(t, id); len(rows) > 0 {
		t.Errorf("a fresh start kept %v", rows)
	}
	testGrants(t, fresh)
	stop(t, fresh)
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
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-s.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the server outlives its context")
	}
	stop(t, &project{s})
	if _, err := os.Stat(s.DataDir); !os.IsNotExist(err) {
		t.Errorf("the temporary folder is still there: %v", err)
	}
}

// TestKilledParent starts a server in another process, kills that process and waits for the server to go.
func TestKilledParent(t *testing.T) {
	if os.Getenv("SUPALITE_TEST_CHILD") != "" {
		s, err := supalite.Start(t.Context(), supalite.Options{Dir: os.Getenv("SUPALITE_TEST_CHILD")})
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("serving " + s.URL + "\n")
		select {}
	}
	supalitetest.Need(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledParent$")
	cmd.Env = append(os.Environ(), "SUPALITE_TEST_CHILD="+filepath.Join(t.TempDir(), "data"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	line, _ := bufio.NewReader(out).ReadString('\n')
	cmd.Process.Kill()
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if !ok {
		t.Fatalf("the child said %q", line)
	}
	waitGone(t, url)
}

func startWith(t *testing.T, o supalite.Options) *project {
	t.Helper()
	var err error
	if o.Migrations, err = supalitetest.Migrations(); err != nil {
		t.Fatal(err)
	}
	s, err := supalite.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return &project{s}
}

// stop stops the server and checks that it is gone.
func stop(t *testing.T, p *project) {
	t.Helper()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	waitGone(t, p.URL)
}

func readFile(t *testing.T, dir fs.FS, name string) string {
	t.Helper()
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// waitGone waits until nothing answers at url.
func waitGone(t *testing.T, url string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatalf("something still listens at %s", url)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
