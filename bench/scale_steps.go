package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"igconnect/internal/scaledata"
	"igconnect/lib/secret"
	"igconnect/lib/store"
)

// step is what is measured at a time.
type step struct {
	name    string
	again   bool // it leaves the tables as they were, and is measured in several turns
	measure func(context.Context, *database) ([]float64, error)
	lines   []line // one for each value of measure
	// goals compare values with each other, where the tables are large.
	goals func(v []float64) []figure
}

// line is one of the table.
type line struct {
	what       string
	unit       func(float64) string
	higherWins bool
	steady     bool // it must not depend on the tables' size
}

func wait(what string) line { return line{what: what, unit: milliseconds} }
func rate(what string) line { return line{what: what, unit: count, higherWins: true} }

// steady is that line, which large tables may not make worse.
func steady(l line) line { l.steady = true; return l }

var steps = []step{
	{
		name: "single calls", again: true, measure: measureCalls,
		lines: []line{
			steady(wait("get_instagram_token")), steady(wait("rows of a Facebook person")), steady(wait("connections_needing_attention, of a day")),
			steady(wait("claim_due_connections, 40 of half of all")),
			steady(wait("a person's newest 50 events, of a tenth of all")), steady(wait("a person's one conversation, of a tenth of all")),
		},
	},
	{
		name: "claims", again: true, measure: measureClaims,
		lines: []line{
			steady(wait("claim_instagram_events, 10")), steady(rate("claims a second, 16 workers")),
			steady(wait("a claim behind stopped conversations, a fifth of all")), steady(rate("the same, claims a second, 16 workers")),
			{what: "statements compiled in a claim", unit: count},
		},
		goals: func(v []float64) []figure {
			return []figure{
				{what: "a claim behind stopped conversations, of one without", values: [2]float64{v[2], v[0]}, target: 1.5},
				{what: "statements compiled in a claim, of one", values: [2]float64{v[4], 1}, target: 0.01},
			}
		},
	},
	{
		name: "sealing", again: true, measure: measureSealing,
		lines: []line{
			steady(rate("connects a second, 1 client")), steady(rate("the same, 4 clients")), steady(rate("the same, 16 clients")),
			rate("the same, 16 clients, without a lock"),
		},
		goals: func(v []float64) []figure {
			return []figure{atLeast(0.9, "connects with 16 clients, of those without a lock", v[2], v[3])}
		},
	},
	{
		name: "deliveries", again: true, measure: measureDeliveries,
		lines: []line{
			steady(rate("deliveries a second, 4 senders")), wait("p99"), rate("the same beside 16 clients that connect ten times a second"), wait("p99"),
			steady(rate("deliveries a second, 16 senders")), wait("p99"), rate("the same beside 16 clients that connect ten times a second"), wait("p99"),
		},
		goals: func(v []float64) []figure {
			return []figure{
				atLeast(0.5, "deliveries of 4 senders that go on beside 16 clients that connect", v[2], v[0]),
				atLeast(0.5, "deliveries of 16 senders that go on beside 16 clients that connect", v[6], v[4]),
			}
		},
	},
	{
		name: "a transaction that deletes a user and stays open", measure: measureOpenDeletion,
		lines: []line{wait("longest wait of another account's delivery beside a deletion that stays open")},
		goals: func(v []float64) []figure {
			return []figure{atMost("longest wait beside a deletion that stays open, of a second", v[0], 1)}
		},
	},
	{
		name: "users who are deleted as they connect", measure: measureDeletedUsers,
		lines: []line{
			{what: "deadlocks while users are deleted as they connect", unit: count},
			{what: "transactions of that, without those that gave up waiting", unit: count},
		},
		goals: func(v []float64) []figure {
			return []figure{atLeast(1, "transactions without a deadlock while users are deleted, of all", v[1], v[0]+v[1])}
		},
	},
	{
		name: "a delivery of 30 × 1,000 events", measure: measureBulk,
		lines: []line{
			steady(wait("a delivery of 30 × 1,000 events, until all are stored")),
			{what: "deliveries of it until then, of 4.5 s each", unit: count},
		},
		goals: func(v []float64) []figure {
			return []figure{atMost("deliveries of 30 × 1,000 events until all are stored, of ten", v[1], 10)}
		},
	},
	{
		name: "erasure", measure: measureErasure,
		lines: []line{
			wait("longest wait of a delivery or worker beside an erasure of 80 % of all events"), wait("erasing these events"),
		},
		goals: func(v []float64) []figure {
			return []figure{atMost("longest wait beside an erasure, of a second", v[0], 1)}
		},
	},
}

