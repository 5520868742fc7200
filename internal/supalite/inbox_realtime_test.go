package supalite_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/pgtest"
	"igconnect/internal/supalite/supalitetest"
)

// TestInboxRealtime applies the migrations where there is Supabase's publication: it carries both tables, in the columns
// that people may read, and does not stop anybody from writing.
func TestInboxRealtime(t *testing.T) {
	supalitetest.Need(t)
	url := pgtest.Start(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `
		create role supalite_owner nologin bypassrls;
		create publication supabase_realtime;
		alter publication supabase_realtime owner to supalite_owner`)
	if err != nil {
		t.Fatal(err)
	}
	p := startWith(t, supalite.Options{DatabaseURL: url})
	defer stop(t, p)

	published := p.sql(t, `select p.tablename, (select string_agg(n, ',' order by n) from unnest(p.attnames) n) as columns
		from pg_publication_tables p where pubname = 'supabase_realtime' order by 1`)
	readable := p.sql(t, `select table_name as tablename, string_agg(column_name, ',' order by column_name collate "C") as columns
		from information_schema.column_privileges
		where grantee = 'authenticated' and table_schema = 'public' and privilege_type = 'SELECT' group by 1 order by 1`)
	if diff := cmp.Diff(readable, published); diff != "" || len(published) != 2 {
		t.Errorf("published (-readable +published):\n%s", diff)
	}

	// What a publication's columns do not identify, PostgreSQL refuses to update and delete.
	in := newInbox(t, p)
	in.ingest(t, 1, in.event("a", "ann", 1))
	in.wantClaim(t, 1, "a")
	in.finish(t, 1, in.id("a"))
	in.mustPatch(t, in.account, object{"status": "expiring"})
	if status, out := in.rest(t, in.service(), "DELETE", one(in.account), nil); status >= 300 {
		t.Errorf("disconnecting: status %d: %s", status, out)
	}
}
