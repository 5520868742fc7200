package supabase_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"igconnect/internal/supalite/supalitetest"
)

// Calls overlap here in sessions of their own: those that go through Supabase Lite don't enough.

// queryer is a session or a transaction in it.
type queryer interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

// claimDue claims connections in a session.
func claimDue(ctx context.Context, on queryer, limit int, lease string) ([]due, error) {
	rows, err := on.Query(ctx, `select lease_id::text, user_id, instagram_id, coalesce(token, ''), token_version
		from public.claim_due_connections($1, $2::text::interval)`, limit, lease)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
		return d, row.Scan(&d.LeaseID, &d.UserID, &d.InstagramID, &d.Token, &d.TokenVersion)
	})
}

// count calls a function that counts, with a JSON array, in a session.
func count(ctx context.Context, on queryer, function string, array []object) (n int, err error) {
	err = on.QueryRow(ctx, "select public."+function+"($1::jsonb)", append([]object{}, array...)).Scan(&n)
	return n, err
}

// upsertToken is the recipe's upsert, in SQL.
const upsertToken = `insert into public.user_configs (user_id, instagram_id, token) values ($1, $2, $3)
	on conflict (user_id, instagram_id) do update set token = excluded.token`

// execute runs a statement in a session.
func execute(ctx context.Context, conn *pgx.Conn, statement string, args ...any) error {
	_, err := conn.Exec(ctx, statement, args...)
	return err
}

// during runs call while a transaction that has run a statement is still open, and commits when call
// waits for it. Nothing may fail.
func (p *project) during(t *testing.T, statement string, args []any, call func(context.Context) error) {
	t.Helper()
	tx, err := p.session(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- call(t.Context()) }()
	deadline := time.Now().Add(10 * time.Second)
	for len(p.sql(t, "select from pg_locks where not granted")) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for a lock")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := errors.Join(tx.Commit(t.Context()), <-done); err != nil {
		t.Fatal(err)
	}
}

// TestConcurrentWriters lets 16 clients upsert and delete the same three accounts: nobody may fail, and
// at the end each row has its secret and each secret its row.
func TestConcurrentWriters(t *testing.T) {
	p := empty(t, onPostgres(t))
	const clients, rounds = 16, 25
	u := p.newUser(t).ID
	ids := []string{newID(), newID(), newID()}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range rounds {
				id := ids[rand.IntN(len(ids))]
				method, path, body := "POST", upserts, any(row(u, id, newToken()))
				if rand.IntN(3) == 0 {
					method, path, body = "DELETE", one(id), nil
				}
				status, out, err := p.send(t.Context(), p.service(), method, path, body)
				if err != nil || status >= 300 {
					t.Errorf("%s: status %d, %v: %s", method, status, err, out)
				}
			}
		})
	}
	wg.Wait()
	p.wantSealed(t)
	wantEqual(t, "rows without a secret", []object{}, p.sql(t, "select instagram_id from public.user_configs where token_secret_id is null"))
}

// TestConcurrentRoles sends requests of three roles at once: none may be answered under another's.
func TestConcurrentRoles(t *testing.T) {
	p := &project{Server: supalitetest.Shared(t)}
	u := p.newUser(t)
	p.upsert(t, row(u.ID, newID(), newToken()))
	var wg sync.WaitGroup
	for range 20 {
		for _, c := range []struct {
			who  caller
			path string
			want int
		}{
			{p.service(), "user_configs?select=*", 200},
			{p.user(u), "user_configs?select=instagram_id", 200},
			{p.user(u), "user_configs?select=*", 403},
			{p.anon(), "user_configs?select=instagram_id", 401},
		} {
			wg.Go(func() {
				status, out, err := p.send(t.Context(), c.who, "GET", c.path, nil)
				if err != nil || status != c.want {
					t.Errorf("%s: status %d, want %d: %v %s", c.path, status, c.want, err, out)
				}
			})
		}
	}
	wg.Wait()
}