// atLeast is the goal that a value is that share of another.
func atLeast(share float64, what string, value, of float64) figure {
	return figure{what: what, values: [2]float64{value, of}, target: share, higherWins: true}
}

// atMost is the goal that a value is not more than another.
func atMost(what string, value, limit float64) figure {
	return figure{what: what, values: [2]float64{value, limit}, target: 1}
}

// connects is the recipe's upsert, for the next user who has nothing connected.
func (d *database) connects(ctx context.Context, conn *pgx.Conn) error {
	n := d.connections + int(4*d.connected.Add(1)%spare)
	_, err := conn.Exec(ctx, upsertToken, scaledata.User(n), scaledata.Account(n), fmt.Sprint("EAA", strings.Repeat("c", 180), n))
	return err
}

// connectsSlowly connects ten times a second. As fast as they can, those who connect would take most of
// two cores from those who deliver, and nobody saw who waits for whom.
func (d *database) connectsSlowly(ctx context.Context, conn *pgx.Conn) error {
	next := time.After(100 * time.Millisecond)
	err := d.connects(ctx, conn)
	<-next
	return err
}

const upsertToken = `insert into public.user_configs (user_id, instagram_id, token) values ($1, $2, $3)
	on conflict (user_id, instagram_id) do update set token = excluded.token`

// delivers is one event for one of the ordinary accounts.
func (d *database) delivers(ctx context.Context, conn *pgx.Conn) error {
	n := ordinary + rand.IntN(d.connections-ordinary)
	_, err := conn.Exec(ctx, "select public.ingest_instagram_events($1)", []store.Event{message(n, uuid.NewString())})
	return err
}

// message is an event of connection n.
func message(n int, key string) store.Event {
	return store.Event{
		Account: scaledata.Account(n), Key: key, Counterpart: fmt.Sprint(7_000_000_000 + n), Kind: "message", Occurred: time.Now(),
		Payload: json.RawMessage(`{"text": "Are you open today?"}`),
	}
}

// works is a worker that finishes what it claims.
func works(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `select public.finish_instagram_events(array(
		select event ->> 'id' from jsonb_array_elements(public.claim_instagram_events(10, '5 minutes')) event))`)
	return err
}

func measureSealing(ctx context.Context, d *database) (values []float64, err error) {
	var locking string
	if err := d.admin.QueryRow(ctx, "select pg_get_functiondef('igconnect.lock_connection(text, text)'::regprocedure)").Scan(&locking); err != nil {
		return nil, err
	}
	for _, clients := range []int{1, 4, 16} {
		connecting := &group{role: "service_role", n: clients, call: d.connects}
		if err := d.forATurn(ctx, connecting); err != nil {
			return nil, err
		}
		values = append(values, connecting.second())
	}
	if err := d.exec(ctx, noLocks); err != nil {
		return nil, err
	}
	free := &group{role: "service_role", n: 16, call: d.connects}
	err = errors.Join(d.forATurn(ctx, free), d.exec(ctx, locking))
	return append(values, free.second()), err
}

// noLocks leaves those who connect nothing to wait for.
const noLocks = `create or replace function igconnect.lock_connection(p_user_id text, p_instagram_id text) returns void language sql as 'select'`

// forATurn has groups call for a turn. No call may fail.
func (d *database) forATurn(ctx context.Context, groups ...*group) error {
	err := d.together(ctx, lasting(d.turn), groups...)
	for _, g := range groups {
		if len(g.failed) > 0 {
			err = errors.Join(err, fmt.Errorf("calls failed, by SQLSTATE: %v", g.failed))
		}
	}
	return err
}

func measureDeliveries(ctx context.Context, d *database) (values []float64, err error) {
	for _, senders := range []int{4, 16} {
		alone := &group{role: "service_role", n: senders, call: d.delivers}
		beside := &group{role: "service_role", n: senders, call: d.delivers}
		connecting := &group{role: "service_role", n: 16, call: d.connectsSlowly}
		if err := errors.Join(d.forATurn(ctx, alone), d.forATurn(ctx, beside, connecting)); err != nil {
			return nil, err
		}
		values = append(values, alone.second(), quantile(alone.waits, 0.99), beside.second(), quantile(beside.waits, 0.99))
	}
	return values, nil
}

