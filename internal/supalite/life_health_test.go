package supalite_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"igconnect/internal/supalite/supalitetest"
)

// testLifeSchemaVersion: whoever adds a migration replaces igconnect_schema_version() in it.
func testLifeSchemaVersion(t *testing.T, l *life) {
	migrations, err := supalitetest.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	newest, _, _ := strings.Cut(files[len(files)-1], "_")
	var got string
	l.mustCall(t, "igconnect_schema_version", object{}, &got)
	if got != newest {
		t.Errorf("version %q, want %q, the newest migration's", got, newest)
	}
}

// testLifeProbeVault tries a Vault that works, one that fails and one that forgets: nothing may be left behind.
func testLifeProbeVault(t *testing.T, l *life) {
	clean := func(state string) {
		t.Helper()
		if left := l.sql(t, "select name from vault.secrets where name like 'igconnect/probe/%'"); len(left) > 0 {
			t.Errorf("%s left %v", state, left)
		}
	}
	var works bool
	l.mustCall(t, "probe_vault", object{}, &works)
	if !works {
		t.Error("Vault works, the probe says it does not")
	}
	clean("a working Vault")

	const update = "vault.update_secret(uuid, text, text, text, uuid)"
	whole := l.sql(t, "select pg_get_functiondef('"+update+"'::regprocedure) as text")[0]["text"].(string)
	defer l.sql(t, whole)
	broken := func(body string) {
		l.sql(t, fmt.Sprintf(`create or replace function vault.update_secret(
			secret_id uuid, new_secret text default null, new_name text default null,
			new_description text default null, new_key_id uuid default null) returns void
			language plpgsql security definer set search_path = '' as $broken$ begin %s end $broken$`, body))
	}
	broken("raise exception 'the key is lost';")
	l.wantRefused(t, "probe_vault", object{}, "the key is lost")
	clean("a failing Vault")
	broken("null;")
	l.mustCall(t, "probe_vault", object{}, &works)
	if works {
		t.Error("Vault forgets, the probe says it works")
	}
	clean("a forgetful Vault")
}