// TestOnePageAtOnce lets two users connect one account through two Pages at once: they wait for each
// other, and the later one has it.
func TestOnePageAtOnce(t *testing.T) {
	p := empty(t, onPostgres(t))
	users := []string{p.newUser(t).ID, p.newUser(t).ID}
	for range 20 {
		id, now := newID(), time.Now()
		var both sync.WaitGroup
		for page, user := range users {
			at := now.Add(time.Duration(page) * time.Millisecond)
			connection := with(row(user, id, newToken()), object{"page_id": fmt.Sprint(page), "connected_at": at})
			both.Go(func() {
				if status, out, err := p.send(t.Context(), p.service(), "POST", upserts, connection); err != nil || status > 201 {
					t.Errorf("%d %s %v", status, out, err)
				}
			})
		}
		both.Wait()
		rows := p.sql(t, "select page_id from public.user_configs where instagram_id = $1 and status = 'active' order by connected_at desc", id)
		if len(rows) == 0 || rows[0]["page_id"] != "1" {
			t.Fatalf("active: %v", rows)
		}
	}
}

// TestIngestWhileFinishing finishes the last event of a conversation while the next is being stored:
// whichever comes first, the conversation must not be taken for empty.
func TestIngestWhileFinishing(t *testing.T) {
	in := newInbox(t, onPostgres(t))
	in.ingest(t, 1, in.event("a", "ann", 1))
	in.wantClaim(t, 1, "a")
	in.during(t, "select public.ingest_instagram_events($1::jsonb)", []any{[]object{in.event("b", "ann", 2)}},
		func(ctx context.Context) error {
			var n int
			return in.call(ctx, "finish_instagram_events", object{"ids": in.ids("a")}, &n)
		})
	in.wantConsistentInbox(t)
	in.wantClaim(t, 1, "b")
}

// TestPersonFirst settles while the person's own upsert is being written: the settlement waits, and
// then loses.
func TestPersonFirst(t *testing.T) {
	r := newRenewal(t, onPostgres(t))
	id := r.connect(t, 60)
	d := r.wantClaim(t, 1, id)[0]
	settler := r.session(t)
	r.during(t, upsertToken, []any{r.user.ID, id, "the person's"}, func(ctx context.Context) error {
		late := d.result(object{"token": "renewed", "status": "reconnect", "checked": true, "destroy": true})
		n, err := count(ctx, settler, "settle_connections", []object{late})
		if n != 0 {
			err = fmt.Errorf("settled %d", n)
		}
		return err
	})
	r.wantTokens(t, id, "the person's", d.PageToken)
	r.wantStatus(t, id, "active", nil)
}

