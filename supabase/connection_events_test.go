package supabase_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// told returns what the inbox tells of an account, in its order: change, status and reason.
func (p *project) told(t *testing.T, id string) []string {
	t.Helper()
	return texts(p.sql(t, `
		select concat_ws(' ', payload ->> 'change', payload ->> 'status', payload ->> 'reason') as told
		from public.instagram_events where kind = 'connection' and instagram_id = $1 order by occurred_at, place`, id), "told")
}

// TestConnectionEventsWritten holds that each way in which connections come, change and go is told once.
func TestConnectionEventsWritten(t *testing.T) {
	onBothDatabases(t, newRenewal, connectionEventCases)
}

// connectionEventCases are of an account that is connected as the first of each case.
var connectionEventCases = func() (cases []testCase[*renewal]) {
	const broken = "You changed your Facebook password."
	for _, c := range []struct {
		name string
		run  func(*testing.T, *renewal, string)
		want []string // after "connected active"
	}{
		{"nothing", func(*testing.T, *renewal, string) {}, nil},
		{"the recipe's upsert again", func(t *testing.T, r *renewal, id string) { r.upsert(t, row(r.user.ID, id, newToken())) }, nil},
		{"a login again", func(t *testing.T, r *renewal, id string) { r.save(t, id, object{"status": "active"}) }, nil},
		{"its subscription", func(t *testing.T, r *renewal, id string) {
			r.patch(t, id, object{"subscribed_fields": []string{"messages"}, "subscription_error": "left out"})
		}, nil},
		{"a name", func(t *testing.T, r *renewal, id string) { r.patch(t, id, object{"username": "another"}) }, nil},
		{"another reason", func(t *testing.T, r *renewal, id string) {
			r.patch(t, id, object{"status": "reconnect", "status_reason": broken})
			r.patch(t, id, object{"status_reason": "Another."})
		}, []string{"attention reconnect " + broken}},
		{"worse and worse", func(t *testing.T, r *renewal, id string) {
			r.patch(t, id, object{"status": "expiring", "status_reason": "Soon."})
			r.patch(t, id, object{"status": "reconnect", "status_reason": broken})
		}, []string{"attention expiring Soon.", "attention reconnect " + broken}},
		{"a new token by the recipe's upsert", func(t *testing.T, r *renewal, id string) {
			r.patch(t, id, object{"status": "reconnect", "status_reason": broken})
			r.upsert(t, row(r.user.ID, id, newToken()))
		}, []string{"attention reconnect " + broken, "healthy active"}},
		{"a login that mends it", func(t *testing.T, r *renewal, id string) {
			r.patch(t, id, object{"status": "reconnect", "status_reason": broken})
			r.save(t, id, object{"status": "active"})
		}, []string{"attention reconnect " + broken, "healthy active"}},
		{"a login that finds something missing", func(t *testing.T, r *renewal, id string) {
			r.save(t, id, object{"status": "reconnect", "status_reason": "No role.", "retry": true})
		}, []string{"attention reconnect No role."}},
		{"the daily check", func(t *testing.T, r *renewal, id string) {
			for _, result := range []object{
				{"checked": true, "token": newToken()}, {"failed": true}, {"checked": true, "status": "reconnect", "status_reason": broken, "retry": true},
				{"checked": true, "status": "reconnect", "status_reason": "Else."}, {"checked": true, "status": "active", "status_reason": nil},
			} {
				r.sql(t, "update public.user_configs set checked_at = null, leased_until = null, retry = true")
				r.settle(t, 1, r.wantClaim(t, 1, id)[0].result(result))
			}
		}, []string{"attention reconnect " + broken, "healthy active"}},
		{"a token that the daily check can't open", func(t *testing.T, r *renewal, id string) {
			r.breakSecret(t, "user_configs/"+r.user.ID+"/"+id)
			r.wantClaim(t, 1)
		}, []string{"attention reconnect The saved token cannot be opened any more. Connect the account again."}},
		{"a token that a worker's claim can't open", func(t *testing.T, r *renewal, id string) {
			r.fill(t, id, 2)
			r.breakSecret(t, "user_configs/"+r.user.ID+"/"+id)
			r.sql(t, "select public.claim_instagram_events(10, '1 second')")
		}, []string{"attention reconnect The saved token cannot be opened any more. Connect the account again."}},
		{"another user, through another Page", func(t *testing.T, r *renewal, id string) {
			r.connectThrough(t, r.newUser(t).ID, id, "another", time.Now().Add(time.Minute))
		}, []string{"attention reconnect This Instagram account is linked to another Facebook Page now.", "connected active"}},
		{"another user, through the same Page", func(t *testing.T, r *renewal, id string) {
			r.connectThrough(t, r.newUser(t).ID, id, "page-"+id, time.Now())
		}, []string{"connected active"}},
		{"the app removed", func(t *testing.T, r *renewal, id string) {
			for range 2 {
				r.sql(t, "select public.deauthorize_facebook_user($1, 'Removed.')", r.facebook)
			}
		}, []string{"attention reconnect Removed."}},
		{"disconnect", func(t *testing.T, r *renewal, id string) { r.disconnect(t, id) }, []string{"disconnected"}},
		{"disconnect what had stopped", func(t *testing.T, r *renewal, id string) {
			r.patch(t, id, object{"status": "reconnect", "status_reason": broken})
			r.disconnect(t, id)
		}, []string{"attention reconnect " + broken, "disconnected"}},
		{"connect once more", func(t *testing.T, r *renewal, id string) {
			r.disconnect(t, id)
			r.upsert(t, row(r.user.ID, id, newToken()))
		}, []string{"disconnected", "connected active"}},
		{"in one transaction", func(t *testing.T, r *renewal, id string) {
			r.sql(t, fmt.Sprintf(`delete from public.user_configs;
				insert into public.user_configs (user_id, instagram_id, token) values ('%s', '%s', 'token')`, r.user.ID, id))
		}, []string{"disconnected", "connected active"}},
		{"a transaction that comes to nothing", func(t *testing.T, r *renewal, id string) {
			if err := r.as(t, "service_role", "delete from public.user_configs; raise exception 'no'"); err == nil {
				t.Error("no error")
			}
		}, nil},
		{"truncate", func(t *testing.T, r *renewal, _ string) { r.sql(t, "truncate public.user_configs") }, []string{"disconnected"}},
	} {
		cases = append(cases, testCase[*renewal]{c.name, func(t *testing.T, r *renewal) {
			id := r.connect(t, 60)
			c.run(t, r, id)
			wantEqual(t, "told", append([]string{"connected active"}, c.want...), r.told(t, id))
		}})
	}
	return append(cases, connectionEventRemovals...)
}()

