package supabase_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// beforeOurs returns the migrations with one of an app's own before them.
func beforeOurs(t *testing.T, statements string) fs.FS {
	t.Helper()
	ours, err := supalitetest.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{"20250101000000_app.sql": {Data: []byte(statements)}}
	names, err := fs.Glob(ours, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(ours, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: data}
	}
	return all
}

// adopting starts a project on a PostgreSQL of its own, with an app's table before ours.
func adopting(t *testing.T, statements string) *project {
	t.Helper()
	url := supalitetest.Postgres(t)
	return &project{supalitetest.Start(t, supalite.Options{DatabaseURL: url, Migrations: beforeOurs(t, statements)}), url}
}

// TestAdoption pushes the migrations to databases that hold the recipe's table already, as founders
// make it: by the dashboard, an example of Supabase's, an ORM. The recipe names three columns and no
// types.
func TestAdoption(t *testing.T) {
	t.Parallel()
	const users = `insert into auth.users (id, email) select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, n || '@example.com'
		from generate_series(1, 1000) n;`
	for _, c := range []struct{ name, table, insert, foreign string }{
		{"plain", `create table public.user_configs (user_id text, instagram_id text, token text, primary key (user_id, instagram_id));`,
			`insert into public.user_configs select USER, ACCOUNT, TOKEN from generate_series(1, 1000) n;`, "user_id"},
		{"of Supabase users, with policies, in Realtime", users + `
			create table public.user_configs (
				id bigint generated always as identity primary key,
				user_id uuid not null default gen_random_uuid() references auth.users on delete cascade unique,
				instagram_id bigint not null unique, token varchar(400) not null check (length(token) > 3),
				plan text not null, created_at timestamptz not null default now(), updated_at timestamp not null default now(), status boolean not null default true,
				username varchar(30) not null default '', page_id bigint);
			create table public.orders (id int primary key, config bigint references public.user_configs (id));
			create view public.plans as select id, plan from public.user_configs;
			create index on public.user_configs (token);
			alter table public.user_configs enable row level security;
			alter table public.user_configs replica identity full;
			create policy "own" on public.user_configs for all using (user_id = '00000000-0000-4000-8000-000000000000');
			create policy "everybody" on public.user_configs for select using (true);
			create publication supabase_realtime for table public.user_configs;
			grant all on public.user_configs to anon, authenticated;`,
			`insert into public.user_configs (user_id, instagram_id, token, plan, page_id) select USER::uuid, ACCOUNT::bigint, TOKEN, 'plan ' || n, n from generate_series(1, 1000) n;
			insert into public.orders select id, id from public.user_configs;`, "plan, (select plan from public.plans p where p.id = c.id), (select config from public.orders o where o.config = c.id)"},
		{"without a key, with repetitions", `create table public.user_configs (instagram_id varchar, token jsonb, user_id varchar(80), extra text[] not null default '{}');
			create unique index only_one on public.user_configs (instagram_id) where false;`,
			`insert into public.user_configs select ACCOUNT, '"old"', USER from generate_series(1, 1000) n;
			alter table public.user_configs alter token type text using token #>> '{}';
			insert into public.user_configs select ACCOUNT, TOKEN, USER from generate_series(1, 1000) n;`, "extra"},
		{"with a page's token and an earlier status", `create type public.mood as enum ('fine', 'gone');
			create table public.user_configs (user_id text not null, instagram_id text not null, token text, page_token text, status public.mood not null default 'fine', unique (user_id, instagram_id));`,
			`insert into public.user_configs select USER, ACCOUNT, TOKEN, TOKEN || 'page' from generate_series(1, 1000) n;`, "status_before"},
	} {
		t.Run(c.name, func(t *testing.T) {
			insert := strings.NewReplacer(
				"USER", "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))", "ACCOUNT", "(17841400000000000 + n)::text", "TOKEN", "('EAAGplain' || n || repeat('x', 150))",
			).Replace(c.insert)
			p := adopting(t, c.table+insert+"analyze public.user_configs;")

			wantEqual(t, "rows", object{"rows": 1000.0, "sealed": 1000.0, "active": 1000.0}, p.onlyRow(t, `select count(*) as rows, count(token_secret_id) as sealed,
				count(*) filter (where status = 'active') as active from public.user_configs`))
			for _, n := range []int{1, 500, 1000} {
				rows := p.lookUp(t, fmt.Sprint(17841400000000000+n))
				if want := fmt.Sprintf("EAAGplain%d%s", n, strings.Repeat("x", 150)); len(rows) != 1 || rows[0]["token"] != want {
					t.Errorf("account %d: %v", n, rows)
				}
			}
			if len(p.sql(t, "select "+c.foreign+" from public.user_configs c")) != 1000 {
				t.Errorf("the column %s is lost", c.foreign)
			}
			p.wantSealed(t)
			p.wantInNoRow(t, "EAAGplain")
			wantEqual(t, "relations with a token in clear", []object{}, p.sql(t, `
				select c.oid::regclass::text as name from pg_class c where c.relnamespace = 'public'::regnamespace and pg_relation_filepath(c.oid) is not null
				and position('EAAGplain'::bytea in pg_read_binary_file(pg_relation_filepath(c.oid))) > 0`))
			wantEqual(t, "samples with a token in clear", []object{}, p.sql(t, "select attname from pg_stats where position('EAAGplain' in coalesce(most_common_vals::text, '') || coalesce(histogram_bounds::text, '')) > 0"))

			// It is our table now: one user may have two accounts, one account two users, and nobody reads others'.
			u, other := p.newUser(t), p.newUser(t)
			id, second := newID(), newID()
			for _, r := range []object{row(u.ID, id, "one"), row(u.ID, second, "two"), row(other.ID, id, "three"), row(u.ID, id, "four")} {
				p.upsert(t, r)
			}
			status, out := p.rest(t, p.user(u), "GET", "user_configs?select=user_id&order=instagram_id", nil)
			wantEqual(t, "own rows", `200 [{"user_id":"`+u.ID+`"},{"user_id":"`+u.ID+`"}]`, fmt.Sprint(status, " ", strings.ReplaceAll(out, " ", "")))
			if status, out := p.rest(t, p.anon(), "GET", "user_configs?select=user_id", nil); status < 400 {
				t.Errorf("anon reads %s", out)
			}
			wantEqual(t, "published", []object{}, p.sql(t, "select 1 from pg_publication_tables where tablename = 'user_configs'"))
			p.sql(t, "drop table if exists public.orders") // which refer to rows
			p.sql(t, "delete from auth.users")
			p.sql(t, "delete from public.user_configs where user_id like '0000%'") // of those who were never in auth.users
			p.wantSecrets(t, 0, u.ID)
			p.wantSealed(t)
		})
	}
}

// TestAdoptionRefused: what can't be adopted is left as it is, with a sentence that says what to do.
func TestAdoptionRefused(t *testing.T) {
	t.Parallel()
	url := supalitetest.Postgres(t)
	for _, c := range []struct{ table, words string }{
		{"create table public.user_configs (id int, settings jsonb);", "rename it"},
		{"create view public.user_configs as select 1 as user_id, 2 as instagram_id, 'x' as token;", "rename it"},
		{"create table public.user_configs (user_id text, instagram_id text, token text); insert into public.user_configs values (null, '1', 'x'), ('u', ' ', 'x');", "2 row(s)"},
	} {
		s, err := supalite.Start(t.Context(), supalite.Options{DatabaseURL: url, Fresh: true, Migrations: beforeOurs(t, c.table)})
		if err == nil {
			s.Stop()
		}
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", c.table, err)
		}
	}
}