// TestClaimDuringUpsert claims while an upsert is between its two writes, the secret and the row: the
// claim gets the token that belongs to the version, or nothing.
func TestClaimDuringUpsert(t *testing.T) {
	r := newRenewal(t, onPostgres(t))
	id := r.connect(t, 60)
	writer, claimer := r.session(t), r.session(t)
	until := time.Now().Add(2 * time.Second)
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 2; err == nil && time.Now().Before(until); i++ {
			err = execute(t.Context(), writer, upsertToken, r.user.ID, id, fmt.Sprint("version ", i))
		}
		done <- err
	}()
	for time.Now().Before(until) && !t.Failed() {
		rows, err := claimDue(t.Context(), claimer, 1, "1 second")
		if err != nil {
			t.Error(err)
		}
		for _, row := range rows {
			if want := fmt.Sprint("version ", row.TokenVersion); row.TokenVersion > 1 && row.Token != want {
				t.Errorf("the token %q came as %q", row.Token, want)
			}
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRenewalRuns has 8 runs at once over 1,000 connections, and four that are killed: two before their
// claim is committed and two after. Nobody gets what another one holds, and all are settled once.
func TestRenewalRuns(t *testing.T) {
	r := newRenewal(t, onPostgres(t))
	const total, runs, each = 1000, 8, 30
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // who does not skip what is locked waits for ever
	defer cancel()
	r.sql(t, `insert into public.user_configs (user_id, instagram_id, token, token_expires_at)
		select $1, '1784' || i, 'token' || i, now() + i * interval '1 minute' from generate_series(1, 1000) i`, r.user.ID)

	for i := range 4 {
		conn := r.session(t)
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := claimDue(ctx, tx, each, "3 seconds"); err != nil || len(rows) != each {
			t.Fatalf("claimed %d: %v", len(rows), err)
		}
		if i < 2 {
			continue // is killed with its session, below
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		conn.Close(t.Context())
	}

	var mu sync.Mutex
	claims := map[string]int{}
	// run claims and settles until there is nothing left and enough was claimed by all.
	run := func(on queryer, enough int) error {
		for {
			rows, err := claimDue(ctx, on, 1+rand.IntN(40), "10 minutes")
			if err != nil {
				return err
			}
			results := []object{}
			mu.Lock()
			for _, row := range rows {
				if claims[row.InstagramID]++; claims[row.InstagramID] > 1 || row.Token != "token"+row.InstagramID[4:] {
					t.Errorf("%s was claimed %d times, with %q", row.InstagramID, claims[row.InstagramID], row.Token)
				}
				results = append(results, row.result(object{"checked": true}))
			}
			done := len(rows) == 0 && len(claims) >= enough
			mu.Unlock()
			if n, err := count(ctx, on, "settle_connections", results); err != nil || n != len(rows) {
				return fmt.Errorf("settled %d of %d: %w", n, len(rows), err)
			}
			if done {
				return nil
			}
		}
	}
	var wg sync.WaitGroup
	for range runs {
		conn := r.session(t)
		wg.Go(func() {
			if err := run(conn, total-4*each); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r.sql(t, "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'")
	if err := run(r.session(t), total); err != nil { // what the killed held comes back
		t.Error(err)
	}
	r.wantCount(t, 0, "count_due_connections", object{})
}

// TestOverlappingDeliveries delivers the same events several times at once, each time in another order.
func TestOverlappingDeliveries(t *testing.T) {
	in := newInbox(t, onPostgres(t))
	const sessions, rounds, size = 8, 5, 400
	var added atomic.Int64
	var wg sync.WaitGroup
	for range sessions {
		conn := in.session(t)
		wg.Go(func() {
			for round := range rounds {
				events := make([]object, size)
				for i, n := range rand.Perm(size) {
					events[i] = in.event(fmt.Sprintf("%d-%d", round, n), fmt.Sprint(n%100), 0)
				}
				n, err := count(t.Context(), conn, "ingest_instagram_events", events)
				if err != nil {
					t.Error(err)
				}
				added.Add(int64(n))
			}
		})
	}
	wg.Wait()
	if n := added.Load(); n != rounds*size {
		t.Errorf("%d events were new, want %d", n, rounds*size)
	}
	in.wantConsistentInbox(t)
}

// everything is a set of accounts of one user in which everything happens at once, and an account of
// another user, who stays. The person's token is "p<n>", and each renewal adds a "+".
type everything struct {
	*renewal
	accounts []string
	settled  atomic.Int64
	lost     atomic.Int64 // results that came too late
	left     atomic.Int64 // users who were deleted, and of whom nothing was left

	steady    string       // the account that stays
	delivered atomic.Int64 // events to it
	finished  atomic.Int64 // of them

	mu     sync.Mutex
	tokens map[string]string // the person's last one of an account
}

var stressFor = flag.Duration("stress", 6*time.Second, "how long TestEverythingAtOnce goes on")

// TestEverythingAtOnce lets everything happen at once that takes locks: renewals that settle or are
// killed, people who connect and disconnect several accounts, users who are deleted while they connect or leave twice at once,
// Meta's callbacks, deliveries for any accounts, claims that are finished, failed or left, retention and
// removal, patches. Nobody may be answered with an error, such as a deadlock, except that calls that
// wait too long give up. At the end rows, secrets,
// events and conversations agree, no renewal has put back a token that came before the person's last, and
// of the events of an account that stays none is lost or was finished twice.
func TestEverythingAtOnce(t *testing.T) {
	e := &everything{renewal: newRenewal(t, onPostgres(t)), tokens: map[string]string{}}
	for i := range 12 {
		e.accounts = append(e.accounts, fmt.Sprint("account", i))
	}
	stays := &renewal{e.project, e.newUser(t), "9"}
	e.steady = stays.connect(t, 60)
	e.patch(t, e.steady, object{"checked_at": time.Now()}) // no renewal comes to it
	e.dropConnectionEvents(t)
	end := time.Now().Add(*stressFor)
	last := end.Add(-2 * time.Second) // of Meta's callbacks, so that people have connected again
	var wg sync.WaitGroup
	for _, actor := range []struct {
		times int
		until time.Time
		act   func(context.Context, *pgx.Conn) error
	}{
		{4, end, e.renew},
		{1, end, func(ctx context.Context, conn *pgx.Conn) error { return e.person(ctx, conn, e.accounts[:4]) }},
		{1, end, func(ctx context.Context, conn *pgx.Conn) error { return e.person(ctx, conn, e.accounts[4:8]) }},
		{1, end, func(ctx context.Context, conn *pgx.Conn) error { return e.person(ctx, conn, e.accounts[8:]) }},
		{1, end, func(ctx context.Context, conn *pgx.Conn) error { return e.deletedUser(t, ctx, conn) }},
		{1, end, func(ctx context.Context, conn *pgx.Conn) error { return e.leavingUser(t, ctx, conn) }},
		{1, last, e.meta},
		{4, end, e.deliver},
		{4, end, e.work},
		{1, end, func(ctx context.Context, conn *pgx.Conn) error {
			return errors.Join(execute(ctx, conn, "select public.delete_old_instagram_events('1 day')"),
				execute(ctx, conn, "select public.delete_removed_events()"))
		}},
		{1, end, e.rename},
	} {
		for range actor.times {
			conn := e.session(t)
			wg.Go(func() {
				for time.Now().Before(actor.until) && !t.Failed() {
					if err := actor.act(t.Context(), conn); err != nil && !gaveUp(err) {
						t.Error(err, detail(err))
					}
					time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
				}
			})
		}
	}
	wg.Wait()
	e.drain(t)

	e.wantSealed(t)
	e.wantConsistentInbox(t)
	connected := 0
	for id, last := range e.tokens {
		for _, row := range e.lookUp(t, id) {
			token, _ := row["token"].(string)
			if token == "" || row["user_id"] != e.user.ID {
				continue // the app was removed since
			}
			connected++
			if strings.TrimRight(token, "+") != last {
				t.Errorf("%s has the token %q, the person's last is %q", id, token, last)
			}
		}
	}
	if connected == 0 || e.settled.Load() == 0 || e.lost.Load() == 0 || e.finished.Load() == 0 || e.left.Load() == 0 {
		t.Errorf("%d tokens are left, %d results were written, %d lost, %d events finished, %d users left: the test needs some of each",
			connected, e.settled.Load(), e.lost.Load(), e.finished.Load(), e.left.Load())
	}
	counted := e.onlyRow(t, `select count(*)::int as stored, count(finished_at)::int as finished, count(dead_at)::int as dead
		from public.instagram_events where instagram_id = $1`, e.steady)
	wantEqual(t, "events of the account that stays", object{"stored": float64(e.delivered.Load()),
		"finished": float64(e.finished.Load()), "dead": float64(e.delivered.Load() - e.finished.Load())}, counted)
	wantEqual(t, "deadlocks", object{"n": 0.0},
		e.onlyRow(t, "select deadlocks::int as n from pg_stat_database where datname = current_database()"))
}

// drain finishes what is left of the account that stays.
func (e *everything) drain(t *testing.T) {
	t.Helper()
	const left = `from public.instagram_events where instagram_id = $1 and finished_at is null and dead_at is null`
	for range 100 {
		e.sql(t, "update public.instagram_events e set next_try_at = now() from (select id "+left+") l where e.id = l.id", e.steady)
		e.sql(t, `update public.instagram_conversations set due_at = now() + case when conversation like $1 then '0' else '1 hour' end::interval`,
			e.steady+"/%") // the others' backlog is large after a long run
		e.finished.Add(int64(e.onlyRow(t, `
			with claimed as materialized (
				select e ->> 'id' as id, e ->> 'instagram_id' as account
				from jsonb_array_elements(public.claim_instagram_events(1000, '1 minute')) e
			), others as materialized (
				select public.finish_instagram_events(array(select id from claimed where account <> $1))
			)
			select public.finish_instagram_events(array(select id from claimed where account = $1)) as n, (select count(*) from others)`,
			e.steady)["n"].(float64)))
		if len(e.sql(t, "select "+left, e.steady)) == 0 {
			return
		}
	}
	t.Fatal("events are handed out no more")
}

// gaveUp reports whether calls ended because they would have waited too long, which a busy machine may
// make of it. They come again.
func gaveUp(err error) bool {
	return strings.Count(err.Error(), "SQLSTATE") == strings.Count(err.Error(), "(SQLSTATE 55P03)")
}

// detail is what PostgreSQL says of an error besides its message: of a deadlock, who waits for whom.
func detail(err error) string {
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failure.Detail + "\n" + failure.Where
	}
	return ""
}

func (e *everything) account() string { return e.accounts[rand.IntN(len(e.accounts))] }

// renew is a run of the renewal, over accounts of which some are due again: it settles in any way.
func (e *everything) renew(ctx context.Context, conn *pgx.Conn) error {
	if err := execute(ctx, conn, "update public.user_configs set checked_at = null where user_id = $1 and instagram_id = $2", e.user.ID, e.account()); err != nil {
		return err
	}
	rows, err := claimDue(ctx, conn, 1+rand.IntN(8), "1 second")
	if err != nil || len(rows) == 0 {
		return err
	}
	time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	results := []object{}
	for _, i := range rand.Perm(len(rows)) {
		more := object{"checked": rand.IntN(3) > 0}
		switch n := rand.IntN(6); {
		case n < 3 && rows[i].Token != "":
			more["token"], more["page_token"] = rows[i].Token+"+", "page+"
		case n == 3:
			more["status"], more["status_reason"], more["destroy"] = "reconnect", "revoked", true
		case n == 4:
			continue // not settled
		}
		results = append(results, rows[i].result(more))
	}
	n, err := count(ctx, conn, "settle_connections", results)
	if err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	e.settled.Add(int64(n))
	e.lost.Add(int64(len(results) - n))
	if rand.IntN(2) == 0 {
		err = execute(ctx, conn, "select public.release_connections($1)", rows[0].LeaseID)
	}
	return err
}

// connectAll writes a user's connections to accounts, in any order.
func (e *everything) connectAll(ctx context.Context, conn *pgx.Conn, userID string, accounts []string, tokens map[string]string) error {
	rows := []object{}
	for _, i := range rand.Perm(len(accounts)) {
		rows = append(rows, with(row(userID, accounts[i], tokens[accounts[i]]),
			object{"page_token": "page", "facebook_user_id": e.facebook, "status": "active"}))
	}
	return execute(ctx, conn, `
		insert into public.user_configs as c (user_id, instagram_id, token, page_token, facebook_user_id, status)
		select r.user_id, r.instagram_id, r.token, r.page_token, r.facebook_user_id, r.status
		from jsonb_populate_recordset(null::public.user_configs, $1::jsonb) r
		on conflict (user_id, instagram_id) do update set token = excluded.token, page_token = excluded.page_token,
			facebook_user_id = excluded.facebook_user_id, status = excluded.status`, rows)
}

// person connects accounts or disconnects one. Nobody else connects these for the same user.
func (e *everything) person(ctx context.Context, conn *pgx.Conn, accounts []string) error {
	if rand.IntN(4) == 0 {
		return execute(ctx, conn, "delete from public.user_configs where instagram_id = $1", accounts[rand.IntN(len(accounts))])
	}
	tokens := map[string]string{}
	for _, id := range accounts {
		tokens[id] = unique("p")
	}
	e.mu.Lock()
	maps.Copy(e.tokens, tokens)
	e.mu.Unlock()
	return e.connectAll(ctx, conn, e.user.ID, accounts, tokens)
}

// deletedUser is somebody who signs up, connects all accounts, and is deleted while connecting them again.
func (e *everything) deletedUser(t *testing.T, ctx context.Context, conn *pgx.Conn) error {
	u, err := e.SignUp(ctx, unique("brief")+"@example.com", "correct horse battery")
	if err != nil {
		return err
	}
	tokens := map[string]string{}
	for _, id := range e.accounts {
		tokens[id] = unique("brief")
	}
	if err := e.connectAll(ctx, conn, u.ID, e.accounts, tokens); err != nil {
		return err
	}
	var again error
	var wg sync.WaitGroup
	second := e.session(t)
	defer second.Close(ctx)
	wg.Go(func() { again = e.connectAll(ctx, second, u.ID, e.accounts, tokens) })
	err = execute(ctx, conn, "delete from auth.users where id = $1", u.ID)
	wg.Wait()
	// Connected just after the deletion, the rows are of a user who is not in auth.users.
	return errors.Join(err, again, execute(ctx, conn, "delete from public.user_configs where user_id = $1", u.ID))
}

// leavingUser is a user of another system, who connects all accounts, and again while being deleted, twice at
// once. After another deletion nothing is left.
func (e *everything) leavingUser(t *testing.T, ctx context.Context, conn *pgx.Conn) error {
	user, tokens := unique("saml|leaving/"), map[string]string{}
	for _, id := range e.accounts {
		tokens[id] = user
	}
	if err := e.connectAll(ctx, conn, user, e.accounts, tokens); err != nil {
		return err
	}
	var wg sync.WaitGroup
	var errs [2]error
	for i, act := range []func(*pgx.Conn) error{
		func(conn *pgx.Conn) error { return e.connectAll(ctx, conn, user, e.accounts, tokens) },
		func(conn *pgx.Conn) error { return execute(ctx, conn, "select public.delete_user($1)", user) },
	} {
		other := e.session(t)
		wg.Go(func() {
			errs[i] = act(other)
			other.Close(ctx)
		})
	}
	err := execute(ctx, conn, "select public.delete_user($1)", user)
	wg.Wait()
	if err = errors.Join(err, errs[0], errs[1], execute(ctx, conn, "select public.delete_user($1)", user)); err != nil {
		return err
	}
	var left int
	err = conn.QueryRow(ctx, `select (select count(*) from public.user_configs where user_id = $1)
		+ (select count(*) from public.instagram_conversations where user_id = $1)
		+ (select count(*) from public.instagram_events where user_id = $1 and kind = 'connection')`, user).Scan(&left)
	if left > 0 {
		err = fmt.Errorf("%d rows are left of a user who was deleted", left)
	}
	e.left.Add(1)
	return err
}

// meta calls back now and then.
func (e *everything) meta(ctx context.Context, conn *pgx.Conn) error {
	defer time.Sleep(time.Duration(rand.IntN(600)) * time.Millisecond)
	if rand.IntN(2) == 0 {
		return execute(ctx, conn, "select public.erase_facebook_user($1, $2)", e.facebook, uuid.NewString())
	}
	return execute(ctx, conn, "select public.deauthorize_facebook_user($1, 'The app was removed.')", e.facebook)
}

// deliver sends events for any accounts, and some of them a second time.
func (e *everything) deliver(ctx context.Context, conn *pgx.Conn) error {
	var events, steady []object
	for range 30 {
		in := &inbox{account: e.account()}
		events = append(events, in.event(fmt.Sprint(rand.IntN(1000)), fmt.Sprint(rand.IntN(5)), rand.IntN(60)))
	}
	for range 5 {
		in := &inbox{account: e.steady}
		steady = append(steady, in.event(unique("steady"), fmt.Sprint(rand.IntN(20)), 0))
	}
	_, err := count(ctx, conn, "ingest_instagram_events", append(events, steady...))
	if err != nil {
		return err
	}
	e.delivered.Add(int64(len(steady)))
	n, err := count(ctx, conn, "ingest_instagram_events", steady)
	if n > 0 {
		err = fmt.Errorf("%d events were stored twice", n)
	}
	return err
}

// work claims events, and finishes, fails or leaves each.
func (e *everything) work(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, "select e ->> 'id', e ->> 'instagram_id' from jsonb_array_elements(public.claim_instagram_events(20, '1 second')) e")
	if err != nil {
		return err
	}
	var left, failed, done, steady []string
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (_ struct{}, err error) {
		var id, account string
		err = row.Scan(&id, &account)
		into := []*[]string{&left, &failed, &done, &done, &done, &done, &done, &done}[rand.IntN(8)]
		if into == &done && account == e.steady {
			into = &steady
		}
		*into = append(*into, id)
		return struct{}{}, err
	})
	if err != nil {
		return err
	}
	var n int64
	err = errors.Join(execute(ctx, conn, "select public.fail_instagram_events($1, 'bad luck')", failed),
		execute(ctx, conn, "select public.finish_instagram_events($1)", done),
		conn.QueryRow(ctx, "select public.finish_instagram_events($1)", steady).Scan(&n))
	e.finished.Add(n)
	return err
}

// rename is the app, which writes columns of its own choice, of one row at a time.
func (e *everything) rename(ctx context.Context, conn *pgx.Conn) error {
	return execute(ctx, conn, "update public.user_configs set name = $3 where user_id = $1 and instagram_id = $2",
		e.user.ID, e.account(), unique("name"))
}

// TestInboxLoad has 8 senders, a fifth of the deliveries sent twice at once, 16 workers and two that are
// killed with what they claimed: at the end each event was handled and finished exactly once, in the
// order of its conversation.
func TestInboxLoad(t *testing.T) {
	l := &load{inbox: newInbox(t, onPostgres(t)), handled: map[string][]string{}}
	begin := time.Now()
	l.run(t)
	t.Logf("%d events in %s", total, time.Since(begin))

	wantEqual(t, "handled", l.want(), l.handled)
	wantEqual(t, "finished", int64(total), l.finished.Load())
	wantEqual(t, "left", []object{}, l.sql(t, "select id from public.instagram_events where finished_at is null"))
	l.wantConsistentInbox(t)
}

const (
	senders       = 8  // each with its own conversations
	deliveries    = 25 // of each sender
	size          = 20 // events of a delivery
	conversations = 10 // of each sender
	total         = senders * deliveries * size
)

// load is a run of senders and workers on an inbox.
type load struct {
	*inbox
	finished atomic.Int64
	mu       sync.Mutex
	handled  map[string][]string // keys by conversation, in the order in which workers came to them
}

// delivery returns the events of a delivery, which belong to its sender's conversations by turns.
func (l *load) delivery(sender, number int) []object {
	events := make([]object, size)
	for i := range events {
		n := number*size + i
		events[i] = l.event(fmt.Sprintf("%02d-%05d", sender, n), fmt.Sprintf("%02d-%02d", sender, n%conversations), 0)
		events[i]["occurred_at"] = time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
	}
	return events
}

// want is what handled has to be.
func (l *load) want() map[string][]string {
	want := map[string][]string{}
	for sender := range senders {
		for number := range deliveries {
			for _, event := range l.delivery(sender, number) {
				conversation := l.account + "/" + event["counterpart"].(string)
				want[conversation] = append(want[conversation], event["key"].(string))
			}
		}
	}
	return want
}

func (l *load) run(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	var wg sync.WaitGroup
	run := func(times int, actor func(context.Context, int) error) {
		for i := range times {
			wg.Go(func() {
				if err := actor(ctx, i); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
					cancel()
				}
			})
		}
	}
	run(senders, l.send)
	run(2, l.killedWithSome)
	run(16, l.work)
	wg.Wait()
}

// send sends a sender's deliveries one after the other, as the order in a conversation asks, and a fifth
// of them twice at once, the second time the other way round.
func (l *load) send(ctx context.Context, sender int) error {
	for number := range deliveries {
		var wg sync.WaitGroup
		var added, addedAgain int
		var err, errAgain error
		deliver := func(events []object, added *int, err *error) {
			wg.Go(func() { *err = l.call(ctx, "ingest_instagram_events", object{"events": events}, added) })
		}
		deliver(l.delivery(sender, number), &added, &err)
		if number%5 == 0 {
			reversed := l.delivery(sender, number)
			slices.Reverse(reversed)
			deliver(reversed, &addedAgain, &errAgain)
		}
		wg.Wait()
		if err := errors.Join(err, errAgain); err != nil || added+addedAgain != size {
			return fmt.Errorf("sender %d: %d and %d of delivery %d were new: %w", sender, added, addedAgain, number, err)
		}
	}
	return nil
}

// killedWithSome claims until it has something, and is killed.
func (l *load) killedWithSome(ctx context.Context, _ int) error {
	for {
		var rows []claimed
		err := l.call(ctx, "claim_instagram_events", object{"p_limit": 30, "p_lease": "1 second"}, &rows)
		if err != nil || len(rows) > 0 {
			return err
		}
		pause(ctx)
	}
}

// work claims, handles and finishes until all is finished. Its lease is so long that it does not run out.
func (l *load) work(ctx context.Context, _ int) error {
	for l.finished.Load() < int64(total) {
		var rows []claimed
		err := l.call(ctx, "claim_instagram_events", object{"p_limit": 1 + rand.IntN(40), "p_lease": "10 minutes"}, &rows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			pause(ctx)
			continue
		}
		l.mu.Lock()
		for _, row := range rows {
			l.handled[row.Conversation] = append(l.handled[row.Conversation], row.Payload.(object)["text"].(string))
		}
		l.mu.Unlock()
		var n int
		if err := l.call(ctx, "finish_instagram_events", object{"ids": idsOf(rows)}, &n); err != nil || n != len(rows) {
			return fmt.Errorf("finished %d of %d: %w", n, len(rows), err)
		}
		l.finished.Add(int64(n))
	}
	return nil
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(20 * time.Millisecond):
	}
}
