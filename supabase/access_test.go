package supabase_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// What people read of their own.
const (
	readableConfigs = "user_id,instagram_id,page_id,page_name,username,name,picture_url,facebook_user_id,scopes," +
		"token_expires_at,data_access_expires_at,status,status_reason,status_since,subscribed_fields,subscription_error," +
		"checked_at,connected_at,updated_at,connection_id"
	readableEvents = "id,user_id,instagram_id,conversation,kind,payload,occurred_at,received_at"
)

// functions are all that the secret key may call, and nobody else, with arguments that would do.
var functions = map[string]object{
	"get_instagram_token":         {"p_instagram_id": "1"},
	"ingest_instagram_events":     {"events": []object{}},
	"claim_instagram_events":      {"p_limit": 1, "p_lease": "1 minute"},
	"finish_instagram_events":     {"ids": []string{}},
	"fail_instagram_events":       {"ids": []string{}, "reason": ""},
	"delete_old_instagram_events": {"p_keep": "0"},
	"claim_due_connections":       {"p_limit": 1, "p_lease": "1 minute"},
	"count_due_connections":       {},
	"settle_connections":          {"results": []object{}},
	"save_connections":            {"connections": []object{}},
	"release_connections":         {"p_lease_id": uuid.NewString()},
	"deauthorize_facebook_user":   {"p_facebook_user_id": "1", "p_reason": "x"},
	"erase_facebook_user":         {"p_facebook_user_id": "1", "p_code": uuid.NewString()},
	"erasure":                     {"p_code": uuid.NewString()},
	"delete_removed_events":       {},
	"delete_user":                 {"p_user_id": "1"},
	"igconnect_schema_version":    {},
	"igconnect_backlog":           {},
	"probe_vault":                 {},
}

// asUser runs a query as PostgREST does for a user whose token has that subject.
func (p *project) asUser(t *testing.T, subject, query string) []object {
	t.Helper()
	return p.sql(t, fmt.Sprintf(`set local role authenticated;
		select set_config('request.jwt.claims', jsonb_build_object('sub', $sub$%s$sub$)::text, true); %s`, subject, query))
}

// sorted returns a list of columns in order.
func sorted(columns string) string {
	return strings.Join(slices.Sorted(strings.SplitSeq(columns, ",")), ",")
}

// TestAccess holds who may read and call what.
func TestAccess(t *testing.T) { onBothDatabases(t, newInbox, accessCases) }

