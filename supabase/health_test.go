package supabase_test

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/store"
)

// readMigrations returns the migrations, and their names in order.
func readMigrations(t *testing.T) (fs.FS, []string) {
	t.Helper()
	migrations, err := supalitetest.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(migrations, "*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return migrations, names
}

// TestMigrationNames: `supabase db push --remote` reads the folder, and must find migrations only.
func TestMigrationNames(t *testing.T) {
	_, names := readMigrations(t)
	for _, name := range names {
		if ok, _ := path.Match("[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]_*.sql", name); !ok {
			t.Errorf("%s is no migration", name)
		}
	}
}

// TestVaultMissing applies the first migration to a database that has no Vault.
func TestVaultMissing(t *testing.T) {
	if testing.Short() {
		t.Skip("starting PostgreSQL takes seconds")
	}
	migrations, names := readMigrations(t)
	sql, err := fs.ReadFile(migrations, names[0])
	if err != nil {
		t.Fatal(err)
	}
	err = executeOn(t, supalitetest.Postgres(t), string(sql))
	if err == nil || !strings.Contains(err.Error(), "igconnect keeps its tokens in Supabase Vault") {
		t.Errorf("error = %v, want the sentence about Vault", err)
	}
}

// executeOn runs statements on a PostgreSQL without Supabase Lite.
func executeOn(t *testing.T, url, statements string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	return execute(t.Context(), conn, statements)
}

// TestRealtime applies the migrations where there is Supabase's publication: it carries the inbox
// alone, in the columns that people may read, and stops nobody from writing.
//
// Realtime holds inserts and updates to the row policies, and of a deleted row sends the columns of
// its replica identity to every subscriber: https://supabase.com/docs/guides/realtime/postgres-changes
func TestRealtime(t *testing.T) {
	supalitetest.Need(t)
	url := supalitetest.Postgres(t)
	if err := executeOn(t, url, `
		create role supalite_owner nologin bypassrls;
		create publication supabase_realtime;
		alter publication supabase_realtime owner to supalite_owner`); err != nil {
		t.Fatal(err)
	}
	p := &project{supalitetest.Start(t, supalite.Options{DatabaseURL: url}), url}

	wantEqual(t, "published", []object{{"name": "instagram_events", "columns": sorted(readableEvents)}},
		p.sql(t, `select tablename as name, string_agg(a, ',' order by a collate "C") as columns
		from pg_publication_tables, unnest(attnames) a where pubname = 'supabase_realtime' group by 1 order by 1`))
	wantEqual(t, "what Realtime sends of a deleted row", []object{{"identity": "d", "columns": "id", "type": "uuid", "origin": "gen_random_uuid()"}},
		p.sql(t, `select c.relreplident::text as identity, string_agg(a.attname, ',') as columns,
			string_agg(a.atttypid::regtype::text, ',') as type, string_agg(pg_get_expr(d.adbin, d.adrelid), ',') as origin
			from pg_class c join pg_index i on i.indrelid = c.oid and i.indisprimary
			join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
			left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
			where c.oid = 'public.instagram_events'::regclass group by 1`))

	// What a publication's columns do not identify, PostgreSQL refuses to update and delete.
	in := newInbox(t, p)
	wal := p.readsWAL(t)
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2))
	in.wantClaim(t, 1, "a")
	in.finish(t, 1, in.id("a"))
	ids := in.ids("a", "b")
	in.sql(t, "update public.instagram_events set received_at = now() - interval '31 days' where key = 'a'")
	in.wantCount(t, 1, "delete_old_instagram_events", object{})
	in.patch(t, in.account, object{"status": "expiring"})
	in.disconnect(t, in.account)
	if wal {
		p.sql(t, "checkpoint") // else the last commits are not written yet
		var want []object
		for _, id := range ids {
			want = append(want, object{"table": "instagram_events", "identity": []any{object{"name": "id", "type": "uuid", "value": id}}})
		}
		wantEqual(t, "sent of deleted rows", want, p.sql(t, `select d ->> 'table' as table, d -> 'identity' as identity
			from pg_logical_slot_get_changes('realtime', null, null, 'format-version', '2', 'add-tables', (
				select string_agg(schemaname || '.' || tablename, ',') from pg_publication_tables where pubname = 'supabase_realtime')) s,
				lateral (select s.data::jsonb as d) d
			where d ->> 'action' = 'D'`))
		p.sql(t, "select pg_drop_replication_slot('realtime')")
	}
}