func measureCalls(ctx context.Context, d *database) (values []float64, err error) {
	person := []string{scaledata.Person(ordinary)}
	server, err := d.as(ctx, "service_role", "")
	if err != nil {
		return nil, err
	}
	defer server.Close(ctx)
	owner, err := d.as(ctx, "authenticated", scaledata.User(largeInbox))
	if err != nil {
		return nil, err
	}
	defer owner.Close(ctx)
	lease := uuid.NewString()
	for _, c := range []struct {
		conn      *pgx.Conn
		statement string
		arg       func() any
	}{
		{server, "select * from public.get_instagram_token($1)", func() any { return scaledata.Account(ordinary + rand.IntN(d.connections-ordinary)) }},
		{server, scaledata.OfPerson, func() any { return person }},
		{server, scaledata.NeedingAttention, nil},
		{server, "select * from public.claim_due_connections(40, '5 minutes', p_lease_id => $1)", func() any { return lease }},
		{owner, scaledata.OwnNewest, nil},
		{owner, scaledata.OwnConversation, func() any { return scaledata.Account(largeInbox) + "/more3" }},
	} {
		took, err := typical(d.calls, func() error {
			var args []any
			if c.arg != nil {
				args = append(args, c.arg())
			}
			tag, err := c.conn.Exec(ctx, c.statement, args...)
			if err == nil && tag.RowsAffected() == 0 {
				err = fmt.Errorf("no rows of %s", c.statement)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		values = append(values, took)
	}
	return values, d.exec(ctx, "select public.release_connections($1)", lease)
}

// typical is how many seconds a call takes, of so many. The first few are not counted, as in a session
// that is kept.
func typical(calls int, call func() error) (float64, error) {
	var all []time.Duration
	for i := range calls + 6 {
		begin := time.Now()
		if err := call(); err != nil {
			return 0, err
		}
		if i >= 6 {
			all = append(all, time.Since(begin))
		}
	}
	return quantile(all, 0.5), nil
}

func measureClaims(ctx context.Context, d *database) ([]float64, error) {
	before, err := measureClaim(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := d.exec(ctx, `
		update public.user_configs set status = 'reconnect', status_reason = 'Stopped.'
		where connection_id in (select connection_id from public.instagram_conversations where not parked order by due_at limit $1)`, d.connections/5); err != nil {
		return nil, err
	}
	behind, err := measureClaim(ctx, d)
	if err != nil {
		return nil, err
	}
	e, err := scaledata.NewExplainer(ctx, d.config)
	if err != nil {
		return nil, err
	}
	defer e.Close(ctx)
	// As a server does that compiles what costs more, with larger tables.
	if _, err := e.Exec(ctx, "set jit = on; set jit_above_cost = 100"); err != nil {
		return nil, err
	}
	compiled := 0
	_, err = e.Exec(ctx, "select public.claim_instagram_events(10, '5 minutes')")
	plans, explained := e.Plans()
	for _, plan := range plans {
		if plan.JIT != nil {
			compiled++
		}
	}
	return append(append(before, behind...), float64(compiled)), errors.Join(err, explained,
		d.exec(ctx, "update public.user_configs set status = 'active', status_reason = null where status_reason = 'Stopped.'"),
		d.exec(ctx, "vacuum public.user_configs, public.instagram_conversations")) // else what one turn leaves slows the next
}

// measureClaim returns the seconds of a claim, and how many 16 workers do in a second.
func measureClaim(ctx context.Context, d *database) ([]float64, error) {
	server, err := d.as(ctx, "service_role", "")
	if err != nil {
		return nil, err
	}
	defer server.Close(ctx)
	one, err := typical(d.calls, func() error { return claims(ctx, server) })
	if err != nil {
		return nil, err
	}
	// Not for a whole turn: small tables would run out of events.
	var done atomic.Int64
	enough := make(chan struct{})
	workers := &group{role: "service_role", n: 16, call: func(ctx context.Context, conn *pgx.Conn) error {
		if int(done.Add(1)) == min(320, d.connections/100) {
			close(enough)
		}
		return claims(ctx, conn)
	}}
	err = d.together(ctx, func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-enough:
		}
		return nil
	}, workers)
	return []float64{one, workers.second()}, err
}

// claims takes ten events, which stay leased.
func claims(ctx context.Context, conn *pgx.Conn) error {
	var n int
	err := conn.QueryRow(ctx, "select jsonb_array_length(public.claim_instagram_events(10, '1 hour'))").Scan(&n)
	if err == nil && n != 10 {
		err = fmt.Errorf("claimed %d events", n)
	}
	return err
}

func measureOpenDeletion(ctx context.Context, d *database) ([]float64, error) {
	tx, err := d.admin.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, "delete from auth.users where id = $1", scaledata.User(100)); err != nil {
		return nil, err
	}
	senders := &group{role: "service_role", n: 4, call: d.delivers}
	err = d.together(ctx, func(ctx context.Context) error {
		lasting(3 * time.Second)(ctx)
		return tx.Commit(ctx)
	}, senders)
	if err != nil {
		return nil, err
	}
	return []float64{quantile(senders.waits, 1)}, nil
}

func measureDeletedUsers(ctx context.Context, d *database) ([]float64, error) {
	const users = 16
	first := d.connections + spare
	someone := func() int { return first + 4*rand.IntN(users) }
	deleting := &group{role: "postgres", n: 4, call: func(ctx context.Context, conn *pgx.Conn) error {
		if err := scaledata.AddUsers(ctx, conn, first, first+4*users); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "delete from auth.users where id = $1", scaledata.User(someone()))
		return err
	}}
	connecting := &group{role: "service_role", n: 8, call: func(ctx context.Context, conn *pgx.Conn) error {
		n := someone()
		_, err := conn.Exec(ctx, upsertToken, scaledata.User(n), scaledata.Account(n+rand.IntN(4)), "EAAtoken")
		return err
	}}
	delivering := &group{role: "service_role", n: 2, call: func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "select public.ingest_instagram_events($1)", []store.Event{message(someone(), uuid.NewString())})
		return err
	}}
	working := &group{role: "service_role", n: 2, call: works}
	all := []*group{deleting, connecting, delivering, working}
	err := d.together(ctx, lasting(5*d.turn), all...)
	var deadlocks, others float64
	for _, g := range all {
		deadlocks += float64(g.failed["40P01"])
		others += float64(len(g.waits) - g.failed["40P01"] - g.failed["55P03"])
	}
	return []float64{deadlocks, others}, err
}

