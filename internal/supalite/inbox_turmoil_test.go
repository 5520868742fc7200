package supalite_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/pgtest"
	"igconnect/internal/supalite/supalitetest"
)

// TestInboxOverlap delivers the same events several times at once, each time in another order, with a session for each:
// Lite does not let calls overlap enough to find a deadlock.
func TestInboxOverlap(t *testing.T) {
	supalitetest.Need(t)
	url := pgtest.Start(t)
	p := startWith(t, supalite.Options{DatabaseURL: url})
	defer stop(t, p)
	in := newInbox(t, p)
	const sessions, rounds, size = 8, 5, 400
	var added atomic.Int64
	var wg sync.WaitGroup
	for range sessions {
		wg.Go(func() {
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(t.Context())
			for round := range rounds {
				var n int64
				events := in.shuffled(round, size)
				if err := conn.QueryRow(t.Context(), "select public.ingest_instagram_events($1::jsonb)", events).Scan(&n); err != nil {
					t.Error(err)
				}
				added.Add(n)
			}
		})
	}
	wg.Wait()
	if n := added.Load(); n != rounds*size {
		t.Errorf("%d events were new, want %d", n, rounds*size)
	}
	p.wantConsistent(t)
}

// shuffled returns the events of a round in any order.
func (in *inbox) shuffled(round, size int) []object {
	events := make([]object, size)
	for i, n := range rand.Perm(size) {
		events[i] = in.event(fmt.Sprintf("%d-%d", round, n), fmt.Sprint(n%100), 0)
	}
	return events
}

// TestInboxTurmoil lets everything happen at once that takes locks: deliveries for several accounts in any order, claims
// that are finished, failed or left, renewed tokens, accounts that are disconnected and connected again, users deleted,
// retention. Nobody may be answered with an error, such as a deadlock, and the tables have to agree at the end.
func TestInboxTurmoil(t *testing.T) {
	supalitetest.Need(t)
	p := startWith(t, supalite.Options{DatabaseURL: pgtest.Start(t)})
	defer stop(t, p)
	in := newInbox(t, p)
	accounts := []string{newID(), newID(), newID(), newID()}
	connections := func(u supalite.User) (rows []object) {
		for _, i := range rand.Perm(len(accounts)) {
			rows = append(rows, row(u, accounts[i], newToken()))
		}
		return rows
	}
	p.mustUpsert(t, connections(in.user))

	rest := func(method, path string, body any) error {
		status, out, err := p.send(t.Context(), p.service(), method, path, body, "resolution=merge-duplicates", "return=minimal")
		if err == nil && status >= 300 {
			err = fmt.Errorf("%s %s: status %d: %s", method, path, status, out)
		}
		return err
	}
	deliver := func() error {
		var events []object
		for range 30 {
			event := in.event(fmt.Sprint(rand.IntN(1000)), fmt.Sprint(rand.IntN(5)), rand.IntN(60))
			event["account"] = accounts[rand.IntN(len(accounts))]
			events = append(events, event)
		}
		var n int
		return p.call(t.Context(), "ingest_instagram_events", object{"events": events}, &n)
	}
	handle := func() error {
		var rows []claimed
		err := p.call(t.Context(), "claim_instagram_events", object{"p_limit": 20, "p_lease": "1 second"}, &rows)
		if err != nil {
			return err
		}
		done, failed := []string{}, []string{}
		for _, row := range rows {
			switch rand.IntN(8) {
			case 0:
			case 1:
				failed = append(failed, row.ID)
			default:
				done = append(done, row.ID)
			}
		}
		var n int
		return errors.Join(
			p.call(t.Context(), "fail_instagram_events", object{"ids": failed, "reason": "bad luck"}, &n),
			p.call(t.Context(), "finish_instagram_events", object{"ids": done}, &n))
	}
	connect := func() error { return rest("POST", upserts, connections(in.user)) }
	disconnect := func() error { return rest("DELETE", one(accounts[rand.IntN(len(accounts))]), nil) }
	deleteUser := func() error {
		u, err := p.SignUp(t.Context(), unique("brief")+"@example.com", "correct horse battery")
		if err != nil {
			return err
		}
		if err := rest("POST", upserts, connections(u)); err != nil {
			return err
		}
		_, err = p.SQL(t.Context(), "delete from auth.users where id = $1::uuid", u.ID)
		return err
	}
	retain := func() error {
		var n int
		return p.call(t.Context(), "delete_old_instagram_events", object{"p_keep": "0"}, &n)
	}

	until := time.Now().Add(4 * time.Second)
	var wg sync.WaitGroup
	for _, do := range []func() error{
		deliver, deliver, deliver, deliver, handle, handle, handle, handle, handle, handle,
		connect, connect, disconnect, deleteUser, retain, retain,
	} {
		wg.Go(func() {
			for time.Now().Before(until) && !t.Failed() {
				if err := do(); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
			}
		})
	}
	wg.Wait()
	p.wantConsistent(t)
}