// save saves a connection as a login does.
func (r *renewal) save(t *testing.T, id string, more object) {
	t.Helper()
	var others []object
	r.mustCall(t, "save_connections", object{"connections": []object{
		with(r.connection(id, 60), with(object{"retry": false, "connected_at": time.Now()}, more))}}, &others)
}

// connectionEventRemovals are the removals that leave less than all.
var connectionEventRemovals = []testCase[*renewal]{
	{"a new row that does not work", func(t *testing.T, r *renewal) {
		id := newID()
		r.save(t, id, object{"status": "reconnect", "status_reason": "No role.", "retry": true})
		wantEqual(t, "told", []string{"connected reconnect No role."}, r.told(t, id))
	}},
	{"several at once", func(t *testing.T, r *renewal) {
		var rows []object
		for n := range 5 {
			rows = append(rows, r.connection(fmt.Sprint("several", n), 60))
		}
		r.upsert(t, rows)
		r.sql(t, "update public.user_configs set status = 'expiring' where instagram_id <> 'several0'")
		r.sql(t, "delete from public.user_configs where instagram_id <> 'several1'")
		for n, want := range []string{"connected disconnected", "connected attention", "connected attention disconnected"} {
			var got []string
			for _, told := range r.told(t, fmt.Sprint("several", n)) {
				change, _, _ := strings.Cut(told, " ")
				got = append(got, change)
			}
			wantEqual(t, fmt.Sprint(n), want, strings.Join(got, " "))
		}
	}},
	// Of an erased account nothing is left but whose it was, however much there was: finished, open, with
	// a worker, and of an earlier connection.
	{"erased", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		in := &inbox{project: r.project, account: id}
		in.finish(t, 1, idsOf(in.changes(t, 10, "connected"))...)
		r.patch(t, id, object{"status": "expiring", "status_reason": "@somebody"})
		in.changes(t, 10, "attention")
		r.patch(t, id, object{"status": "reconnect", "status_reason": "The Page Somebody"})
		stays := r.newUser(t).ID
		r.upsert(t, row(stays, id, newToken())) // another user's, whom nobody erases

		record := r.erase(t, uuid.NewString())
		if record.FinishedAt == nil {
			t.Error("the erasure waits for a worker")
		}
		wantEqual(t, "left", []object{{"user_id": r.user.ID, "instagram_id": id, "conversation": id + "/connection", "payload": object{
			"change": "erased", "status": nil, "reason": nil, "instagram_id": id}}},
			r.sql(t, "select user_id, instagram_id, conversation, payload from public.instagram_events where user_id = $1", r.user.ID))
		r.wantInNoRow(t, "@somebody", "The Page Somebody")
		r.wantConsistentInbox(t)
		rows := in.changes(t, 10, "connected", "erased")
		in.finish(t, 2, idsOf(rows)...)
		wantEqual(t, "after it was finished", []string{"connected active"}, r.told(t, id))
	}},
	// What the daily check finds to be of a person who asked for deletion is erased, not disconnected.
	{"erased with the daily check", func(t *testing.T, r *renewal) {
		id := newID()
		r.upsert(t, row(r.user.ID, id, newToken()))
		r.erase(t, uuid.NewString())
		r.settle(t, 1, r.wantClaim(t, 1, id)[0].result(object{"checked": true, "facebook_user_id": r.facebook}))
		wantEqual(t, "told", []string{"erased"}, r.told(t, id))
	}},
	{"a user deleted", func(t *testing.T, r *renewal) {
		gone := &renewal{r.project, r.newUser(t), r.facebook}
		first, second, mine := gone.connect(t, 60), gone.connect(t, 60), r.connect(t, 60)
		in := &inbox{project: r.project}
		in.finish(t, 1, in.changes(t, 1, "connected")[0].ID)
		r.sql(t, "delete from auth.users where id = $1", gone.user.ID)
		for id, want := range map[string][]string{first: {}, second: {}, mine: {"connected active"}} {
			wantEqual(t, id, want, r.told(t, id))
		}
	}},
	{"a user of another system", func(t *testing.T, r *renewal) {
		for _, user := range []string{"user_2abc", uuid.NewString()} {
			id := newID()
			r.upsert(t, row(user, id, newToken()))
			r.disconnect(t, id)
			wantEqual(t, user, []string{"connected active", "disconnected"}, r.told(t, id))
		}
	}},
	{"old ones", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		r.disconnect(t, id)
		r.wantCount(t, 0, "delete_old_instagram_events", object{"p_keep": "0"})
		r.sql(t, "update public.instagram_events set received_at = now() - interval '31 days'")
		r.wantCount(t, 2, "delete_old_instagram_events", object{})
	}},
}

