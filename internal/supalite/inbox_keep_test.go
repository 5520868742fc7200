package supalite_test

import (
	"testing"
)

// stored returns how many events of the inbox's account there are.
func (in *inbox) stored(t *testing.T) int {
	t.Helper()
	return int(in.sql(t, "select count(*)::int as n from public.instagram_events where instagram_id = $1", in.account)[0]["n"].(float64))
}

func testInboxDisconnect(t *testing.T, in *inbox) {
	second := in.newUser(t)
	in.connect(t, second)
	in.ingest(t, 4, in.event("a", "ann", 1), in.event("b", "bob", 2))
	in.claim(t, 1)
	if status, out := in.rest(t, in.service(), "DELETE", one(in.account)+"&user_id=eq."+in.user.ID, nil, "return=minimal"); status != 204 {
		t.Fatalf("disconnecting: status %d: %s", status, out)
	}
	if n := in.stored(t); n != 2 {
		t.Errorf("%d events are left, want the other owner's 2", n)
	}
	in.wantConsistent(t)
	in.sql(t, "delete from auth.users where id = $1::uuid", second.ID)
	if n := in.stored(t); n != 0 {
		t.Errorf("%d events outlive their user", n)
	}
	in.ingest(t, 0, in.event("c", "ann", 3))
}

func testInboxRetention(t *testing.T, in *inbox) {
	in.ingest(t, 3, in.event("done", "ann", 1), in.event("dead", "bob", 1), in.event("young", "cid", 1))
	in.claim(t, 10)
	in.finish(t, 2, in.ids("done", "young")...)
	in.sql(t, "update public.instagram_events set attempts = 9 where id = $1", in.id("dead"))
	in.fail(t, 1, in.id("dead"))
	in.sql(t, "update public.instagram_events set received_at = now() - interval '31 days' where id <> $1", in.id("young"))

	in.wantCount(t, 0, "delete_old_instagram_events", object{"p_keep": "32 days"})
	in.wantCount(t, 2, "delete_old_instagram_events", object{})
	in.wantCount(t, 0, "delete_old_instagram_events", object{})
	in.sql(t, "update public.instagram_events set received_at = now() - interval '1 second'")
	in.wantCount(t, 1, "delete_old_instagram_events", object{"p_keep": "0"})
	for _, keep := range []any{"-1 day", nil} {
		in.wantRefused(t, "delete_old_instagram_events", object{"p_keep": keep}, "p_keep must be")
	}

	in.sql(t, `insert into public.instagram_events (id, user_id, instagram_id, conversation, kind, payload, occurred_at, received_at, finished_at)
		select 'old' || i, $1::uuid, $2, 'c', 'message', '{}', now(), now() - interval '40 days', now()
		from generate_series(1, 10001) i`, in.user.ID, in.account)
	in.wantCount(t, 10000, "delete_old_instagram_events", object{}) // a batch
	in.wantCount(t, 1, "delete_old_instagram_events", object{})
}

func testInboxRetentionOfOpen(t *testing.T, in *inbox) {
	in.ingest(t, 4, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "bob", 1), in.event("d", "bob", 2))
	in.wantClaim(t, 1, "a")
	in.wantCount(t, 0, "delete_old_instagram_events", object{"p_keep": "0"}) // open, and younger than a day
	in.sql(t, "update public.instagram_events set received_at = now() - interval '31 days' where id <> $1", in.id("d"))
	in.wantCount(t, 2, "delete_old_instagram_events", object{}) // a is in somebody's hands
	in.wantConsistent(t)
	in.wantClaim(t, 10, "d")
	in.finish(t, 2, in.ids("a", "d")...)
	in.wantClaim(t, 10)
}
