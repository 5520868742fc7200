package supalite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/pgtest"
	"igconnect/internal/supalite/supalitetest"
)

// lifeOnPostgres starts a server of the test's own on a PostgreSQL, and returns how to open sessions on it: Lite does not
// let calls overlap enough.
func lifeOnPostgres(t *testing.T) (*life, func() *pgx.Conn) {
	t.Helper()
	supalitetest.Need(t)
	url := pgtest.Start(t)
	p := startWith(t, supalite.Options{DatabaseURL: url})
	t.Cleanup(func() { stop(t, p) })
	key := p.sql(t, "select current_setting('supalite.vault_key') as key")[0]["key"]
	return newLife(t, p), func() *pgx.Conn {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		if _, err := conn.Exec(t.Context(), "select set_config('supalite.vault_key', $1, false)", key); err != nil {
			t.Fatal(err)
		}
		return conn
	}
}

// queryer is a session or a transaction in it.
type queryer interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

// claimOn claims in a session of one's own.
func claimOn(ctx context.Context, on queryer, limit int, lease string) ([]due, error) {
	rows, err := on.Query(ctx, `select lease_id::text, user_id::text, instagram_id, coalesce(token, ''), token_version
		from public.claim_due_connections($1, $2::text::interval)`, limit, lease)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
		return d, row.Scan(&d.LeaseID, &d.UserID, &d.InstagramID, &d.Token, &d.TokenVersion)
	})
}

func settleOn(ctx context.Context, on queryer, results ...object) (n int, err error) {
	err = on.QueryRow(ctx, "select public.settle_connections($1::jsonb)", results).Scan(&n)
	return n, err
}

// TestLifeClaimers has 8 runs at once over 1,000 connections, and four that are killed: two before their claim is
// committed and two after. Nobody gets what another one holds, and all are settled exactly once.
func TestLifeClaimers(t *testing.T) {
	l, open := lifeOnPostgres(t)
	const total, runs = 1000, 8
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // who does not skip what is locked waits for ever
	defer cancel()
	l.sql(t, `insert into public.user_configs (user_id, instagram_id, token, token_expires_at)
		select $1::uuid, '1784' || i, 'token' || i, now() + i * interval '1 minute' from generate_series(1, 1000) i`, l.user.ID)

	lost := map[string]bool{} // what a killed run held
	for i := range 4 {
		conn := open()
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := claimOn(ctx, tx, 30, "3 seconds")
		if err != nil || len(rows) != 30 {
			t.Fatalf("claimed %d: %v", len(rows), err)
		}
		if i < 2 {
			continue // dies with the connection, below
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			lost[row.InstagramID] = true
		}
		conn.Close(t.Context())
	}

	var mu sync.Mutex
	claims, settled := map[string]int{}, 0
	var wg sync.WaitGroup
	begin := time.Now()
	for range runs {
		conn := open()
		wg.Go(func() {
			for {
				rows, err := claimOn(ctx, conn, 1+rand.IntN(40), "10 minutes")
				if err != nil {
					t.Error(err)
					return
				}
				results := []object{}
				for _, row := range rows {
					if row.Token != "token"+row.InstagramID[4:] {
						t.Errorf("%s came with the token %q", row.InstagramID, row.Token)
					}
					results = append(results, row.result(object{"checked": true}))
				}
				n, err := settleOn(ctx, conn, results...)
				if err != nil || n != len(rows) {
					t.Errorf("settled %d of %d: %v", n, len(rows), err)
				}
				mu.Lock()
				settled += n
				for _, row := range rows {
					claims[row.InstagramID]++
				}
				done := settled >= total-60-len(lost)
				mu.Unlock()
				if len(rows) == 0 && done {
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d connections in %s", settled, time.Since(begin))
	for id, n := range claims {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
	if !t.Failed() {
		l.wantKilledComeBack(t, open, claims, total)
	}
}

// wantKilledComeBack waits for the leases of the killed, whose sessions end meanwhile, and settles the rest.
func (l *life) wantKilledComeBack(t *testing.T, open func() *pgx.Conn, claims map[string]int, total int) {
	t.Helper()
	l.sql(t, "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'")
	conn := open()
	deadline := time.Now().Add(30 * time.Second)
	for len(claims) < total && time.Now().Before(deadline) {
		rows, err := claimOn(t.Context(), conn, 1000, "10 minutes")
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if claims[row.InstagramID]++; claims[row.InstagramID] > 1 {
				t.Errorf("%s came a second time", row.InstagramID)
			}
			if n, err := settleOn(t.Context(), conn, row.result(object{"checked": true})); n != 1 || err != nil {
				t.Errorf("settled %d: %v", n, err)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(claims) != total {
		t.Errorf("%d of %d were settled", len(claims), total)
	}
	l.wantCount(t, 0, "count_due_connections", object{})
}

// TestLifePersonFirst settles while the person's own upsert is being written: the settlement waits, and then loses.
func TestLifePersonFirst(t *testing.T) {
	l, open := lifeOnPostgres(t)
	id := l.connect(t, 60)
	d := l.wantClaim(t, 1, id)[0]
	tx, err := open().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.Exec(t.Context(), `insert into public.user_configs (user_id, instagram_id, token) values ($1, $2, 'the person''s')
		on conflict (user_id, instagram_id) do update set token = excluded.token`, l.user.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	settler := open()
	settled := make(chan error, 1)
	go func() {
		n, err := settleOn(t.Context(), settler, d.result(object{"token": "renewed", "status": "reconnect", "checked": true, "destroy": true}))
		if err == nil && n != 0 {
			err = fmt.Errorf("settled %d", n)
		}
		settled <- err
	}()
	l.waitForLock(t)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-settled; err != nil {
		t.Error(err)
	}
	l.wantToken(t, id, "the person's")
	l.wantStatus(t, id, "active", nil)
}

// TestLifeClaimDuringUpsert claims while an upsert is between its two writes, the secret and the row: the claim gets the
// token that belongs to the version, or nothing.
func TestLifeClaimDuringUpsert(t *testing.T) {
	l, open := lifeOnPostgres(t)
	id := l.connect(t, 60)
	writer, claimer := open(), open()
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		var err error
		for i := 2; err == nil; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			_, err = writer.Exec(t.Context(), `insert into public.user_configs (user_id, instagram_id, token) values ($1, $2, $3)
				on conflict (user_id, instagram_id) do update set token = excluded.token`, l.user.ID, id, fmt.Sprint("version ", i))
		}
		done <- err
	}()
	for until := time.Now().Add(2 * time.Second); time.Now().Before(until) && !t.Failed(); {
		rows, err := claimOn(t.Context(), claimer, 1, "1 second")
		if err != nil {
			t.Error(err)
		}
		for _, row := range rows {
			if want := fmt.Sprint("version ", row.TokenVersion); row.TokenVersion > 1 && row.Token != want {
				t.Errorf("the token %q came as %q", row.Token, want)
			}
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// waitForLock waits until somebody waits for a lock.
func (p *project) waitForLock(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if len(p.sql(t, "select from pg_locks where not granted")) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nobody waits for a lock")
}