// changes claims, checks which changes come, in this order, and returns them.
func (in *inbox) changes(t *testing.T, limit int, want ...string) (rows []claimed) {
	t.Helper()
	in.mustCall(t, "claim_instagram_events", object{"p_limit": limit, "p_lease": "10 minutes"}, &rows)
	wantEach(t, rows, want, func(row claimed) string {
		change, _ := row.Payload.(object)["change"].(string)
		return change
	})
	return rows
}

// TestConnectionEventsClaimed holds how workers get them, and who else reads them.
func TestConnectionEventsClaimed(t *testing.T) {
	onBothDatabases(t, func(t *testing.T, p *project) *inbox {
		in := newInbox(t, p)
		in.disconnect(t, in.account)
		in.sql(t, "delete from public.instagram_events")
		in.sql(t, "delete from public.instagram_conversations")
		in.connect(t, in.userID)
		return in
	}, connectionClaimCases)
}

var connectionClaimCases = []testCase[*inbox]{
	{"Row", func(t *testing.T, in *inbox) {
		var rows []object
		in.mustCall(t, "claim_instagram_events", object{"p_limit": 10, "p_lease": "10 minutes"}, &rows)
		wantEqual(t, "claimed", []object{{
			"id": rows[0]["id"], "user_id": in.userID, "instagram_id": in.account,
			"conversation": in.account + "/connection", "kind": "connection", "attempts": 0.0,
			"payload": object{"change": "connected", "status": "active", "reason": nil, "instagram_id": in.account},
			"token":   in.token, "page_id": in.page, "page_token": in.token + "page",
			"occurred_at": rows[0]["occurred_at"], "received_at": rows[0]["received_at"],
		}}, rows)
	}},
	// Whatever the status, and with those tokens that there are.
	{"WithoutTokens", func(t *testing.T, in *inbox) {
		tokens := func(change string) object {
			t.Helper()
			var rows []object
			in.mustCall(t, "claim_instagram_events", object{"p_limit": 1, "p_lease": "10 minutes"}, &rows)
			if len(rows) != 1 || rows[0]["payload"].(object)["change"] != change {
				t.Fatalf("claimed %v, want %s", rows, change)
			}
			in.finish(t, 1, rows[0]["id"].(string))
			return object{"token": rows[0]["token"], "page_id": rows[0]["page_id"], "page_token": rows[0]["page_token"]}
		}
		all := object{"token": in.token, "page_id": in.page, "page_token": in.token + "page"}
		in.ingest(t, 1, in.event("waits", "ann", 1))
		in.patch(t, in.account, object{"status": "reconnect", "status_reason": "A reason."})
		wantEqual(t, "connected", all, tokens("connected"))
		in.breakSecret(t, "user_configs/"+in.userID+"/"+in.account)
		wantEqual(t, "attention", with(all, object{"token": nil}), tokens("attention"))
		in.changes(t, 10) // the message waits for its person
		in.wantStatus(t, in.account, "reconnect", "A reason.")
		in.disconnect(t, in.account)
		wantEqual(t, "disconnected", object{"token": nil, "page_id": nil, "page_token": nil}, tokens("disconnected"))
	}},
	{"Order", func(t *testing.T, in *inbox) {
		in.patch(t, in.account, object{"status": "expiring"})
		in.patch(t, in.account, object{"status": "active"})
		in.disconnect(t, in.account)
		in.connect(t, in.userID)
		in.changes(t, 10, "connected", "attention", "healthy", "disconnected", "connected")
	}},
	// What is told of a new connection waits for what was told of the one before.
	{"OrderAcrossConnections", func(t *testing.T, in *inbox) {
		first := in.changes(t, 10, "connected")
		in.disconnect(t, in.account)
		in.connect(t, in.userID)
		in.changes(t, 10)
		in.finish(t, 1, idsOf(first)...)
		second := in.changes(t, 1, "disconnected")
		in.patch(t, in.account, object{"status": "reconnect"})
		in.changes(t, 10)
		in.fail(t, 1, idsOf(second)...)
		in.changes(t, 10)
		in.pass(t, "20 seconds")
		wantAttempts(t, in.changes(t, 10, "disconnected", "connected", "attention"), 1, 0, 0)
	}},
	// Those of a claim that came behind the one that failed come again, and were not tried.
	{"FailGivesBack", func(t *testing.T, in *inbox) {
		in.patch(t, in.account, object{"status": "reconnect"})
		rows := in.changes(t, 10, "connected", "attention")
		in.fail(t, 1, rows[0].ID)
		in.changes(t, 10)
		in.pass(t, "20 seconds")
		wantAttempts(t, in.changes(t, 10, "connected", "attention"), 1, 0)
	}},
	{"LeaseRunsOut", func(t *testing.T, in *inbox) {
		in.changes(t, 10, "connected")
		in.patch(t, in.account, object{"status": "reconnect"})
		in.pass(t, "10 minutes")
		wantAttempts(t, in.changes(t, 10, "connected", "attention"), 1, 0)
	}},
	// One user's waits for no other's of the same account, nor for its messages; these not for it.
	{"Apart", func(t *testing.T, in *inbox) {
		in.changes(t, 10, "connected")
		in.connect(t, in.newUser(t).ID)
		in.changes(t, 10, "connected")
		in.disconnect(t, in.account, in.userID)
		in.ingest(t, 1, in.event("message", "connection", 1))
		if rows := in.changes(t, 10, ""); rows[0].Kind != "message" || rows[0].Conversation != in.account+"/connection" {
			t.Errorf("claimed %+v", rows)
		}
	}},
	// A worker that finishes what it was not handed is taken at its word.
	{"FinishUnclaimed", func(t *testing.T, in *inbox) {
		in.patch(t, in.account, object{"status": "reconnect"})
		rows := in.sql(t, "select id from public.instagram_events where kind = 'connection' order by occurred_at")
		in.finish(t, 1, rows[0]["id"].(string))
		in.changes(t, 10, "attention")
	}},
	// What is finished goes with its connection, and what is not as it is finished.
	{"Finished", func(t *testing.T, in *inbox) {
		in.finish(t, 1, idsOf(in.changes(t, 10, "connected"))...)
		in.patch(t, in.account, object{"status": "reconnect"})
		wantEqual(t, "told", []string{"connected active", "attention reconnect"}, in.told(t, in.account))
		in.disconnect(t, in.account)
		wantEqual(t, "told", []string{"attention reconnect", "disconnected"}, in.told(t, in.account))
		in.finish(t, 2, idsOf(in.changes(t, 10, "attention", "disconnected"))...)
		wantEqual(t, "told", []string{}, in.told(t, in.account))
	}},
	// A deployment without a worker is not ill for it.
	{"Health", func(t *testing.T, in *inbox) {
		in.pass(t, "30 days")
		wantEqual(t, "waiting", object{"since": nil}, in.onlyRow(t, "select waiting_since as since from public.igconnect_backlog()"))
	}},
	// People read what is told of their own, also of what has stopped or is gone.
	{"Read", func(t *testing.T, in *inbox) {
		other := in.newUser(t).ID
		in.patch(t, in.account, object{"status": "reconnect", "status_reason": "First."})
		in.patch(t, in.account, object{"status": "expiring"})
		in.patch(t, in.account, object{"status": "reconnect", "status_reason": "Second."})
		in.disconnect(t, in.account)
		const read = "select payload ->> 'change' as change from public.instagram_events order by occurred_at"
		wantEqual(t, "own", []string{"connected", "attention", "attention", "attention", "disconnected"},
			texts(in.asUser(t, in.userID, read), "change"))
		wantEqual(t, "another's", []object{}, in.asUser(t, other, read))
	}},
}

