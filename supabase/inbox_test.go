package supabase_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// inbox is a project with one connection, as the webhook and the workers see it.
type inbox struct {
	*project
	userID  string
	account string // Instagram id of the connection
	page    string // id of its Page
	token   string
}

// newInbox connects a new user's new account in an empty project, of which a worker has been told.
func newInbox(t *testing.T, p *project) *inbox {
	t.Helper()
	in := &inbox{project: empty(t, p), userID: p.newUser(t).ID, account: newID(), page: unique("10203040"), token: newToken()}
	in.connect(t, in.userID)
	in.dropConnectionEvents(t)
	return in
}

// dropConnectionEvents empties the inbox of what tells of connections, for cases about Meta's events.
func (p *project) dropConnectionEvents(t *testing.T) {
	t.Helper()
	p.sql(t, "delete from public.instagram_events where kind = 'connection'")
	p.sql(t, "delete from public.instagram_conversations where user_id is not null")
}

// connect gives a user a connection to the inbox's account.
func (in *inbox) connect(t *testing.T, userID string) {
	t.Helper()
	in.upsert(t, with(row(userID, in.account, in.token), object{"page_id": in.page, "page_token": in.token + "page"}))
}

// event is an element of ingest's argument that occurred in the given second of a minute long ago.
func (in *inbox) event(key, counterpart string, second int) object {
	return object{
		"account": in.account, "key": key, "counterpart": counterpart, "kind": "message",
		"payload": object{"text": key}, "occurred_at": fmt.Sprintf("2026-01-01T00:00:%02dZ", second),
	}
}

// id is the row's id of a key; of a key that was never stored the key.
func (in *inbox) id(key string) string {
	rows, err := in.SQL(context.Background(), `select e.id from public.instagram_events e join public.user_configs c using (connection_id)
		where c.user_id = $1 and c.instagram_id = $2 and e.key = $3`, in.userID, in.account, key)
	if err != nil || len(rows) == 0 {
		return key
	}
	return rows[0]["id"].(string)
}

func (in *inbox) ids(keys ...string) []string {
	ids := []string{}
	for _, key := range keys {
		ids = append(ids, in.id(key))
	}
	return ids
}

func (p *project) ingest(t *testing.T, want int, events ...object) {
	t.Helper()
	p.wantCount(t, want, "ingest_instagram_events", object{"events": append([]object{}, events...)})
}

// readEvent returns columns of the event of a key.
func (in *inbox) readEvent(t *testing.T, key, columns string) object {
	t.Helper()
	return in.onlyRow(t, "select "+columns+" from public.instagram_events where id::text = $1", in.id(key))
}

// wantStored checks how many of Meta's events of the inbox's account there are.
func (in *inbox) wantStored(t *testing.T, want float64) {
	t.Helper()
	wantEqual(t, "stored", object{"n": want}, in.onlyRow(t, "select count(*)::int as n from public.instagram_events where instagram_id = $1 and kind <> 'connection'", in.account))
}

