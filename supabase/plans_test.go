package supabase_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"igconnect/internal/scaledata"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// hot is something that webhook, workers, the daily job, people or Meta's callbacks ask again and again.
type hot struct {
	name string
	most int // rows that a step of its plans may look at
	run  func(ctx context.Context, conn *pgx.Conn, n int) error
}

// Each run is given another connection n, of a person who has two with a large inbox: n and n + 4. What
// it changes stays.
const largeInbox = 2000

// hotFunctions also hold in a session whose plans were made when the tables were small.
var hotFunctions = []hot{
	{"ingest", 100, func(ctx context.Context, conn *pgx.Conn, n int) error {
		events := []object{}
		for i := range 10 {
			events = append(events, object{"account": scaledata.Account(n + i), "key": fmt.Sprint("new/", n), "counterpart": fmt.Sprint(7_000_000_000 + n + i), "kind": "message"})
		}
		return execute(ctx, conn, "select public.ingest_instagram_events($1)", events)
	}},
	{"claim, finish and fail", 100, func(ctx context.Context, conn *pgx.Conn, _ int) error {
		var claimed []struct{ ID string }
		if err := conn.QueryRow(ctx, "select public.claim_instagram_events(10, '5 minutes')").Scan(&claimed); err != nil {
			return err
		}
		ids := []string{}
		for _, event := range claimed {
			ids = append(ids, event.ID)
		}
		if len(ids) != 10 {
			return fmt.Errorf("claimed %d", len(ids))
		}
		return errors.Join(execute(ctx, conn, "select public.finish_instagram_events($1)", ids[:5]),
			execute(ctx, conn, "select public.fail_instagram_events($1, 'busy')", ids[5:]))
	}},
	{"claim and finish what is told of a connection", 100, func(ctx context.Context, conn *pgx.Conn, n int) error {
		var claimed []struct{ ID, Kind, Conversation string }
		if err := conn.QueryRow(ctx, "select public.claim_instagram_events(2, '5 minutes')").Scan(&claimed); err != nil {
			return err
		}
		if len(claimed) != 2 || claimed[0].Kind != "connection" || claimed[1].Conversation != scaledata.Account(n)+"/connection" {
			return fmt.Errorf("claimed %v", claimed)
		}
		return execute(ctx, conn, "select public.finish_instagram_events($1)", []string{claimed[0].ID, claimed[1].ID})
	}},
	{"delete old", 12_000, asked("delete_old_instagram_events('30 days')")},
	{"save", 100, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return execute(ctx, conn, "select public.save_connections($1)", []object{with(row(scaledata.User(n), scaledata.Account(n), "another"), object{
			"facebook_user_id": scaledata.Person(n), "page_id": "104550012233401", "status": "active", "retry": false, "connected_at": time.Now()})})
	}},
	{"claim due and settle", 100, func(ctx context.Context, conn *pgx.Conn, _ int) error {
		rows, err := claimDue(ctx, conn, 10, "5 minutes")
		if err != nil {
			return err
		}
		if len(rows) != 10 {
			return fmt.Errorf("claimed %d", len(rows))
		}
		results := []object{}
		for _, row := range rows {
			results = append(results, row.result(object{"token": row.Token, "checked": true}))
		}
		return execute(ctx, conn, "select public.settle_connections($1)", results)
	}},
	{"claim due and release", 100, func(ctx context.Context, conn *pgx.Conn, _ int) error {
		lease := uuid.NewString()
		return errors.Join(execute(ctx, conn, "select public.claim_due_connections(10, '5 minutes', p_lease_id => $1)", lease),
			execute(ctx, conn, "select public.release_connections($1)", lease))
	}},
	{"count due", 20_000, asked("count_due_connections()")},
	{"backlog", 1200, asked("igconnect_backlog()")},
	{"look-up", 10, asked("get_instagram_token($1)", scaledata.Account)},
	{"deauthorize", 100, asked("deauthorize_facebook_user($1, 'gone')", func(n int) string { return scaledata.Person(n + 8) })},
	{"erase", 1200, asked("erase_facebook_user($1, gen_random_uuid())", scaledata.Person)},
	{"delete user", 1200, asked("delete_user($1)", func(n int) string { return scaledata.User(n + 4) })},
	{"delete removed", 1200, asked("delete_removed_events()")},
}

// asked calls a function with texts that are made of the connection.
func asked(function string, args ...func(n int) string) func(context.Context, *pgx.Conn, int) error {
	return func(ctx context.Context, conn *pgx.Conn, n int) error {
		values := []any{}
		for _, arg := range args {
			values = append(values, arg(n))
		}
		return execute(ctx, conn, "select * from public."+function, values...)
	}
}

// hotStatements are what clients send to the tables themselves.
var hotStatements = []hot{
	{"rows of a person", 300, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return execute(ctx, conn, scaledata.OfPerson, []string{scaledata.Person(n + 4)})
	}},
	{"rows of a user", 10, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return execute(ctx, conn, scaledata.OfUser, []string{scaledata.User(n + 4)})
	}},
	{"rows that a person made", 50, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return execute(ctx, conn, scaledata.MadeBy, []string{scaledata.Person(n + 8)})
	}},
	{"needing attention", 200, func(ctx context.Context, conn *pgx.Conn, _ int) error {
		return execute(ctx, conn, scaledata.NeedingAttention)
	}},
	{"own newest events", 100, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return readOwn(ctx, conn, n+4, scaledata.OwnNewest)
	}},
	{"own conversation", 400, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return readOwn(ctx, conn, n+4, scaledata.OwnConversation, scaledata.Account(n+4)+"/more7")
	}},
	{"connect", 100, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return execute(ctx, conn, upsertToken, scaledata.User(n+4), scaledata.Account(n+4), "another")
	}},
	{"stop", 1000, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return execute(ctx, conn, `update public.user_configs set status = 'reconnect', retry = false
			where facebook_user_id = any ($1) and instagram_id = any ($2)`, []string{scaledata.Person(n + 4)}, []string{scaledata.Account(n + 4)})
	}},
	{"disconnect", 1000, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return execute(ctx, conn, "delete from public.user_configs where user_id = any ($1) and instagram_id = any ($2)",
			[]string{scaledata.User(n + 4)}, []string{scaledata.Account(n + 4)})
	}},
	{"delete a user", 1200, func(ctx context.Context, conn *pgx.Conn, n int) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { // as Auth does
			_, err := tx.Exec(ctx, "set local role none")
			if err == nil {
				_, err = tx.Exec(ctx, "delete from auth.users where id = $1", scaledata.User(n))
			}
			return err
		})
	}},
}

