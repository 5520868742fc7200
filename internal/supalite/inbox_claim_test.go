package supalite_test

import (
	"testing"
)

func testInboxOrder(t *testing.T, in *inbox) {
	in.ingest(t, 2, in.event("d", "ann", 9), in.event("b", "ann", 5))
	in.ingest(t, 2, in.event("c", "ann", 5), in.event("a", "ann", 7))
	in.wantClaim(t, 10, "b", "c", "a", "d") // by time, then by id
}

func testInboxLimit(t *testing.T, in *inbox) {
	in.ingest(t, 3, in.event("a1", "ann", 1), in.event("a2", "ann", 2), in.event("a3", "ann", 3))
	in.ingest(t, 3, in.event("b1", "bob", 1), in.event("b2", "bob", 2), in.event("b3", "bob", 3))
	in.ingest(t, 1, in.event("c1", "cid", 1))

	in.wantClaim(t, 5, "a1", "a2", "a3", "b1", "b2") // several conversations, several events of each
	in.wantClaim(t, 5, "c1")                         // what is behind b2 is leased with it
	in.wantClaim(t, 5)
	in.finish(t, 2, in.ids("b1", "b2")...)
	in.wantClaim(t, 5, "b3")
}

func testInboxLease(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 5))
	in.wantClaim(t, 10, "a")
	// What comes in meanwhile waits behind the lease, even if it happened before, and holds nobody else up.
	in.ingest(t, 3, in.event("before", "ann", 1), in.event("after", "ann", 9), in.event("b", "bob", 1))
	in.wantClaim(t, 10, "b")
	in.pass(t, "9 minutes")
	in.wantClaim(t, 10)
	in.finish(t, 1, in.id("a"))
	in.wantClaim(t, 10, "before", "after")
}

func testInboxLeaseRunsOut(t *testing.T, in *inbox) {
	in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
	in.wantClaim(t, 2, "a", "b")
	in.ingest(t, 1, in.event("d", "ann", 4))
	in.pass(t, "10 minutes")
	rows := in.wantClaim(t, 10, "a", "b", "c", "d")
	// The worker died at the first one, and did not try the others.
	if rows[0].Attempts != 1 || rows[1].Attempts != 0 {
		t.Errorf("attempts = %d, %d; want 1, 0", rows[0].Attempts, rows[1].Attempts)
	}
	in.finish(t, 1, in.id("a"))
	in.pass(t, "10 minutes")
	rows = in.wantClaim(t, 10, "b", "c", "d")
	if rows[0].Attempts != 1 || rows[1].Attempts != 0 {
		t.Errorf("attempts = %d, %d; want 1, 0", rows[0].Attempts, rows[1].Attempts)
	}
}

// testInboxDeadlyEvent has an event that kills its worker each time.
func testInboxDeadlyEvent(t *testing.T, in *inbox) {
	in.ingest(t, 2, in.event("deadly", "ann", 1), in.event("next", "ann", 2))
	for range 10 {
		in.wantClaim(t, 1, "deadly")
		in.pass(t, "10 minutes")
	}
	in.wantClaim(t, 1, "next")
	got := in.sql(t, "select attempts, dead_at is not null as dead, last_error from public.instagram_events where id = $1", in.id("deadly"))[0]
	if got["attempts"] != 10.0 || got["dead"] != true || got["last_error"] != "The lease ran out before the event was finished." {
		t.Errorf("the deadly event: %v", got)
	}
	// If it is the only one, the conversation is done with it.
	in.ingest(t, 1, in.event("alone", "bob", 1))
	for range 10 {
		in.wantClaim(t, 1, "alone")
		in.pass(t, "9 minutes")
		in.pass(t, "1 minute")
		in.sql(t, "update public.instagram_conversations set due_at = now() + '1 hour' where conversation like '%/ann'")
	}
	in.wantClaim(t, 1)
}

func testInboxFair(t *testing.T, in *inbox) {
	for i, name := range []string{"ann", "bob", "cid"} {
		in.ingest(t, 3, in.event(name+"1", name, 50-i), in.event(name+"2", name, 50-i), in.event(name+"3", name, 50-i))
	}
	// A conversation that was served goes to the end, however much more it has.
	for _, want := range []string{"ann1", "bob1", "cid1", "ann2", "bob2", "cid2"} {
		in.wantClaim(t, 1, want)
		in.finish(t, 1, in.id(want))
	}
	// Another event in it does not cost one that waits its place.
	in.ingest(t, 1, in.event("ann0", "ann", 0))
	in.wantClaim(t, 2, "ann0", "ann3")
}

func testInboxReconnect(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 1))
	in.wantClaim(t, 1, "a")
	in.mustPatch(t, in.account, object{"status": "reconnect"})
	in.fail(t, 1, in.id("a"))
	in.ingest(t, 1, in.event("b", "bob", 2))
	in.pass(t, "30 days")
	in.wantClaim(t, 10)

	in.connect(t, in.user)                // the new token heals it
	rows := in.wantClaim(t, 10, "b", "a") // b did not have to wait 20 seconds more
	if rows[1].Attempts != 1 {
		t.Errorf("attempts = %d, want 1: waiting is no try", rows[1].Attempts)
	}
	in.finish(t, 2, in.ids("a", "b")...)
	in.mustPatch(t, in.account, object{"status": "expiring"})
	in.ingest(t, 1, in.event("c", "ann", 3))
	in.wantClaim(t, 10, "c")
}

func testInboxSecretGone(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 1))
	name := "user_configs/" + in.user.ID + "/" + in.account
	for _, gone := range []string{name, name + "/page_token"} {
		in.sql(t, "delete from vault.secrets where name = $1", gone)
		in.wantClaim(t, 10)
		in.connect(t, in.user)
		in.wantClaim(t, 10, "a")
		in.pass(t, "10 minutes")
	}
	in.finish(t, 1, in.id("a"))

	// The seed's own upsert names no Page: there is none to wait for.
	seeds := &inbox{project: in.project, user: in.user, account: newID()}
	in.mustUpsert(t, row(in.user, seeds.account, newToken()))
	in.ingest(t, 1, seeds.event("b", "ann", 1))
	if rows := in.wantClaim(t, 10, "b"); rows[0].PageToken != "" || rows[0].PageID != "" {
		t.Errorf("claimed %+v", rows[0])
	}
}

func testInboxBounds(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 1))
	for _, limit := range []any{-1, 0, 1001, nil} {
		in.wantRefused(t, "claim_instagram_events", object{"p_limit": limit, "p_lease": "1 minute"}, "p_limit must be between 1 and 1000")
	}
	for _, lease := range []any{"-1 minute", "0", "999 milliseconds", "3601 seconds", "1 day", nil} {
		in.wantRefused(t, "claim_instagram_events", object{"p_limit": 1, "p_lease": lease}, "p_lease must be between 1 second and 1 hour")
	}
	var rows []claimed
	in.mustCall(t, "claim_instagram_events", object{"p_limit": 1000, "p_lease": "1 hour"}, &rows)
	in.pass(t, "1 hour")
	in.mustCall(t, "claim_instagram_events", object{"p_limit": 1, "p_lease": "1 second"}, &rows)
	if len(rows) != 1 {
		t.Errorf("claimed %v", rows)
	}
}