// TestConnectionEventsAtOnce changes the connections of a few accounts in many sessions, while workers come.
// What is told of each account follows from what was told before: nothing is lost, doubled or out of order.
func TestConnectionEventsAtOnce(t *testing.T) {
	r := newRenewal(t, onPostgres(t))
	follows := map[string]string{ // each change, and those that it may follow
		"connected": " disconnected", "attention": "connected attention healthy", "healthy": "attention",
		"disconnected": "connected attention healthy",
	}
	accounts := []string{newID(), newID(), newID()}
	until := time.Now().Add(3 * time.Second)
	var mu sync.Mutex
	last, handled := map[string]string{}, 0

	change := func(ctx context.Context, conn *pgx.Conn) error {
		id := accounts[rand.IntN(len(accounts))]
		switch rand.IntN(4) {
		case 0:
			return execute(ctx, conn, "delete from public.user_configs where instagram_id = $1", id)
		case 1:
			return execute(ctx, conn, upsertToken, r.user.ID, id, newToken())
		}
		return execute(ctx, conn, "update public.user_configs set status = $2 where instagram_id = $1", id,
			[]string{"active", "expiring", "reconnect"}[rand.IntN(3)])
	}
	work := func(ctx context.Context, conn *pgx.Conn) error {
		var events []struct {
			ID, Conversation string
			Payload          struct{ Change string }
		}
		if err := conn.QueryRow(ctx, "select public.claim_instagram_events(5, '1 minute')").Scan(&events); err != nil {
			return err
		}
		ids := []string{}
		mu.Lock()
		for _, event := range events {
			before, now := last[event.Conversation], event.Payload.Change
			if before == "" && now != "connected" || !strings.Contains(follows[now], before) {
				t.Errorf("%s: %q after %q", event.Conversation, now, before)
			}
			last[event.Conversation] = now
			ids = append(ids, event.ID)
			handled++
		}
		mu.Unlock()
		return execute(ctx, conn, "select public.finish_instagram_events($1)", ids)
	}
	var wg sync.WaitGroup
	for n := range 12 {
		act, conn := change, r.session(t)
		if n%3 == 0 {
			act = work
		}
		wg.Go(func() {
			for time.Now().Before(until) && !t.Failed() {
				if err := act(t.Context(), conn); err != nil && !gaveUp(err) {
					t.Error(err, detail(err))
				}
			}
		})
	}
	wg.Wait()
	for conn := r.session(t); ; {
		before := handled
		if err := work(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		if handled == before {
			break
		}
	}
	r.wantConsistentInbox(t)
	for _, id := range accounts {
		there := len(r.sql(t, "select from public.user_configs where instagram_id = $1", id)) > 0
		if told := last[id+"/connection"]; there != (told != "" && told != "disconnected") {
			t.Errorf("%s: the last that was told is %q, and it is there: %t", id, told, there)
		}
	}
	if handled < 100 {
		t.Errorf("only %d changes were told", handled)
	}
}