var accessCases = []testCase[*inbox]{
	{"OwnRows", func(t *testing.T, in *inbox) {
		a, b := in.newUser(t), in.newUser(t)
		in.connect(t, a.ID)
		in.connect(t, b.ID)
		in.dropConnectionEvents(t)
		in.ingest(t, 3, in.event("a", "ann", 1))
		for user, caller := range map[string]caller{a.ID: in.project.user(a), b.ID: in.project.user(b), "": in.project.user(in.newUser(t))} {
			for _, path := range []string{"user_configs?select=" + readableConfigs, "instagram_events?select=" + readableEvents} {
				status, out := in.rest(t, caller, "GET", path, nil)
				rows := strings.Count(out, `"instagram_id":"`+in.account+`"`)
				if want := min(len(user), 1); status != 200 || rows != want || !strings.Contains(out, user) {
					t.Errorf("%q reads %s: status %d, %d rows: %s", user, path, status, rows, out)
				}
			}
		}
		if status, out := in.rest(t, in.service(), "GET", "instagram_events?select=*", nil); status != 200 || !strings.Contains(out, in.id("a")) {
			t.Errorf("the secret key reads: status %d: %s", status, out)
		}
	}},
	// All that is refused: nothing may come of it.
	{"Denied", func(t *testing.T, in *inbox) {
		u := in.newUser(t)
		in.connect(t, u.ID)
		in.disconnect(t, in.account, in.userID)
		in.userID = u.ID
		in.ingest(t, 1, in.event("a", "ann", 1))

		type request struct {
			method, path string
			body         any
		}
		selects := func(table string, columns ...string) (requests []request) {
			for _, column := range columns {
				requests = append(requests, request{"GET", table + "?select=" + column, nil})
			}
			return requests
		}
		all := slices.Concat(selects("instagram_conversations", "conversation"), selects("erasures", "code"), []request{
			{"POST", "instagram_events", object{"key": "x"}},
			{"PATCH", "instagram_events?kind=eq.message", object{"kind": "x"}},
			{"DELETE", "instagram_events?kind=eq.message", nil},
			{"POST", "erasures", object{"code": uuid.NewString(), "accounts": 0, "events": 0}},
			{"PATCH", "connections_needing_attention?status=eq.active", object{"status": "active"}},
		})
		people := slices.Concat(all,
			selects("user_configs", "*", "token", "page_token", "token_secret_id", "page_token_secret_id", "auth_user_id", "lease_id", "leased_until", "token_version"),
			selects("instagram_events", "*", "key", "place", "attempts", "next_try_at", "last_error", "finished_at", "dead_at"),
			selects("connections_needing_attention", "user_id"),
			[]request{
				{"POST", "user_configs", row(u.ID, newID(), newToken())},
				{"PATCH", one(in.account), object{"status": "reconnect"}},
				{"DELETE", one(in.account), nil},
			})
		for function, args := range functions {
			people = append(people, request{"POST", "rpc/" + function, args})
		}
		anybody := slices.Concat(people, selects("user_configs", "instagram_id", "status_since"), selects("instagram_events", "id"))

		for name, c := range map[string]struct {
			who      caller
			requests []request
		}{
			"anon": {in.anon(), anybody}, "the user": {in.project.user(u), people}, "the secret key": {in.service(), all},
		} {
			for _, r := range c.requests {
				status, out := in.rest(t, c.who, r.method, r.path, r.body)
				if (status != 401 && status != 403) || !strings.Contains(out, "42501") { // permission denied
					t.Errorf("%s: %s %s: status %d, want 401 or 403 with 42501: %s", name, r.method, r.path, status, out)
				}
				if strings.Contains(out, in.token) {
					t.Errorf("%s got the token", name)
				}
			}
		}
		for _, statement := range []string{
			"truncate public.instagram_events",
			"truncate public.erasures",
			"perform igconnect.settle_conversations('{}')",
			"perform igconnect.lock_conversations('{}')",
			"perform igconnect.retry_events('{}', '', false)",
			"perform igconnect.empty_removed(gen_random_uuid(), 1)",
			"truncate igconnect.removed_connections",
			"perform igconnect.write_secret('user_configs/1/2', 'token')",
		} {
			in.wantDenied(t, statement)
		}
		in.wantTokens(t, in.account, in.token, in.token+"page")
		in.wantStatus(t, in.account, "active", nil)
		in.wantClaim(t, 1, "a")
	}},
	// All that the API's roles may do.
	{"Grants", func(t *testing.T, in *inbox) {
		got := in.sql(t, `
			select grantee || ': ' || string_agg(distinct privilege, ', ' order by privilege) as line from (
				select grantee, privilege_type || ' on ' || table_name as privilege
					from information_schema.role_table_grants where table_schema in ('public', 'igconnect')
				union all
				select coalesce(r.rolname, 'PUBLIC'), a.privilege_type || ' on ' || f.proname
					from pg_proc f cross join aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
					left join pg_roles r on r.oid = a.grantee
					where f.pronamespace in ('public'::regnamespace, 'igconnect'::regnamespace)
				union all
				select coalesce(r.rolname, 'PUBLIC'), a.privilege_type || ' on igconnect'
					from pg_namespace n cross join aclexplode(n.nspacl) a left join pg_roles r on r.oid = a.grantee
					where n.nspname = 'igconnect'
			) g where grantee in ('PUBLIC', 'anon', 'authenticated', 'service_role') group by grantee order by grantee`)
		line := "service_role: DELETE on user_configs, EXECUTE on " +
			strings.Join(slices.Sorted(maps.Keys(functions)), ", EXECUTE on ") + ", INSERT on user_configs, " +
			"SELECT on connections_needing_attention, SELECT on instagram_events, SELECT on user_configs, UPDATE on user_configs"
		wantEqual(t, "grants", []object{{"line": line}}, got)

		columns := in.sql(t, `select table_name as name, grantee, privilege_type as privilege, string_agg(column_name, ',' order by column_name collate "C") as columns
			from information_schema.column_privileges
			where table_schema = 'public' and grantee in ('anon', 'authenticated') group by 1, 2, 3 order by 1`)
		want := []object{
			{"name": "instagram_events", "grantee": "authenticated", "privilege": "SELECT", "columns": sorted(readableEvents)},
			{"name": "user_configs", "grantee": "authenticated", "privilege": "SELECT", "columns": sorted(readableConfigs)},
		}
		wantEqual(t, "column grants", want, columns)
	}},
	// All that the dashboard shows says what it is.
	{"Comments", func(t *testing.T, in *inbox) {
		wantEqual(t, "without a comment for the dashboard", []object{}, in.sql(t, `
			select c.relname || coalesce('.' || a.attname, '') as name
			from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and c.relkind = 'r'
			where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
				and (col_description(c.oid, a.attnum) is null and c.relkind = 'r' or obj_description(c.oid, 'pg_class') is null)
			union all
			select f.proname from pg_proc f
			where f.pronamespace = 'public'::regnamespace and obj_description(f.oid, 'pg_proc') is null
			union all
			select n.nspname from pg_namespace n where n.nspname = 'igconnect' and obj_description(n.oid, 'pg_namespace') is null`))
	}},
}