// readsWAL reads the changes from now on as Realtime does, and reports whether it can: only a server
// that has wal2json and wal_level = logical does.
func (p *project) readsWAL(t *testing.T) bool {
	t.Helper()
	_, err := p.SQL(t.Context(), "select pg_create_logical_replication_slot('realtime', 'wal2json')")
	if err != nil {
		t.Log("without wal2json, so the catalog alone is looked at: ", err)
	}
	return err == nil
}

// TestRealtimeOfBefore applies the migrations where an app has a publication of its own. What can be
// taken out is; a publication of all tables or of a schema stops no migration, and a warning names
// the remedy: https://www.postgresql.org/docs/current/sql-createpublication.html
func TestRealtimeOfBefore(t *testing.T) {
	supalitetest.Need(t)
	url := supalitetest.Postgres(t)
	p := &project{supalitetest.Start(t, supalite.Options{DatabaseURL: url}), url}
	migrations, _ := readMigrations(t)
	sql, err := fs.ReadFile(migrations, "20261123090400_inbox.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(sql), "\ndo $$")
	if !found {
		t.Fatal("no block on Realtime")
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { warned = append(warned, n.Message+" "+n.Hint) }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, c := range []struct{ of, events, configs, warning string }{
		{"", "8 columns", "", ""},
		{"for table public.user_configs", "8 columns", "", ""},
		{"for table public.instagram_events", "published", "", ""},
		{"for tables in schema igconnect", "published", "", ""},
		{"for tables in schema public", "published", "published", "drop tables in schema public"},
		{"for tables in schema public, table public.user_configs", "published", "published", "drop tables in schema public"},
		{"for all tables", "published", "published", "drop publication supabase_realtime"},
	} {
		warned = nil
		if err := execute(t.Context(), conn, "drop publication if exists supabase_realtime; create publication supabase_realtime "+c.of); err != nil {
			t.Fatal(err)
		}
		warned = nil
		for range 2 {
			if err := execute(t.Context(), conn, "do $$"+block); err != nil {
				t.Errorf("%q: %v", c.of, err)
			}
		}
		var want []object
		if c.events != "" {
			want = append(want, object{"name": "instagram_events", "as": c.events})
		}
		if c.configs != "" {
			want = append(want, object{"name": "user_configs", "as": c.configs})
		}
		wantEqual(t, c.of, want, p.sql(t, `select tablename as name,
			case when cardinality(attnames) = 8 then '8 columns' else 'published' end as as
			from pg_publication_tables where pubname = 'supabase_realtime' and schemaname = 'public'
			and tablename in ('user_configs', 'instagram_events') order by 1`))
		if got := strings.Join(warned, ""); c.warning == "" && got != "" || !strings.Contains(got, c.warning) {
			t.Errorf("%q: warned %q", c.of, got)
		}
		for _, warning := range warned { // the remedy works
			for i, part := range strings.Split(warning, `"`) {
				if i%2 == 1 {
					if err := execute(t.Context(), conn, part); err != nil {
						t.Errorf("%q: %v", part, err)
					}
				}
			}
			wantEqual(t, c.of+" after the remedy", []object{{"name": "instagram_events"}},
				p.sql(t, "select tablename as name from pg_publication_tables where pubname = 'supabase_realtime'"))
			break
		}
	}
}

func TestHealth(t *testing.T) { onBothDatabases(t, empty, healthCases) }

var healthCases = []testCase[*project]{
	// Whoever adds a migration replaces igconnect_schema_version() in it, and store.SchemaVersion.
	{"SchemaVersion", func(t *testing.T, p *project) {
		_, names := readMigrations(t)
		newest, _, _ := strings.Cut(names[len(names)-1], "_")
		var got string
		p.mustCall(t, "igconnect_schema_version", object{}, &got)
		if got != newest || got != store.SchemaVersion {
			t.Errorf("version %q, the functions expect %q; want %q, the newest migration's", got, store.SchemaVersion, newest)
		}
	}},
	// Since when the longest have waited: what nobody can do anything about does not count, and what is on
	// its way counts from its receipt.
	{"Backlog", func(t *testing.T, p *project) {
		in := newInbox(t, p)
		old, lost := in.account, newID()
		ago := func(days int) string { return time.Now().AddDate(0, 0, -days).UTC().Format("2006-01-02T00:00:00Z") }
		in.upsert(t, row(in.userID, lost, newToken()))
		var rows []struct {
			Unchecked string `json:"unchecked_since"`
			Waiting   string `json:"waiting_since"`
			Dead      string `json:"dead_since"`
		}
		want := func(name string, unchecked, waiting, dead string) {
			t.Helper()
			rows = nil
			p.mustCall(t, "igconnect_backlog", object{}, &rows)
			if len(rows) != 1 {
				t.Fatalf("%s: %v", name, rows)
			}
			for column, pair := range map[string][2]string{"unchecked": {unchecked, rows[0].Unchecked}, "waiting": {waiting, rows[0].Waiting}, "dead": {dead, rows[0].Dead}} {
				if got := pair[1]; len(pair[0]) == 0 && got != "" || len(pair[0]) > 0 && !strings.HasPrefix(got, pair[0][:10]) {
					t.Errorf("%s: %s since %q, want %q", name, column, got, pair[0])
				}
			}
		}
		set := func(id string, change object) { t.Helper(); in.patch(t, id, change) }
		set(old, object{"checked_at": ago(1), "subscription_error": "subscribing the Page: code 100: left out messages_seen: (#100)"})
		set(lost, object{"subscription_error": "subscribing the Page: code 200: (#200)"})
		wantEqual(t, "left out", "subscribing the Page: code 100: left out messages_seen: (#100)", p.onlyRow(t, "select left_out from public.igconnect_backlog()")["left_out"])
		set(lost, object{"checked_at": ago(3)})
		want("two checked", ago(3), "", "")
		set(lost, object{"status": "reconnect"})
		want("one is over", ago(1), "", "")
		set(lost, object{"retry": true})
		want("that one may mend", ago(3), "", "")
		set(lost, object{"retry": false, "checked_at": nil, "connected_at": ago(9)})
		set(old, object{"checked_at": nil, "connected_at": ago(5)})
		want("never checked", ago(5), "", "")

		in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "bob", 3))
		other := &inbox{account: lost}
		in.ingest(t, 1, other.event("d", "cyd", 4))
		receive := func(key string, days int) {
			in.sql(t, "update public.instagram_events set received_at = $1::timestamptz where payload ->> 'text' = $2", ago(days), key)
		}
		receive("c", 6)
		receive("d", 8) // waits for its person
		want("waiting", ago(5), ago(6), "")
		in.claim(t, 10)
		want("in somebody's hands", ago(5), ago(6), "")
		in.finish(t, 1, texts(in.sql(t, "select id::text as id from public.instagram_events where payload ->> 'text' = 'c'"), "id")...)
		receive("a", 2)
		want("one is finished", ago(5), ago(2), "")
		in.sql(t, "update public.instagram_events set dead_at = $1::timestamptz where payload ->> 'text' = 'a'", ago(4))
		receive("b", 1)
		want("one was given up", ago(5), ago(1), ago(4))
		in.disconnect(t, old)
	}},
	// What is connected and known to get no messages.
	{"BacklogOfMessages", func(t *testing.T, p *project) {
		for _, c := range []struct {
			name, change string
			mute         int
		}{
			{"the least", "subscribed_fields = '{feed}'", 1},
			{"nothing", "subscribed_fields = '{}'", 1},
			{"other fields of messages", "subscribed_fields = '{messaging_postbacks,standby}'", 1},
			{"messages", "subscribed_fields = '{standby,messages}'", 0},
			{"unknown", "subscribed_fields = null", 0},
			{"needs its person", "subscribed_fields = '{feed}', status = 'reconnect'", 0},
		} {
			r := newRenewal(t, p)
			r.sql(t, "update public.user_configs set "+c.change+" where instagram_id = $1", r.connect(t, 60))
			wantEqual(t, c.name, object{"mute": float64(c.mute)}, p.onlyRow(t, "select mute from public.igconnect_backlog()"))
		}
	}},
	// What the daily job is about to lose, and what fails at each check, which does not pass for unchecked.
	{"BacklogOfDailyJob", func(t *testing.T, p *project) {
		r := newRenewal(t, p)
		for _, c := range []struct {
			name            string
			days            int // until the token ends
			change          string
			ending, failing int
		}{
			{"checked in time", 3, "checked_at = now() - interval '35 hours'", 0, 0},
			{"not for more than a day", 3, "checked_at = now() - interval '37 hours'", 1, 0},
			{"ends later", 9, "checked_at = now() - interval '37 hours'", 0, 0},
			{"has ended", -1, "checked_at = now() - interval '37 hours'", 1, 0},
			{"needs its person", 3, "checked_at = now() - interval '37 hours', status = 'reconnect'", 0, 0},
			{"never ends", 3, "checked_at = now() - interval '37 hours', token_expires_at = null", 0, 0},
			{"connected just now, never checked", 3, "checked_at = null, connected_at = now()", 0, 0},
			{"connected long ago, never checked", 3, "checked_at = null, connected_at = now() - interval '3 days'", 1, 0},
			{"nobody knows whose, never checked", 3, "checked_at = null, connected_at = now() - interval '3 days', facebook_user_id = null", 1, 0},
			{"fails", 30, "checked_at = now() - interval '3 days', failures = 3", 0, 1},
			{"failed yesterday", 30, "checked_at = now() - interval '37 hours', failures = 1", 0, 0},
			{"fails and ends", 3, "checked_at = now() - interval '3 days', failures = 3", 1, 1},
			{"held by a run that died", 3, "checked_at = now() - interval '3 days', lease_id = gen_random_uuid()", 1, 0},
		} {
			r := newRenewal(t, p)
			r.sql(t, "update public.user_configs set "+c.change+" where instagram_id = $1", r.connect(t, c.days))
			wantEqual(t, c.name, object{"ending": float64(c.ending), "failing": float64(c.failing)},
				p.onlyRow(t, "select ending, failing from public.igconnect_backlog()"))
			unchecked := p.onlyRow(t, "select unchecked_since from public.igconnect_backlog()")["unchecked_since"]
			if counted := !strings.Contains(c.change, "failures") && !strings.Contains(c.change, "reconnect"); (unchecked != nil) != counted {
				t.Errorf("%s: unchecked since %v", c.name, unchecked)
			}
		}
		r.disconnect(t, r.connect(t, 1))
	}},
	// A Vault that works, one that fails and one that forgets: none may leave a secret behind, which
	// every case checks at its end.
	{"ProbeVault", func(t *testing.T, p *project) {
		const update = "vault.update_secret(uuid, text, text, text, uuid)"
		whole := p.sql(t, "select pg_get_functiondef('"+update+"'::regprocedure) as text")[0]["text"].(string)
		defer p.sql(t, whole)
		replace := func(body string) {
			p.sql(t, fmt.Sprintf(`create or replace function vault.update_secret(
				secret_id uuid, new_secret text default null, new_name text default null,
				new_description text default null, new_key_id uuid default null) returns void
				language plpgsql security definer set search_path = '' as $broken$ begin %s end $broken$`, body))
		}
		wantWorks := func(want bool) {
			t.Helper()
			var works bool
			if p.mustCall(t, "probe_vault", object{}, &works); works != want {
				t.Errorf("probe_vault = %v, want %v", works, want)
			}
			p.wantSealed(t)
		}
		wantWorks(true)
		replace("raise exception 'the key is lost';")
		p.wantRefused(t, "probe_vault", object{}, "the key is lost")
		p.wantSealed(t)
		replace("null;")
		wantWorks(false)
	}},
}
