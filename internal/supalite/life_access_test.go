package supalite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func testLifeAccess(t *testing.T, l *life) {
	id := l.connect(t, 60)
	user := l.project.user(l.user)
	for name, who := range map[string]caller{"anon": l.anon(), "the user": user} {
		for function, args := range map[string]object{
			"claim_due_connections":     {"p_limit": 1, "p_lease": "1 minute"},
			"count_due_connections":     {},
			"settle_connections":        {"results": []object{}},
			"release_connections":       {"p_lease_id": uuid.NewString()},
			"deauthorize_facebook_user": {"p_facebook_user_id": l.facebook, "p_reason": "x"},
			"erase_facebook_user":       {"p_facebook_user_id": l.facebook, "p_code": uuid.NewString()},
			"erasure":                   {"p_code": uuid.NewString()},
			"igconnect_schema_version":  {},
			"probe_vault":               {},
		} {
			status, out := l.rest(t, who, "POST", "rpc/"+function, args)
			wantDenied(t, name+"'s "+function, status, out)
		}
		status, out := l.rest(t, who, "GET", "connections_needing_attention?select=user_id", nil)
		wantDenied(t, name+"'s select of who needs attention", status, out)
	}
	for name, who := range map[string]caller{"anon": l.anon(), "the user": user, "the secret key": l.service()} {
		status, out := l.rest(t, who, "GET", "erasures?select=code", nil)
		wantDenied(t, name+"'s select of erasures", status, out)
		status, out = l.rest(t, who, "POST", "erasures", object{"code": uuid.NewString(), "accounts": 0, "events": 0}, "return=minimal")
		wantDenied(t, name+"'s insert of an erasure", status, out)
		status, out = l.rest(t, who, "PATCH", "connections_needing_attention?status=eq.active", object{"status": "active"}, "return=minimal")
		wantDenied(t, name+"'s update of who needs attention", status, out)
	}
	for _, role := range []string{"anon", "authenticated", "service_role"} {
		for _, statement := range []string{
			"perform public.user_configs_destroy(array(select c from public.user_configs c limit 0))",
			"truncate public.erasures",
		} {
			if err := l.as(t, role, statement); err == nil || !strings.Contains(fmt.Sprint(err), "permission denied") {
				t.Errorf("%s as %s: %v", statement, role, err)
			}
		}
	}
	l.wantStatus(t, id, "active", nil)
}

// testLifeColumns: of the bookkeeping people see since when their status is what it is, and no more.
func testLifeColumns(t *testing.T, l *life) {
	id := l.connect(t, 60)
	status, out := l.rest(t, l.project.user(l.user), "GET", "user_configs?select=instagram_id,status_since", nil)
	if status != 200 || !strings.Contains(out, id) {
		t.Errorf("the user reads status_since: status %d: %s", status, out)
	}
	for _, column := range []string{"lease_id", "leased_until", "token_version"} {
		status, out := l.rest(t, l.project.user(l.user), "GET", "user_configs?select="+column, nil)
		wantDenied(t, "a user's select of "+column, status, out)
	}
	for _, column := range []string{"status_since", "lease_id"} {
		status, out := l.rest(t, l.anon(), "GET", "user_configs?select="+column, nil)
		wantDenied(t, "anon's select of "+column, status, out)
	}
}

func testLifeComments(t *testing.T, l *life) {
	bare := l.sql(t, `
		select c.relname || coalesce('.' || a.attname, '') as name
		from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and c.relkind = 'r'
		where c.oid in ('public.erasures'::regclass, 'public.connections_needing_attention'::regclass, 'public.user_configs'::regclass)
			and (col_description(c.oid, a.attnum) is null and c.relkind = 'r' or obj_description(c.oid, 'pg_class') is null)
		union all
		select f.proname from pg_proc f
		where f.pronamespace = 'public'::regnamespace and obj_description(f.oid, 'pg_proc') is null`)
	if len(bare) > 0 {
		t.Errorf("without a comment for the dashboard: %v", bare)
	}
}
