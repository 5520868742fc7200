package supabase_test

import (
	"fmt"
	"math"

	"strings"
	"testing"
)

// TestInboxClaim holds what workers are handed out, and what they say of it.
func TestInboxClaim(t *testing.T) {
	onBothDatabases(t, newInbox, []testCase[*inbox]{
		{"Order", testInboxOrder},
		{"Limit", testInboxLimit},
		{"Lease", testInboxLease},
		{"LeaseRunsOut", testInboxLeaseRunsOut},
		{"DeadlyEvent", testInboxDeadlyEvent},
		{"Fair", testInboxFair},
		{"Reconnect", testInboxReconnect},
		{"SecretGone", testInboxSecretGone},
		{"Finish", testInboxFinish},
		{"FinishLate", testInboxFinishLate},
		{"Fail", testInboxFail},
		{"FailGivesBack", testInboxFailGivesBack},
		{"FailMiddle", testInboxFailMiddle},
		{"Dead", testInboxDead},
		{"Reason", testInboxReason},
		{"Earlier", testInboxEarlier},
	})
}

// claimed is a row of claim_instagram_events.
type claimed struct {
	ID           string `json:"id"`
	UserID       string `json:"user_id"`
	InstagramID  string `json:"instagram_id"`
	Conversation string `json:"conversation"`
	Kind         string `json:"kind"`
	Payload      any    `json:"payload"`
	OccurredAt   string `json:"occurred_at"`
	ReceivedAt   string `json:"received_at"`
	Attempts     int    `json:"attempts"`
	Token        string `json:"token"`
	PageID       string `json:"page_id"`
	PageToken    string `json:"page_token"`
}

// claim claims for ten minutes.
func (in *inbox) claim(t *testing.T, limit int) (rows []claimed) {
	t.Helper()
	in.mustCall(t, "claim_instagram_events", object{"p_limit": limit, "p_lease": "10 minutes"}, &rows)
	return rows
}

// wantClaim claims and checks which keys come, in this order, and returns their failed tries.
func (in *inbox) wantClaim(t *testing.T, limit int, keys ...string) []claimed {
	t.Helper()
	rows := in.claim(t, limit)
	wantEach(t, rows, keys, func(row claimed) string { return row.ID[strings.LastIndex(row.ID, "/")+1:] })
	return rows
}

// wantAttempts checks the failed tries of the first of some claimed events.
func wantAttempts(t *testing.T, rows []claimed, want ...int) {
	t.Helper()
	for i, attempts := range want {
		wantEqual(t, "attempts of "+rows[i].ID, attempts, rows[i].Attempts)
	}
}

func idsOf(rows []claimed) []string {
	ids := []string{}
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}

func (in *inbox) finish(t *testing.T, want int, ids ...string) {
	t.Helper()
	in.wantCount(t, want, "finish_instagram_events", object{"ids": ids})
}

func (in *inbox) fail(t *testing.T, want int, ids ...string) {
	t.Helper()
	in.wantCount(t, want, "fail_instagram_events", object{"ids": ids, "reason": "Meta is asleep"})
}

// pass lets time pass for leases and delays.
func (in *inbox) pass(t *testing.T, interval string) {
	t.Helper()
	in.sql(t, "update public.instagram_events set next_try_at = next_try_at - $1::interval", interval)
	in.sql(t, "update public.instagram_conversations set due_at = due_at - $1::interval", interval)
}

// wantDead checks that an event was given up after its ten tries.
func (in *inbox) wantDead(t *testing.T, key, reason string) {
	t.Helper()
	want := object{"attempts": 10.0, "dead": true, "last_error": reason}
	wantEqual(t, key, want, in.readEvent(t, key, "attempts, dead_at is not null as dead, last_error"))
}

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
	// The worker died at the first one, and did not try the others.
	wantAttempts(t, in.wantClaim(t, 10, "a", "b", "c", "d"), 1, 0)
	in.finish(t, 1, in.id("a"))
	in.pass(t, "10 minutes")
	wantAttempts(t, in.wantClaim(t, 10, "b", "c", "d"), 1, 0)
}

// testInboxDeadlyEvent has an event that kills its worker each time.
func testInboxDeadlyEvent(t *testing.T, in *inbox) {
	in.ingest(t, 2, in.event("deadly", "ann", 1), in.event("next", "ann", 2))
	for range 10 {
		in.wantClaim(t, 1, "deadly")
		in.pass(t, "10 minutes")
	}
	in.wantClaim(t, 1, "next")
	in.wantDead(t, "deadly", "The lease ran out before the event was finished.")
	// If it is the only one, the conversation is done with it.
	in.ingest(t, 1, in.event("alone", "bob", 1))
	for range 10 {
		in.wantClaim(t, 1, "alone")
		in.pass(t, "10 minutes")
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
	in.patch(t, in.account, object{"status": "reconnect"})
	in.fail(t, 1, in.id("a"))
	in.ingest(t, 1, in.event("b", "bob", 2))
	in.pass(t, "30 days")
	in.wantClaim(t, 10)

	in.connect(t, in.userID)                             // the new token heals it
	wantAttempts(t, in.wantClaim(t, 10, "b", "a"), 0, 1) // b did not have to wait 20 seconds more; waiting is no try
	in.finish(t, 2, in.ids("a", "b")...)
	in.patch(t, in.account, object{"status": "expiring"})
	in.ingest(t, 1, in.event("c", "ann", 3))
	in.wantClaim(t, 10, "c")
}

func testInboxSecretGone(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 1))
	name := "user_configs/" + in.userID + "/" + in.account
	for _, gone := range []string{name, name + "/page_token"} {
		in.sql(t, "delete from vault.secrets where name = $1", gone)
		in.wantClaim(t, 10)
		in.connect(t, in.userID)
		in.wantClaim(t, 10, "a")
		in.pass(t, "10 minutes")
	}
	in.finish(t, 1, in.id("a"))

	// The recipe's own upsert names no Page: there is none to wait for.
	bare := &inbox{project: in.project, userID: in.userID, account: newID()}
	in.upsert(t, row(in.userID, bare.account, newToken()))
	in.ingest(t, 1, bare.event("b", "ann", 1))
	if rows := in.wantClaim(t, 10, "b"); rows[0].PageToken != "" || rows[0].PageID != "" {
		t.Errorf("claimed %+v", rows[0])
	}
}