// readOwn runs a query of the user of connection n, which must find something.
func readOwn(ctx context.Context, conn *pgx.Conn, n int, query string, args ...any) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
			fmt.Sprintf(`{"sub": %q}`, scaledata.User(n))); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, query, args...)
		if err == nil && tag.RowsAffected() < 50 {
			err = fmt.Errorf("%d rows", tag.RowsAffected())
		}
		return err
	})
}

// TestPlans holds that what is asked again and again reads what it needs, by an index, however large
// the tables are. Functions do so as well in a session that keeps the plans of small tables, and have
// nothing compiled, which takes longer than all they do.
func TestPlans(t *testing.T) {
	t.Parallel()
	url := supalitetest.Postgres(t)
	p := &project{supalitetest.Start(t, supalite.Options{DatabaseURL: url}), url}
	admin, n := p.session(t), 0
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	each := func(session *scaledata.Explainer, all []hot, try func(hot, int)) {
		for _, inboxed := range []int{n, n + 4} {
			do(scaledata.AddEvents(t.Context(), admin, inboxed, largeInbox))
		}
		for _, h := range all {
			if strings.Contains(h.name, "told of a connection") { // and comes first
				do(execute(t.Context(), admin, `select igconnect.add_connection_event($1, $2, change, 'active', null)
					from unnest('{connected,healthy}'::text[]) change`, scaledata.User(n), scaledata.Account(n)))
				do(execute(t.Context(), admin, "update public.instagram_conversations set due_at = '-infinity' where user_id = $1", scaledata.User(n)))
			}
			try(h, n)
		}
		n += 12
	}
	do(execute(t.Context(), admin, "alter system set autovacuum = off"))
	do(execute(t.Context(), admin, "select pg_reload_conf()"))

	do(scaledata.AddConnections(t.Context(), admin, 0, 200))
	do(execute(t.Context(), admin, "vacuum analyze"))
	functions := p.explainer(t)
	// Even what is cheap is compiled, as if the tables were large, unless it says otherwise. What calls
	// a function costs less.
	do(execute(t.Context(), functions.Conn, "set jit_above_cost = 100"))
	for range 6 { // then PostgreSQL keeps a plan
		each(functions, hotFunctions, func(h hot, n int) { do(h.run(t.Context(), functions.Conn, n)) })
	}
	do(scaledata.AddConnections(t.Context(), admin, 200, 20_000))
	each(functions, hotFunctions, func(h hot, n int) {
		t.Run("from when the tables were small/"+h.name, func(t *testing.T) { h.check(t, functions, n) })
	})

	do(execute(t.Context(), admin, "vacuum analyze"))
	functions, statements := p.explainer(t), p.explainer(t)
	do(execute(t.Context(), functions.Conn, "set jit_above_cost = 100"))
	each(functions, hotFunctions, func(h hot, n int) {
		t.Run("functions/"+h.name, func(t *testing.T) { h.check(t, functions, n) })
	})
	each(statements, hotStatements, func(h hot, n int) {
		t.Run("statements/"+h.name, func(t *testing.T) { h.check(t, statements, n) })
	})
}

// explainer opens a session of the secret key.
func (p *project) explainer(t *testing.T) *scaledata.Explainer {
	t.Helper()
	e, err := scaledata.NewExplainer(t.Context(), p.config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(context.Background()) })
	return e
}

// check runs it and looks at the plans of all statements that ran in it.
func (h hot) check(t *testing.T, on *scaledata.Explainer, n int) {
	large := []string{"user_configs", "instagram_events", "instagram_conversations", "secrets", "users"}
	on.Plans() // of what ran before
	err := h.run(t.Context(), on.Conn, n)
	plans, explained := on.Plans()
	if err := errors.Join(err, explained); err != nil {
		t.Fatal(err)
	}
	for _, plan := range plans {
		query := fmt.Sprintf("%.120s", strings.Join(strings.Fields(plan.Query), " "))
		if plan.JIT != nil {
			t.Errorf("compiled: %s", query)
		}
		for _, node := range plan.Root.All() {
			seen := fmt.Sprintf("%s of %s (%s) looked at %d rows in %d blocks: %s", node.Type, node.Table, node.Index, node.Read(), node.Blocks(), query)
			switch {
			case node.Type == "Seq Scan" && slices.Contains(large, node.Table):
				t.Error("reads a table: ", seen)
			case node.Read() > h.most:
				t.Error("reads too much: ", seen)
			// An index may throw rows away by itself, and does not say so.
			case node.Index != "" && node.Blocks() > h.most+10*(node.Read()+int(node.Loops)):
				t.Error("searches an index: ", seen)
			case node.SortedOn == "Disk":
				t.Error("sorts on disk: ", seen)
			}
		}
	}
}