// wantConsistentInbox checks what must hold between any two calls: a conversation's row for each that
// has open events, nothing but open events in the leases, and of connections that are gone nothing that
// will not be removed.
func (p *project) wantConsistentInbox(t *testing.T) {
	t.Helper()
	wantEqual(t, "inconsistent", []object{}, p.sql(t, `
		with open as (
			select e.* from public.instagram_events e join public.user_configs using (connection_id)
			where finished_at is null and dead_at is null
		), rows as (
			select c.* from public.instagram_conversations c join public.user_configs using (connection_id)
		)
		select 'open events without a row: ' || o.conversation as what from open o
			left join rows c using (connection_id, conversation) where c.connection_id is null
		union
		select 'a row without open events: ' || c.conversation from rows c
			left join open o using (connection_id, conversation) where o.id is null
		union
		select 'claimed and not open: ' || i.id::text from rows c, unnest(c.claimed) as i (id)
			left join open o on o.id = i.id where o.id is null
		union
		select 'a lease on nothing: ' || c.conversation from rows c where c.claimed = '{}'
		union
		select 'parked, but active: ' || c.conversation from rows c join public.user_configs u using (connection_id)
			where c.parked and u.status <> 'reconnect'
		union
		select 'tells of a connection, and is open without a row, or a row without it: ' || coalesce(e.conversation, c.conversation)
			from (select * from public.instagram_events where kind = 'connection' and finished_at is null and dead_at is null) e
			full join (select * from public.instagram_conversations where user_id is not null) c
				using (connection_id, conversation, user_id)
			where e.connection_id is null or c.connection_id is null
		union
		select 'of no connection: ' || g.conversation from (
			select connection_id, conversation from public.instagram_events where kind <> 'connection'
			union select connection_id, conversation from public.instagram_conversations where user_id is null) g
			left join public.user_configs u using (connection_id)
			left join igconnect.removed_connections r using (connection_id)
			where u.connection_id is null and r.connection_id is null`))
}

// TestInbox holds what is stored, kept and shown.
func TestInbox(t *testing.T) { onBothDatabases(t, newInbox, inboxCases) }