func measureBulk(ctx context.Context, d *database) ([]float64, error) {
	s, err := store.New(d.lite.URL, secret.New(d.lite.ServiceKey))
	if err != nil {
		return nil, err
	}
	var events []store.Event
	for account := range 30 {
		for i := range 1000 {
			events = append(events, message(ordinary+4*account, fmt.Sprint("bulk/", i)))
		}
	}
	// What the webhook cannot store in its time comes again.
	begin := time.Now()
	for deliveries := 1; ; deliveries++ {
		once, stop := context.WithTimeout(ctx, 4500*time.Millisecond)
		_, err := s.StoreEvents(once, events)
		late := once.Err() != nil
		stop()
		if err == nil {
			return []float64{time.Since(begin).Seconds(), float64(deliveries)}, nil
		}
		if !late || deliveries == 100 {
			return nil, err
		}
	}
}

func measureErasure(ctx context.Context, d *database) ([]float64, error) {
	senders := &group{role: "service_role", n: 3, call: d.delivers}
	workers := &group{role: "service_role", n: 1, call: works}
	var took time.Duration
	err := d.together(ctx, func(ctx context.Context) error {
		begin := time.Now()
		err := d.exec(ctx, "select * from public.erase_facebook_user($1, gen_random_uuid())", scaledata.Person(hugeInbox))
		for left := 1; err == nil && left > 0; {
			err = d.admin.QueryRow(ctx, "select public.delete_removed_events()").Scan(&left)
		}
		took = time.Since(begin)
		return err
	}, senders, workers)
	if err != nil {
		return nil, err
	}
	return []float64{quantile(append(senders.waits, workers.waits...), 1), took.Seconds()}, nil
}