func testInboxFinish(t *testing.T, in *inbox) {
	in.finish(t, 0)
	in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
	in.wantClaim(t, 2, "a", "b")
	in.finish(t, 1, in.id("a"), in.id("unknown"), in.id("a"))
	in.wantClaim(t, 10) // b is left: the lease holds
	in.finish(t, 1, in.ids("a", "b")...)
	in.wantClaim(t, 10, "c")
	in.finish(t, 0, in.ids("a", "b")...) // touches nobody's lease
	in.wantClaim(t, 10)
}

// testInboxFinishLate finishes after the lease has run out.
func testInboxFinishLate(t *testing.T, in *inbox) {
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2))
	in.wantClaim(t, 1, "a")
	in.pass(t, "10 minutes")
	in.finish(t, 1, in.id("a"))
	in.wantClaim(t, 10, "b")

	in.pass(t, "10 minutes")
	in.wantClaim(t, 10, "b")    // another worker has it now
	in.finish(t, 1, in.id("b")) // and the first one did it all the same
	in.finish(t, 0, in.id("b"))
	in.fail(t, 0, in.id("b"))
	in.wantClaim(t, 10)
}

func testInboxFail(t *testing.T, in *inbox) {
	in.fail(t, 0)
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2))
	in.fail(t, 0, in.id("a"), in.id("unknown")) // claimed by nobody
	in.wantClaim(t, 1, "a")
	in.fail(t, 1, in.id("a"), in.id("a"))
	in.fail(t, 0, in.id("a")) // the same call once more is no second try

	// Its delay holds what is behind it, and nobody else's.
	in.ingest(t, 2, in.event("c", "ann", 3), in.event("d", "bob", 9))
	in.wantClaim(t, 10, "d")
	in.pass(t, "19 seconds")
	in.wantClaim(t, 10)
	in.pass(t, "1 second")
	wantAttempts(t, in.wantClaim(t, 10, "a", "b", "c"), 1, 0)
}

// testInboxFailGivesBack fails the first of several: those behind it are free with it, and were not
// tried.
func testInboxFailGivesBack(t *testing.T, in *inbox) {
	in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
	in.wantClaim(t, 10, "a", "b", "c")
	in.fail(t, 1, in.id("a"))
	in.fail(t, 0, in.id("b"))
	in.finish(t, 1, in.id("c")) // done is done
	in.wantClaim(t, 10)
	in.pass(t, "20 seconds")
	wantAttempts(t, in.wantClaim(t, 10, "a", "b"), 1, 0)
	in.fail(t, 2, in.ids("a", "b")...)
}

// testInboxFailMiddle leaves one claimed in front of the one that failed.
func testInboxFailMiddle(t *testing.T, in *inbox) {
	in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
	in.wantClaim(t, 2, "a", "b")
	in.fail(t, 1, in.id("b"))
	in.pass(t, "1 minute")
	in.wantClaim(t, 10) // a is still somebody's
	in.pass(t, "9 minutes")
	in.wantClaim(t, 1, "a")
	in.finish(t, 1, in.id("a"))
	in.wantClaim(t, 10, "b", "c")
}

func testInboxDead(t *testing.T, in *inbox) {
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2))
	for try := 1; try <= 10; try++ {
		wantAttempts(t, in.wantClaim(t, 1, "a"), try-1)
		in.fail(t, 1, in.id("a"))
		if try == 10 {
			break
		}
		delay := in.readEvent(t, "a", "extract(epoch from next_try_at - now())::float8 as seconds")["seconds"].(float64)
		want := min(10*math.Pow(2, float64(try)), 3600)
		if delay > want || delay < want-10 {
			t.Errorf("try %d: the next in %g seconds, want %g", try, delay, want)
		}
		in.wantClaim(t, 1)
		in.pass(t, fmt.Sprintf("%g seconds", want))
	}
	in.wantClaim(t, 10, "b") // no longer in the way, at once
	in.finish(t, 0, in.id("a"))
	in.wantDead(t, "a", "Meta is asleep")
	in.ingest(t, 0, in.event("a", "ann", 1))
}

func testInboxReason(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("a", "ann", 1))
	for _, c := range []struct{ reason, want any }{{strings.Repeat("é", 5000), strings.Repeat("é", 1000)}, {nil, nil}} {
		in.wantClaim(t, 1, "a")
		in.wantCount(t, 1, "fail_instagram_events", object{"ids": in.ids("a"), "reason": c.reason})
		wantEqual(t, "reason", object{"last_error": c.want}, in.readEvent(t, "a", "last_error"))
		in.pass(t, "1 hour")
	}
}

// testInboxEarlier receives an event that belongs in front of one that waits for its next try.
func testInboxEarlier(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("b", "ann", 5))
	in.wantClaim(t, 1, "b")
	in.fail(t, 1, in.id("b"))
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("c", "ann", 9))
	in.wantClaim(t, 10, "a")
	in.finish(t, 1, in.id("a"))
	in.wantClaim(t, 10)
	in.pass(t, "20 seconds")
	in.wantClaim(t, 10, "b", "c")
}