var inboxCases = []testCase[*inbox]{
	{"Row", func(t *testing.T, in *inbox) {
		in.ingest(t, 1, in.event("message:mid.1", "ann", 7))
		var rows []object
		in.mustCall(t, "claim_instagram_events", object{"p_limit": 10, "p_lease": "10 minutes"}, &rows)
		wantEqual(t, "claimed", []object{{
			"id": in.id("message:mid.1"), "user_id": in.userID, "instagram_id": in.account,
			"conversation": in.account + "/ann", "kind": "message", "payload": object{"text": "message:mid.1"}, "attempts": 0.0,
			"token": in.token, "page_id": in.page, "page_token": in.token + "page",
			"occurred_at": rows[0]["occurred_at"], "received_at": rows[0]["received_at"],
		}}, rows)
	}},
	// One answer, however few rows PostgREST's "max rows" lets out of a set.
	{"OneAnswer", func(t *testing.T, in *inbox) {
		if rows := in.claim(t, 10); rows == nil || len(rows) != 0 {
			t.Errorf("of an empty inbox: %v", rows)
		}
		wantEqual(t, "answer", []object{{"type": "jsonb", "set": false}}, in.sql(t, `select prorettype::regtype::text as type, proretset as set
			from pg_proc where oid = 'public.claim_instagram_events(integer, interval)'::regprocedure`))
	}},
	{"Times", func(t *testing.T, in *inbox) {
		for _, c := range []struct {
			key  string
			at   any
			want string
		}{
			{"utc", "2026-01-01T10:00:00.25Z", "'2026-01-01 10:00:00.25+00'"},
			{"zone", "2026-01-01T12:00:00.25+02:00", "'2026-01-01 10:00:00.25+00'"},
			{"old", "0001-01-01T00:00:00Z", "'0001-01-01 00:00:00+00'"},
			{"future", "3000-01-01T00:00:00Z", "received_at"},
			{"none", nil, "received_at"},
		} {
			in.ingest(t, 1, with(in.event(c.key, c.key, 0), object{"occurred_at": c.at}))
			wantEqual(t, c.key, object{"ok": true}, in.readEvent(t, c.key, "occurred_at = "+c.want+" as ok"))
		}
	}},
	{"Duplicates", func(t *testing.T, in *inbox) {
		in.ingest(t, 0)
		in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("a", "ann", 1))
		in.ingest(t, 1, in.event("c", "bob", 3), in.event("b", "ann", 2))
		in.wantClaim(t, 10, "a", "b", "c")

		// Neither while it is handed out nor after it was handled does it come again.
		in.ingest(t, 0, in.event("a", "ann", 1))
		in.finish(t, 3, in.ids("a", "b", "c")...)
		in.ingest(t, 0, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "bob", 3))
		in.wantClaim(t, 10)
	}},
	{"Accounts", func(t *testing.T, in *inbox) {
		second := in.newUser(t).ID
		in.connect(t, second)
		unknown := with(in.event("unknown", "ann", 1), object{"account": newID()})
		byPage := with(in.event("by-page", "ann", 2), object{"account": in.page})
		in.ingest(t, 0, unknown)
		in.ingest(t, 4, unknown, byPage, in.event("by-account", "ann", 3))

		got := in.sql(t, "select user_id, instagram_id, conversation, count(*)::int from public.instagram_events where kind <> 'connection' group by 1, 2, 3 order by user_id = $1", second)
		want := object{"user_id": in.userID, "instagram_id": in.account, "conversation": in.account + "/ann", "count": 2.0}
		wantEqual(t, "events", []object{want, with(want, object{"user_id": second})}, got)
		// One owner's conversation does not wait for the other's.
		for range 2 {
			if rows := in.claim(t, 2); len(rows) != 2 || rows[0].UserID != rows[1].UserID {
				t.Errorf("claimed %v, want one owner's two", rows)
			}
		}
	}},
	// Mentions and story insights have no counterpart: one that fails keeps no other back.
	{"WithoutCounterpart", func(t *testing.T, in *inbox) {
		in.ingest(t, 3, in.event("a", "", 1), with(in.event("b", "", 2), object{"counterpart": nil}), in.event("c", "", 3))
		in.wantClaim(t, 10, "a", "b", "c")
		in.fail(t, 1, in.id("a"))
		in.finish(t, 2, in.ids("b", "c")...)
		in.ingest(t, 1, in.event("d", "", 4))
		in.wantClaim(t, 10, "d")
	}},
	// Where a time is part of the key, Meta's two forms of it name one event: milliseconds and seconds.
	{"KeyToSecond", func(t *testing.T, in *inbox) {
		timed := func(key, second string) object { return with(in.event(key, "ann", 1), object{"key_to_second": second}) }
		in.ingest(t, 2, timed("r/1001", "r/1"), timed("r/1002", "r/1"), timed("r/1002", "r/1"))
		in.ingest(t, 0, timed("r/1", "r/1"))
		in.ingest(t, 2, timed("r/1003", "r/1"), timed("r/2", "r/2"))
		in.ingest(t, 0, timed("r/2001", "r/2"))
		in.ingest(t, 1, timed("s/1", "s/1"), timed("s/1009", "s/1"))
		in.wantClaim(t, 10, "r/1001", "r/1002", "r/1003", "r/2", "s/1009")
	}},
	// A delivery may name the account by its Page. Then only here it shows that the account did it.
	{"OwnDoing", func(t *testing.T, in *inbox) {
		own := object{"account": in.page, "counterpart": in.account}
		in.ingest(t, 3, with(with(in.event("sent", "", 1), own), object{"recipient": "ann"}), with(in.event("comment", "", 2), own),
			with(with(in.event("marked", "", 3), own), object{"kind": "message_echo", "recipient": "ann"}))
		var got []string
		for _, row := range in.claim(t, 10) {
			got = append(got, row.Key+" "+row.Kind+" "+strings.TrimPrefix(row.Conversation, in.account))
		}
		slices.Sort(got)
		wantEqual(t, "stored", []string{"comment message_echo /comment", "marked message_echo /ann", "sent message_echo /ann"}, got)
	}},
	// A delivery that names a Page is for the account that was connected last.
	{"PageLinkedAnew", func(t *testing.T, in *inbox) {
		in.patch(t, in.account, object{"connected_at": "2026-01-01T00:00:00Z"})
		now := &inbox{project: in.project, userID: in.userID, account: newID(), page: in.page, token: newToken()}
		now.connect(t, in.userID)
		in.ingest(t, 1, with(in.event("hello", "ann", 1), object{"account": in.page}))
		in.wantStored(t, 0)
		now.wantStored(t, 1)
	}},
	{"NotEvents", func(t *testing.T, in *inbox) {
		for _, missing := range []string{"key", "kind"} {
			event := in.event("a", "ann", 1)
			delete(event, missing)
			in.wantRefused(t, "ingest_instagram_events", object{"events": []object{in.event("b", "ann", 1), event}}, "null value")
		}
		for _, bad := range []any{object{"account": in.account}, 7, true} {
			in.wantRefused(t, "ingest_instagram_events", object{"events": bad}, "must be a JSON array")
		}
		in.wantClaim(t, 10)

		// Only what tells an event apart is required.
		in.ingest(t, 1, object{"account": in.account, "key": "bare", "kind": "new"})
		if rows := in.wantClaim(t, 10, "bare"); rows[0].Conversation != in.account+"/bare" || rows[0].Payload != nil {
			t.Errorf("claimed %+v", rows[0])
		}

		// Some clients encode the array twice, as a JSON string.
		text, err := json.Marshal([]object{in.event("a", "ann", 1), in.event("b", "ann", 2)})
		if err != nil {
			t.Fatal(err)
		}
		in.wantCount(t, 2, "ingest_instagram_events", object{"events": string(text)})
		wantEqual(t, "payload", any(object{"text": "a"}), in.wantClaim(t, 10, "a", "b")[0].Payload)
	}},
	{"Thousand", func(t *testing.T, in *inbox) {
		var events []object
		for i := range 1000 {
			event := in.event(fmt.Sprintf("mid.%03d", i), fmt.Sprintf("person%d", i%300), i%60)
			events = append(events, with(event, object{"payload": object{"text": strings.Repeat("x", 200)}}))
		}
		begin := time.Now()
		in.ingest(t, 1000, events...)
		in.ingest(t, 0, events...)
		in.finish(t, 1000, idsOf(in.claim(t, 1000))...)
		took := time.Since(begin)
		t.Logf("1,000 events: stored twice, claimed and finished in %s", took)
		if took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	}},
	{"Disconnect", func(t *testing.T, in *inbox) {
		second := in.newUser(t).ID
		in.connect(t, second)
		in.ingest(t, 4, in.event("a", "ann", 1), in.event("b", "bob", 2))
		in.claim(t, 1)
		in.disconnect(t, in.account, in.userID)
		in.wantStored(t, 2) // the other owner's
		in.wantConsistentInbox(t)
		in.sql(t, "delete from auth.users where id = $1::uuid", second)
		in.wantStored(t, 0)
		in.ingest(t, 0, in.event("c", "ann", 3))
	}},
	// A user whose connection has stopped is not shown what comes afterwards, for the account may be
	// somebody else's by now. What came before stays, and the rest comes with a reconnection.
	{"Stopped", func(t *testing.T, in *inbox) {
		wantSeen := func(when string, want ...string) {
			t.Helper()
			wantEqual(t, when, want, texts(in.asUser(t, in.userID, "select payload ->> 'text' as key from public.instagram_events where kind = 'message' order by 1"), "key"))
		}
		in.ingest(t, 1, in.event("before", "ann", 1))
		wantSeen("connected", "before")
		in.patch(t, in.account, object{"status": "reconnect"})
		in.ingest(t, 1, in.event("after", "ann", 1))
		wantSeen("while stopped", "before")
		in.connect(t, in.userID)
		wantSeen("connected again", "after", "before")
	}},
	{"Retention", func(t *testing.T, in *inbox) {
		in.ingest(t, 3, in.event("done", "ann", 1), in.event("dead", "bob", 1), in.event("young", "cid", 1))
		in.claim(t, 10)
		in.finish(t, 2, in.ids("done", "young")...)
		in.sql(t, "update public.instagram_events set attempts = 9 where key = 'dead'")
		in.fail(t, 1, in.id("dead"))
		in.sql(t, "update public.instagram_events set received_at = now() - interval '31 days' where key <> 'young'")

		in.wantCount(t, 0, "delete_old_instagram_events", object{"p_keep": "32 days"})
		in.wantCount(t, 2, "delete_old_instagram_events", object{})
		in.wantCount(t, 0, "delete_old_instagram_events", object{})
		in.sql(t, "update public.instagram_events set received_at = now() - interval '1 second'")
		in.wantCount(t, 1, "delete_old_instagram_events", object{"p_keep": "0"})
		for _, keep := range []any{"-1 day", nil} {
			in.wantRefused(t, "delete_old_instagram_events", object{"p_keep": keep}, "p_keep must be")
		}

		in.sql(t, `insert into public.instagram_events (key, connection_id, user_id, instagram_id, conversation, kind, payload, occurred_at, received_at, finished_at)
			select 'old' || i, c.connection_id, $1, $2, 'c', 'message', '{}', now(), now() - interval '40 days', now()
			from generate_series(1, 10001) i, public.user_configs c where c.user_id = $1 and c.instagram_id = $2`, in.userID, in.account)
		in.wantCount(t, 10000, "delete_old_instagram_events", object{}) // a batch
		in.wantCount(t, 1, "delete_old_instagram_events", object{})
	}},
	{"RetentionOfOpen", func(t *testing.T, in *inbox) {
		in.ingest(t, 4, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "bob", 1), in.event("d", "bob", 2))
		in.wantClaim(t, 1, "a")
		in.wantCount(t, 0, "delete_old_instagram_events", object{"p_keep": "0"}) // open, and younger than a day
		in.sql(t, "update public.instagram_events set received_at = now() - interval '31 days' where key <> 'd'")
		in.wantCount(t, 2, "delete_old_instagram_events", object{}) // somebody has a
		in.wantConsistentInbox(t)
		in.wantClaim(t, 10, "d")
		in.finish(t, 2, in.ids("a", "d")...)
		in.wantClaim(t, 10)
	}},
	// Nothing that senders and workers do may read through what is finished or waits.
	{"Indexes", func(t *testing.T, in *inbox) {
		in.sql(t, `insert into public.instagram_events (key, connection_id, user_id, instagram_id, conversation, kind, payload, occurred_at, finished_at)
			select 'old' || i, c.connection_id, $1, $2, $2 || case when i > 100000 then '/bob' else '/ann' end, 'message', '{}', now(),
				case when i <= 100000 then now() end
			from generate_series(1, 120000) i, public.user_configs c where c.user_id = $1 and c.instagram_id = $2`, in.userID, in.account)
		in.sql(t, `insert into public.instagram_conversations (connection_id, conversation, due_at)
			select c.connection_id, $2 || '/bob', now() + interval '1 hour'
			from public.user_configs c where c.user_id = $1 and c.instagram_id = $2`, in.userID, in.account)
		in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "ann", 1))
		in.sql(t, "analyze public.instagram_events, public.instagram_conversations") // else plans depend on when autovacuum came
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
	}},
}

