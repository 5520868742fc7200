package supalite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testNewestFirst(t *testing.T, p *project) {
	id, tokens := newID(), []string{newToken(), newToken(), newToken()}
	for i, when := range []string{"2026-03-01", "2026-05-01", "2026-04-01"} {
		in := row(p.newUser(t), id, tokens[i])
		in["connected_at"] = when
		p.mustUpsert(t, in)
	}
	var got []string
	for _, row := range p.lookUp(t, id) {
		got = append(got, row["token"].(string))
	}
	if diff := cmp.Diff([]string{tokens[1], tokens[2], tokens[0]}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if rows := p.lookUp(t, "unknown"); len(rows) != 0 {
		t.Errorf("an unknown id: %v", rows)
	}
}

func testLookUpRoles(t *testing.T, p *project) {
	u, id, token := p.newUser(t), newID(), newToken()
	p.mustUpsert(t, row(u, id, token))
	for name, who := range map[string]caller{"anon": p.anon(), "the user": p.user(u)} {
		status, out := p.rest(t, who, "POST", "rpc/get_instagram_token", object{"p_instagram_id": id})
		wantDenied(t, name, status, out)
		if strings.Contains(out, token) {
			t.Errorf("%s got the token", name)
		}
	}
}

func testOwnRowsOnly(t *testing.T, p *project) {
	a, b := p.newUser(t), p.newUser(t)
	idA, idB := newID(), newID()
	p.mustUpsert(t, []object{row(a, idA, newToken()), row(b, idB, newToken())})

	const readable = "user_id,instagram_id,page_id,page_name,username,name,picture_url,facebook_user_id,scopes," +
		"token_expires_at,data_access_expires_at,status,status_reason,subscribed_fields,subscription_error," +
		"checked_at,connected_at,updated_at"
	status, out := p.rest(t, p.user(a), "GET", "user_configs?select="+readable, nil)
	if status != 200 || !strings.Contains(out, idA) || strings.Contains(out, idB) {
		t.Errorf("user A reads: status %d: %s", status, out)
	}
	for _, columns := range []string{"*", "token", "page_token", "token_secret_id", "page_token_secret_id"} {
		status, out := p.rest(t, p.user(a), "GET", "user_configs?select="+columns, nil)
		wantDenied(t, "a user's select of "+columns, status, out)
	}
	for _, columns := range []string{"*", "instagram_id"} {
		status, out := p.rest(t, p.anon(), "GET", "user_configs?select="+columns, nil)
		wantDenied(t, "anon's select of "+columns, status, out)
	}
}

func testNoWrites(t *testing.T, p *project) {
	u, id, token := p.newUser(t), newID(), newToken()
	p.mustUpsert(t, row(u, id, token))
	for name, who := range map[string]caller{"anon": p.anon(), "the user": p.user(u)} {
		status, out := p.rest(t, who, "POST", "user_configs", row(u, newID(), newToken()), "return=minimal")
		wantDenied(t, name+"'s insert", status, out)
		status, out = p.rest(t, who, "PATCH", one(id), object{"status": "reconnect"}, "return=minimal")
		wantDenied(t, name+"'s update", status, out)
		status, out = p.rest(t, who, "DELETE", one(id), nil, "return=minimal")
		wantDenied(t, name+"'s delete", status, out)
	}
	p.wantToken(t, id, token)
}

// testGrants compares all that the API's roles may do with the full list of it.
func testGrants(t *testing.T, p *project) {
	got := p.sql(t, `
		select grantee || ': ' || string_agg(distinct privilege, ', ' order by privilege) as line from (
			select grantee, privilege_type || ' on ' || table_name as privilege
				from information_schema.role_table_grants where table_schema = 'public'
			union all
			select coalesce(r.rolname, 'PUBLIC'), a.privilege_type || ' on ' || f.proname
				from pg_proc f cross join aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
				left join pg_roles r on r.oid = a.grantee
				where f.pronamespace = 'public'::regnamespace
		) g where grantee in ('PUBLIC', 'anon', 'authenticated', 'service_role') group by grantee order by grantee`)
	var want []string
	for _, function := range []string{
		"claim_due_connections", "claim_instagram_events", "count_due_connections", "deauthorize_facebook_user",
		"delete_old_instagram_events", "erase_facebook_user", "erasure", "fail_instagram_events", "finish_instagram_events",
		"get_instagram_token", "igconnect_schema_version", "ingest_instagram_events", "probe_vault", "release_connections",
		"settle_connections",
	} {
		want = append(want, "EXECUTE on "+function)
	}
	line := "service_role: DELETE on user_configs, " + strings.Join(want, ", ") + ", INSERT on user_configs, " +
		"SELECT on connections_needing_attention, SELECT on instagram_events, SELECT on user_configs, UPDATE on user_configs"
	if diff := cmp.Diff([]object{{"line": line}}, got); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}

	columns := p.sql(t, `select string_agg(distinct privilege_type, ', ') as privileges,
		string_agg(distinct column_name, ', ') filter (where column_name like '%token%') as tokens
		from information_schema.column_privileges
		where table_schema = 'public' and grantee in ('anon', 'authenticated')`)
	if diff := cmp.Diff([]object{{"privileges": "SELECT", "tokens": "token_expires_at"}}, columns); diff != "" {
		t.Errorf("column grants (-want +got):\n%s", diff)
	}
}

func testComments(t *testing.T, p *project) {
	bare := p.sql(t, `
		select a.attname as name from pg_attribute a
			where a.attrelid = 'public.user_configs'::regclass and a.attnum > 0
			and col_description(a.attrelid, a.attnum) is null
		union all
		select f.proname from pg_proc f
			where f.pronamespace = 'public'::regnamespace and obj_description(f.oid, 'pg_proc') is null`)
	if len(bare) > 0 {
		t.Errorf("without a comment for the dashboard: %v", bare)
	}
}

// testTruncate comes last: it leaves nothing.
func testTruncate(t *testing.T, p *project) {
	u := p.newUser(t)
	p.mustUpsert(t, row(u, newID(), newToken()))
	for _, role := range []string{"anon", "authenticated", "service_role"} {
		err := p.as(t, role, "truncate public.user_configs")
		if err == nil || !strings.Contains(fmt.Sprint(err), "permission denied") {
			t.Errorf("truncate as %s: %v", role, err)
		}
	}
	if err := p.as(t, "supalite_owner", "truncate public.user_configs cascade"); err != nil {
		t.Fatal(err)
	}
	if names := p.secrets(t, u); len(names) > 0 {
		t.Errorf("the owner's truncate left %v", names)
	}
}
