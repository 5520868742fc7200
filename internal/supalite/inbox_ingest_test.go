package supalite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func testInboxRow(t *testing.T, in *inbox) {
	in.ingest(t, 1, in.event("message:mid.1", "ann", 7))
	rows := in.claim(t, 10)
	want := []claimed{{
		ID:           in.user.ID + "/" + in.account + "/message:mid.1",
		UserID:       in.user.ID,
		InstagramID:  in.account,
		Conversation: in.account + "/ann",
		Kind:         "message",
		Payload:      object{"text": "message:mid.1"},
		Token:        in.token,
		PageID:       in.page,
		PageToken:    in.token + "page",
	}}
	if diff := cmp.Diff(want, rows, cmpopts.IgnoreFields(claimed{}, "OccurredAt", "ReceivedAt")); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
}

func testInboxTimes(t *testing.T, in *inbox) {
	for key, at := range map[string]any{
		"utc": "2026-01-01T10:00:00.25Z", "zone": "2026-01-01T12:00:00.25+02:00", "old": "0001-01-01T00:00:00Z",
		"future": "3000-01-01T00:00:00Z", "none": nil,
	} {
		event := in.event(key, key, 0)
		event["occurred_at"] = at
		in.ingest(t, 1, event)
	}
	for key, want := range map[string]string{
		"utc":    "occurred_at = '2026-01-01 10:00:00.25+00'",
		"zone":   "occurred_at = '2026-01-01 10:00:00.25+00'",
		"old":    "occurred_at = '0001-01-01 00:00:00+00'",
		"future": "occurred_at = received_at",
		"none":   "occurred_at = received_at",
	} {
		got := in.sql(t, "select "+want+" as ok, occurred_at::text from public.instagram_events where id = $1", in.id(key))
		if len(got) != 1 || got[0]["ok"] != true {
			t.Errorf("%s: %v, want %s", key, got, want)
		}
	}
}

func testInboxDuplicates(t *testing.T, in *inbox) {
	in.ingest(t, 0)
	in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("a", "ann", 1))
	in.ingest(t, 1, in.event("c", "bob", 3), in.event("b", "ann", 2))
	in.wantClaim(t, 10, "a", "b", "c")

	// Neither while it is handed out nor after it was handled does it come again.
	in.ingest(t, 0, in.event("a", "ann", 1))
	in.finish(t, 3, in.ids("a", "b", "c")...)
	in.ingest(t, 0, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "bob", 3))
	in.wantClaim(t, 10)
}

func testInboxAccounts(t *testing.T, in *inbox) {
	second := in.newUser(t)
	in.connect(t, second)
	unknown, byPage := in.event("unknown", "ann", 1), in.event("by-page", "ann", 2)
	unknown["account"], byPage["account"] = newID(), in.page
	in.ingest(t, 0, unknown)
	in.ingest(t, 4, unknown, byPage, in.event("by-account", "ann", 3))

	got := in.sql(t, "select user_id, instagram_id, conversation, count(*)::int from public.instagram_events group by 1, 2, 3 order by user_id = $1::uuid", second.ID)
	want := []object{
		{"user_id": in.user.ID, "instagram_id": in.account, "conversation": in.account + "/ann", "count": 2.0},
		{"user_id": second.ID, "instagram_id": in.account, "conversation": in.account + "/ann", "count": 2.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	// One owner's conversation does not wait for the other's.
	if rows := in.claim(t, 2); len(rows) != 2 || rows[0].UserID != rows[1].UserID {
		t.Errorf("claimed %v, want one owner's two", rows)
	}
	if rows := in.claim(t, 2); len(rows) != 2 {
		t.Errorf("claimed %v, want the other owner's two", rows)
	}
}

// testInboxEncodedTwice sends the events as a JSON string, as some clients do.
func testInboxEncodedTwice(t *testing.T, in *inbox) {
	text, err := json.Marshal([]object{in.event("a", "ann", 1), in.event("b", "ann", 2)})
	if err != nil {
		t.Fatal(err)
	}
	in.wantCount(t, 2, "ingest_instagram_events", object{"events": string(text)})
	rows := in.wantClaim(t, 10, "a", "b")
	if diff := cmp.Diff(object{"text": "a"}, rows[0].Payload); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
}

func testInboxNotEvents(t *testing.T, in *inbox) {
	for _, bad := range []any{object{"account": in.account}, 7, true} {
		in.wantRefused(t, "ingest_instagram_events", object{"events": bad}, "must be a JSON array")
	}
	for _, missing := range []string{"key", "kind"} {
		event := in.event("a", "ann", 1)
		delete(event, missing)
		in.wantRefused(t, "ingest_instagram_events", object{"events": []object{in.event("b", "ann", 1), event}}, "null value")
	}
	in.wantClaim(t, 10)

	// Only what tells an event apart is required.
	bare := object{"account": in.account, "key": "bare", "kind": "new"}
	in.ingest(t, 1, bare)
	if rows := in.wantClaim(t, 10, "bare"); rows[0].Conversation != in.account+"/" || rows[0].Payload != nil {
		t.Errorf("claimed %+v", rows[0])
	}
}

func testInboxThousand(t *testing.T, in *inbox) {
	var events []object
	for i := range 1000 {
		event := in.event(fmt.Sprintf("mid.%03d", i), fmt.Sprintf("person%d", i%300), i%60)
		event["payload"] = object{"text": strings.Repeat("x", 200)}
		events = append(events, event)
	}
	begin := time.Now()
	in.ingest(t, 1000, events...)
	ingested := time.Now()
	in.ingest(t, 0, events...)
	again := time.Now()
	rows := in.claim(t, 1000)
	if len(rows) != 1000 {
		t.Fatalf("claimed %d", len(rows))
	}
	taken := time.Now()
	ids := []string{}
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	in.finish(t, 1000, ids...)
	t.Logf("1,000 events: ingest %s, again %s, claim %s, finish %s",
		ingested.Sub(begin), again.Sub(ingested), taken.Sub(again), time.Since(taken))
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