// claimed is what the cases look at of a row of claim_instagram_events.
type claimed struct {
	ID           string `json:"id"`
	Key          string `json:"-"` // which the answer does not have
	UserID       string `json:"user_id"`
	Conversation string `json:"conversation"`
	Kind         string `json:"kind"`
	Payload      any    `json:"payload"`
	Attempts     int    `json:"attempts"`
	PageID       string `json:"page_id"`
	PageToken    string `json:"page_token"`
}

// claim claims Meta's events for ten minutes.
func (in *inbox) claim(t *testing.T, limit int) (rows []claimed) {
	t.Helper()
	in.dropConnectionEvents(t)
	in.mustCall(t, "claim_instagram_events", object{"p_limit": limit, "p_lease": "10 minutes"}, &rows)
	keys := map[any]any{}
	for _, row := range in.sql(t, "select id, key from public.instagram_events where id::text = any ($1)", idsOf(rows)) {
		keys[row["id"]] = row["key"]
	}
	for i := range rows {
		rows[i].Key, _ = keys[rows[i].ID].(string)
	}
	return rows
}

// wantClaim claims and checks which keys come, in this order, and returns their failed tries.
func (in *inbox) wantClaim(t *testing.T, limit int, keys ...string) []claimed {
	t.Helper()
	rows := in.claim(t, limit)
	wantEach(t, rows, keys, func(row claimed) string { return row.Key })
	return rows
}

