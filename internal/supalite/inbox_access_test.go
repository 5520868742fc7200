package supalite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inboxReadable are the columns that people read of their own events.
const inboxReadable = "id,user_id,instagram_id,conversation,kind,payload,occurred_at,received_at"

func testInboxOwnEvents(t *testing.T, in *inbox) {
	second, stranger := in.newUser(t), in.newUser(t)
	in.connect(t, second)
	in.ingest(t, 2, in.event("a", "ann", 1))

	status, out := in.rest(t, in.project.user(in.user), "GET", "instagram_events?select="+inboxReadable, nil)
	if status != 200 || !strings.Contains(out, in.id("a")) || strings.Contains(out, second.ID) {
		t.Errorf("the owner reads: status %d: %s", status, out)
	}
	status, out = in.rest(t, in.project.user(stranger), "GET", "instagram_events?select="+inboxReadable, nil)
	if status != 200 || strings.TrimSpace(out) != "[]" {
		t.Errorf("a stranger reads: status %d: %s", status, out)
	}
	for _, columns := range []string{"*", "attempts", "next_try_at", "last_error", "finished_at", "dead_at"} {
		status, out := in.rest(t, in.project.user(in.user), "GET", "instagram_events?select="+columns, nil)
		wantDenied(t, "a user's select of "+columns, status, out)
	}
}

func testInboxAccess(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 1))
	user := in.project.user(in.user)
	for name, who := range map[string]caller{"anon": in.anon(), "the user": user} {
		for function, args := range map[string]object{
			"ingest_instagram_events":     {"events": []object{in.event("b", "ann", 2)}},
			"claim_instagram_events":      {"p_limit": 1, "p_lease": "1 minute"},
			"finish_instagram_events":     {"ids": in.ids("a")},
			"fail_instagram_events":       {"ids": in.ids("a"), "reason": ""},
			"delete_old_instagram_events": {"p_keep": "0"},
		} {
			status, out := in.rest(t, who, "POST", "rpc/"+function, args)
			wantDenied(t, name+"'s "+function, status, out)
		}
	}
	status, out := in.rest(t, in.anon(), "GET", "instagram_events?select=id", nil)
	wantDenied(t, "anon's select", status, out)
	status, out = in.rest(t, in.service(), "GET", "instagram_events?select=*", nil)
	if status != 200 || !strings.Contains(out, in.id("a")) {
		t.Errorf("the secret key reads: status %d: %s", status, out)
	}

	for name, who := range map[string]caller{"anon": in.anon(), "the user": user, "the secret key": in.service()} {
		status, out := in.rest(t, who, "GET", "instagram_conversations?select=conversation", nil)
		wantDenied(t, name+"'s select of conversations", status, out)
		status, out = in.rest(t, who, "POST", "instagram_events", object{"id": "x"}, "return=minimal")
		wantDenied(t, name+"'s insert", status, out)
		status, out = in.rest(t, who, "PATCH", "instagram_events?kind=eq.message", object{"kind": "x"}, "return=minimal")
		wantDenied(t, name+"'s update", status, out)
		status, out = in.rest(t, who, "DELETE", "instagram_events?kind=eq.message", nil, "return=minimal")
		wantDenied(t, name+"'s delete", status, out)
	}
	for _, role := range []string{"anon", "authenticated", "service_role"} {
		for _, statement := range []string{
			"truncate public.instagram_events",
			"perform public.instagram_conversations_settle('{}')",
			"perform public.instagram_conversations_lock('{}')",
			"perform public.instagram_events_retry('{}', '', false)",
		} {
			if err := in.as(t, role, statement); err == nil || !strings.Contains(fmt.Sprint(err), "permission denied") {
				t.Errorf("%s as %s: %v", statement, role, err)
			}
		}
	}
	in.wantClaim(t, 1, "a")
}

// testInboxIndexes has much that is finished and much that waits: nothing that senders and workers do may read through it.
func testInboxIndexes(t *testing.T, in *inbox) {
	in.sql(t, `insert into public.instagram_events (id, user_id, instagram_id, conversation, kind, payload, occurred_at, finished_at)
		select 'old' || i, $1::uuid, $2, $2 || case when i > 100000 then '/bob' else '/ann' end, 'message', '{}', now(),
			case when i <= 100000 then now() end
		from generate_series(1, 120000) i`, in.user.ID, in.account)
	in.sql(t, `insert into public.instagram_conversations (user_id, instagram_id, conversation, due_at)
		values ($1::uuid, $2, $2 || '/bob', now() + interval '1 hour')`, in.user.ID, in.account)
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 1))
	// Statements without arguments are one transaction, which the statistics of pg_stat_xact_… are of.
	got := in.sql(t, fmt.Sprintf(`
		select public.ingest_instagram_events('[{"account": "%s", "key": "c", "counterpart": "ann", "kind": "message"}]');
		select public.claim_instagram_events(10, '1 minute');
		select public.finish_instagram_events('{"%s"}');
		select public.fail_instagram_events('{"%s"}', '');
		select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables
			where relname = 'instagram_events'`, in.account, in.id("a"), in.id("b")))
	if read := got[0]["read"].(float64); read == 0 || read > 100 {
		t.Errorf("they read %g events", read)
	}
	in.sql(t, "delete from public.instagram_events where id like 'old%'")
	in.sql(t, "delete from public.instagram_conversations where conversation like '%/bob'")
}

func testInboxComments(t *testing.T, in *inbox) {
	bare := in.sql(t, `
		select c.relname || '.' || a.attname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
			where c.oid in ('public.instagram_events'::regclass, 'public.instagram_conversations'::regclass)
			and a.attnum > 0 and col_description(c.oid, a.attnum) is null`)
	if diff := cmp.Diff([]object{}, bare); diff != "" {
		t.Errorf("without a comment for the dashboard: %s", diff)
	}
}
