package supalite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// turmoil is a set of accounts of one user in which everything happens at once. A person's token is "p<n>" and each renewal adds a "+".
type turmoil struct {
	*life
	ids     []string
	settled atomic.Int64
	lost    atomic.Int64 // results that came too late

	mu    sync.Mutex
	stems map[string]string // the person's last token of an account
}

// TestLifeTurmoil lets renewals run beside people who connect and disconnect, Meta's callbacks, deliveries and patches. Nobody
// may be answered with an error, such as a deadlock; at the end each row has its secrets and each secret its row, and no
// renewal has put back a token that came before the person's last.
func TestLifeTurmoil(t *testing.T) {
	l, open := lifeOnPostgres(t)
	m := &turmoil{life: l, stems: map[string]string{}}
	for i := range 12 {
		m.ids = append(m.ids, fmt.Sprint("acct", i))
	}

	until := time.Now().Add(4 * time.Second)
	var wg sync.WaitGroup
	run := func(do func(context.Context, *pgx.Conn) error) {
		conn := open()
		wg.Go(func() {
			for time.Now().Before(until) && !t.Failed() {
				if err := do(t.Context(), conn); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(rand.IntN(5)) * time.Millisecond)
			}
		})
	}
	for range 6 {
		run(m.renew)
	}
	for i := range 3 {
		run(func(ctx context.Context, conn *pgx.Conn) error { return m.person(ctx, conn, m.ids[4*i:4*i+4]) })
	}
	run(m.callBack)
	run(m.deliver)
	run(m.patch)
	run(m.age)
	wg.Wait()

	l.wantSealed(t)
	l.wantConsistent(t)
	l.wantNewest(t, m.stems)
	if m.settled.Load() == 0 || m.lost.Load() == 0 {
		t.Errorf("%d results were written and %d lost: the test needs both", m.settled.Load(), m.lost.Load())
	}
	t.Logf("%d results were written, %d lost", m.settled.Load(), m.lost.Load())
}

// wantNewest checks that each token that is left comes from the person's last.
func (l *life) wantNewest(t *testing.T, stems map[string]string) {
	t.Helper()
	alive := 0
	for id, stem := range stems {
		for _, row := range l.lookUp(t, id) {
			token, _ := row["token"].(string)
			if token == "" {
				continue // the app was removed since
			}
			alive++
			if strings.TrimRight(token, "+") != stem {
				t.Errorf("%s has the token %q, the person's last is %q", id, token, stem)
			}
		}
	}
	if alive == 0 {
		t.Error("no account has a token: nothing was tested")
	}
}

// renew is a run: it claims, and settles in any way, or dies.
func (m *turmoil) renew(ctx context.Context, conn *pgx.Conn) error {
	rows, err := claimOn(ctx, conn, 1+rand.IntN(8), "1 second")
	if err != nil || len(rows) == 0 {
		return err
	}
	time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	results := []object{}
	for _, i := range rand.Perm(len(rows)) {
		more := object{"checked": rand.IntN(3) > 0}
		switch rand.IntN(6) {
		case 0, 1, 2:
			more["token"], more["page_token"] = rows[i].Token+"+", "page+"
		case 3:
			more["status"], more["status_reason"], more["destroy"] = "reconnect", "revoked", true
		case 4:
			continue // not settled
		}
		if rows[i].Token == "" {
			delete(more, "token")
		}
		results = append(results, rows[i].result(more))
	}
	n, err := settleOn(ctx, conn, results...)
	if err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	m.settled.Add(int64(n))
	m.lost.Add(int64(len(results) - n))
	if rand.IntN(2) == 0 {
		_, err = conn.Exec(ctx, "select public.release_connections($1)", rows[0].LeaseID)
	}
	return err
}

// person connects their accounts, in any order, or disconnects one.
func (m *turmoil) person(ctx context.Context, conn *pgx.Conn, ids []string) error {
	if rand.IntN(4) == 0 {
		_, err := conn.Exec(ctx, "delete from public.user_configs where instagram_id = $1", ids[rand.IntN(len(ids))])
		return err
	}
	rows := []object{}
	for _, i := range rand.Perm(len(ids)) {
		connection := row(m.user, ids[i], unique("p"))
		connection["page_token"], connection["facebook_user_id"], connection["status"] = "page", m.facebook, "active"
		rows = append(rows, connection)
	}
	m.mu.Lock()
	for _, row := range rows {
		m.stems[row["instagram_id"].(string)] = row["token"].(string)
	}
	m.mu.Unlock()
	_, err := conn.Exec(ctx, `
		insert into public.user_configs as c (user_id, instagram_id, token, page_token, facebook_user_id, status)
		select r.user_id, r.instagram_id, r.token, r.page_token, r.facebook_user_id, r.status
		from jsonb_populate_recordset(null::public.user_configs, $1::jsonb) r
		on conflict (user_id, instagram_id) do update set token = excluded.token, page_token = excluded.page_token,
			facebook_user_id = excluded.facebook_user_id, status = excluded.status`, rows)
	return err
}

// callBack is Meta, now and then.
func (m *turmoil) callBack(ctx context.Context, conn *pgx.Conn) error {
	defer time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
	if rand.IntN(2) == 0 {
		_, err := conn.Exec(ctx, "select public.erase_facebook_user($1, $2)", m.facebook, uuid.NewString())
		return err
	}
	_, err := conn.Exec(ctx, "select public.deauthorize_facebook_user($1, 'The app was removed.')", m.facebook)
	return err
}

// deliver stores and drains the inbox.
func (m *turmoil) deliver(ctx context.Context, conn *pgx.Conn) error {
	var events []object
	for range 20 {
		in := &inbox{account: m.ids[rand.IntN(len(m.ids))]}
		events = append(events, in.event(fmt.Sprint(rand.IntN(1000)), fmt.Sprint(rand.IntN(5)), rand.IntN(60)))
	}
	_, stored := conn.Exec(ctx, "select public.ingest_instagram_events($1::jsonb)", events)
	_, finished := conn.Exec(ctx, `select public.finish_instagram_events(array(
		select c.id from public.claim_instagram_events(10, '1 second') c))`)
	return errors.Join(stored, finished)
}

// patch is the app, which writes columns of its own choice.
func (m *turmoil) patch(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "update public.user_configs set name = $2 where instagram_id = $1", m.ids[rand.IntN(len(m.ids))], unique("name"))
	return err
}

// age makes an account due again.
func (m *turmoil) age(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "update public.user_configs set checked_at = null where instagram_id = $1", m.ids[rand.IntN(len(m.ids))])
	return err
}