// wantAttempts checks the failed tries of the first of some claimed events.
func wantAttempts(t *testing.T, rows []claimed, want ...int) {
	t.Helper()
	for i, attempts := range want {
		wantEqual(t, "attempts of "+rows[i].Key, attempts, rows[i].Attempts)
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

// TestInboxClaim holds what workers are handed out, and what they say of it.
func TestInboxClaim(t *testing.T) { onBothDatabases(t, newInbox, inboxClaimCases) }

var inboxClaimCases = []testCase[*inbox]{
	{"Order", func(t *testing.T, in *inbox) {
		in.ingest(t, 2, in.event("d", "ann", 9), in.event("b", "ann", 5))
		in.ingest(t, 2, in.event("c", "ann", 5), in.event("a", "ann", 7))
		in.wantClaim(t, 10, "b", "c", "a", "d") // by time, then as delivered
	}},
	// Comments have whole seconds, and a message may share its millisecond with another: what happened
	// at one time comes as Meta delivered it, whatever its keys, and however often it is delivered.
	{"OrderOfOneMoment", func(t *testing.T, in *inbox) {
		in.ingest(t, 3, in.event("z", "ann", 5), in.event("m", "ann", 5), in.event("q", "ann", 5))
		in.ingest(t, 2, in.event("q", "ann", 5), in.event("b", "ann", 5), in.event("a", "ann", 5), in.event("z", "ann", 5))
		in.ingest(t, 1, in.event("late, of before", "ann", 4))
		in.wantClaim(t, 3, "late, of before", "z", "m")
		in.fail(t, 1, in.id("z"))
		in.finish(t, 2, in.ids("late, of before", "m")...)
		in.pass(t, "20 seconds")
		in.wantClaim(t, 10, "z", "q", "b", "a")
	}},
	{"Limit", func(t *testing.T, in *inbox) {
		in.ingest(t, 3, in.event("a1", "ann", 1), in.event("a2", "ann", 2), in.event("a3", "ann", 3))
		in.ingest(t, 3, in.event("b1", "bob", 1), in.event("b2", "bob", 2), in.event("b3", "bob", 3))
		in.ingest(t, 1, in.event("c1", "cid", 1))

		in.wantClaim(t, 5, "a1", "a2", "a3", "b1", "b2") // several conversations, several events of each
		in.wantClaim(t, 5, "c1")                         // what is behind b2 is leased with it
		in.wantClaim(t, 5)
		in.finish(t, 2, in.ids("b1", "b2")...)
		in.wantClaim(t, 5, "b3")
	}},
	{"Lease", func(t *testing.T, in *inbox) {
		in.ingest(t, 1, in.event("a", "ann", 5))
		in.wantClaim(t, 10, "a")
		// What comes in meanwhile waits behind the lease, even if it happened before, and holds nobody else up.
		in.ingest(t, 3, in.event("before", "ann", 1), in.event("after", "ann", 9), in.event("b", "bob", 1))
		in.wantClaim(t, 10, "b")
		in.pass(t, "9 minutes")
		in.wantClaim(t, 10)
		in.finish(t, 1, in.id("a"))
		in.wantClaim(t, 10, "before", "after")
	}},
	{"LeaseRunsOut", func(t *testing.T, in *inbox) {
		in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
		in.wantClaim(t, 2, "a", "b")
		in.ingest(t, 1, in.event("d", "ann", 4))
		in.pass(t, "10 minutes")
		// The worker died at the first one, and did not try the others.
		wantAttempts(t, in.wantClaim(t, 10, "a", "b", "c", "d"), 1, 0)
		in.finish(t, 1, in.id("a"))
		in.pass(t, "10 minutes")
		wantAttempts(t, in.wantClaim(t, 10, "b", "c", "d"), 1, 0)
	}},
	// An event kills its worker each time.
	{"DeadlyEvent", func(t *testing.T, in *inbox) {
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
	}},
	{"Fair", func(t *testing.T, in *inbox) {
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
	}},
	{"Reconnect", func(t *testing.T, in *inbox) {
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
	}},
	// Conversations of an account that has stopped are out of the way of claims, those too that somebody
	// held as it stopped or that came later. Connected again, all come, in their order.
	{"Parked", func(t *testing.T, in *inbox) {
		in.ingest(t, 2, in.event("a", "ann", 1), in.event("b", "bob", 2))
		wantParked := func(want ...string) {
			t.Helper()
			wantEqual(t, "parked", append([]string{}, want...), texts(in.sql(t, "select conversation from public.instagram_conversations where parked order by 1"), "conversation"))
			in.wantConsistentInbox(t)
		}
		ann, bob, cid := in.account+"/ann", in.account+"/bob", in.account+"/cid"
		wantParked()
		in.patch(t, in.account, object{"status": "reconnect"})
		wantParked(ann, bob)
		in.ingest(t, 2, in.event("c", "cid", 3), in.event("d", "ann", 4))
		wantParked(ann, bob)
		in.wantClaim(t, 10)
		wantParked(ann, bob, cid)
		in.connect(t, in.userID)
		wantParked()
		in.wantClaim(t, 10, "a", "d", "b", "c")
	}},
	// The rows of a connection that is gone are in nobody's way.
	{"Gone", func(t *testing.T, in *inbox) {
		in.ingest(t, 1, in.event("a", "ann", 1))
		in.sql(t, "insert into public.instagram_conversations (connection_id, conversation) values (gen_random_uuid(), 'left')")
		in.wantClaim(t, 10, "a")
		wantEqual(t, "left", []object{}, in.sql(t, "select from public.instagram_conversations where conversation = 'left'"))

		// A worker may still have an event whose conversation a claim took away meanwhile.
		in.sql(t, "delete from public.instagram_conversations")
		in.finish(t, 0, in.id("a"))
		in.sql(t, "delete from public.instagram_events")
	}},
	{"SecretGone", func(t *testing.T, in *inbox) {
		in.ingest(t, 1, in.event("a", "ann", 1))
		name := "user_configs/" + in.userID + "/" + in.account
		for _, gone := range []string{name, name + "/page_token"} {
			in.sql(t, "delete from vault.secrets where name = $1", gone)
			in.wantClaim(t, 10)
			in.wantStatus(t, in.account, "reconnect", "We no longer hold a key for this account.")
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
	}},
	// One secret that Vault cannot open, of a project that was restored say, stops its own connection; the
	// events of others are handed out, and health counts it.
	{"Unopened", func(t *testing.T, in *inbox) {
		other := &inbox{project: in.project, userID: in.userID, account: newID()}
		other.upsert(t, row(in.userID, other.account, newToken()))
		name := "user_configs/" + in.userID + "/" + in.account
		for _, broken := range []string{name, name + "/page_token"} {
			a, b := unique("a"), unique("b")
			in.ingest(t, 2, in.event(a, "ann", 1), other.event(b, "ann", 1))
			in.breakSecret(t, broken)
			if rows := in.claim(t, 10); len(rows) != 1 || !strings.HasPrefix(rows[0].Conversation, other.account+"/") {
				t.Errorf("%s: claimed %+v", broken, rows)
			}
			in.wantStatus(t, in.account, "reconnect", "The saved token cannot be opened any more. Connect the account again.")
			wantEqual(t, "daily check", object{"retry": true, "checked_at": nil}, in.read(t, in.account, "retry, checked_at"))
			wantEqual(t, "unopened", []object{{"unopened": 1.0}}, in.sql(t, "select unopened from public.igconnect_backlog()"))
			in.connect(t, in.userID)
			in.finish(t, 2, in.id(a), other.id(b))
		}
	}},
	{"Finish", func(t *testing.T, in *inbox) {
		in.finish(t, 0)
		in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
		in.wantClaim(t, 2, "a", "b")
		in.finish(t, 1, in.id("a"), in.id("unknown"), in.id("a"))
		in.wantClaim(t, 10) // b is left: the lease holds
		in.finish(t, 1, in.ids("a", "b")...)
		in.wantClaim(t, 10, "c")
		in.finish(t, 0, in.ids("a", "b")...) // touches nobody's lease
		in.wantClaim(t, 10)
	}},
	// Finished after the lease has run out.
	{"FinishLate", func(t *testing.T, in *inbox) {
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
	}},
	{"Fail", func(t *testing.T, in *inbox) {
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
	}},
	// The first of several fails: those behind it are free with it, and were not tried.
	{"FailGivesBack", func(t *testing.T, in *inbox) {
		in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
		in.wantClaim(t, 10, "a", "b", "c")
		in.fail(t, 1, in.id("a"))
		in.fail(t, 0, in.id("b"))
		in.finish(t, 1, in.id("c")) // done is done
		in.wantClaim(t, 10)
		in.pass(t, "20 seconds")
		wantAttempts(t, in.wantClaim(t, 10, "a", "b"), 1, 0)
		in.fail(t, 2, in.ids("a", "b")...)
	}},
	// One stays claimed in front of the one that failed.
	{"FailMiddle", func(t *testing.T, in *inbox) {
		in.ingest(t, 3, in.event("a", "ann", 1), in.event("b", "ann", 2), in.event("c", "ann", 3))
		in.wantClaim(t, 2, "a", "b")
		in.fail(t, 1, in.id("b"))
		in.pass(t, "1 minute")
		in.wantClaim(t, 10) // a is still somebody's
		in.pass(t, "9 minutes")
		in.wantClaim(t, 1, "a")
		in.finish(t, 1, in.id("a"))
		in.wantClaim(t, 10, "b", "c")
	}},
	{"Dead", func(t *testing.T, in *inbox) {
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
	}},
	{"Reason", func(t *testing.T, in *inbox) {
		in.ingest(t, 1, in.event("a", "ann", 1))
		for _, c := range []struct{ reason, want any }{{strings.Repeat("é", 5000), strings.Repeat("é", 1000)}, {nil, nil}} {
			in.wantClaim(t, 1, "a")
			in.wantCount(t, 1, "fail_instagram_events", object{"ids": in.ids("a"), "reason": c.reason})
			wantEqual(t, "reason", object{"last_error": c.want}, in.readEvent(t, "a", "last_error"))
			in.pass(t, "1 hour")
		}
	}},
	// An event comes that belongs in front of one that waits for its next try.
	{"Earlier", func(t *testing.T, in *inbox) {
		in.ingest(t, 1, in.event("b", "ann", 5))
		in.wantClaim(t, 1, "b")
		in.fail(t, 1, in.id("b"))
		in.ingest(t, 2, in.event("a", "ann", 1), in.event("c", "ann", 9))
		in.wantClaim(t, 10, "a")
		in.finish(t, 1, in.id("a"))
		in.wantClaim(t, 10)
		in.pass(t, "20 seconds")
		in.wantClaim(t, 10, "b", "c")
	}},
}
