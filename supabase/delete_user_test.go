package supabase_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// deleteUser calls the function, and checks how many connections it found.
func (p *project) deleteUser(t *testing.T, want int, user string) {
	t.Helper()
	p.wantCount(t, want, "delete_user", object{"p_user_id": user})
}

// leaver returns a user of another system, who is about to leave.
func (r *renewal) leaver() *renewal {
	leaver := &renewal{project: r.project, facebook: r.facebook}
	leaver.user.ID = unique("saml|leaver/")
	return leaver
}

// TestDeleteUser holds what is left of a user who is not in auth.users, or is.
func TestDeleteUser(t *testing.T) { onBothDatabases(t, newRenewal, deleteUserCases) }

var deleteUserCases = []testCase[*renewal]{
	// Whatever there was: connections that work and that have stopped, with a renewal, with a worker; what was
	// told of them and of earlier ones, finished, open, claimed and dead.
	{"NothingLeft", func(t *testing.T, r *renewal) {
		gone := r.leaver()
		first, second, earlier, mine := gone.connect(t, 60), gone.connect(t, 60), gone.connect(t, 60), r.connect(t, 60)
		in := &inbox{project: r.project}
		in.finish(t, 4, idsOf(in.changes(t, 10, "connected", "connected", "connected", "connected"))...)
		r.patch(t, first, object{"status": "reconnect", "status_reason": "gone"})
		r.patch(t, second, object{"status": "expiring", "status_reason": "soon"})
		r.disconnect(t, earlier)
		in.changes(t, 2, "attention", "attention") // a worker has them
		r.sql(t, "update public.instagram_events set dead_at = now() where payload ->> 'change' = 'disconnected'")
		r.sql(t, "delete from public.instagram_conversations where conversation = $1", earlier+"/connection")
		for _, id := range []string{first, second, mine} {
			in := &inbox{account: id}
			r.ingest(t, 2, in.event(unique("leave"), "ann", 1), in.event(unique("leave"), "bob", 1))
		}
		r.claim(t, 10)

		r.deleteUser(t, 2, gone.user.ID)
		r.wantInNoRow(t, strings.TrimPrefix(gone.user.ID, "saml|"), first, second)
		r.wantConsistentInbox(t)
		r.wantStatus(t, mine, "active", nil)
		wantEqual(t, "others' events", 3, len(r.sql(t, "select from public.instagram_events")))
		r.wantSecrets(t, 2, r.user.ID)
		r.deleteUser(t, 0, gone.user.ID)
		r.deleteUser(t, 0, "nobody")

		// Deliveries that still come are nobody's.
		r.ingest(t, 0, (&inbox{account: first}).event("late", "ann", 1))
		r.wantCount(t, 0, "delete_removed_events", object{})
		// Who comes back begins anew.
		gone.upsert(t, gone.connection(first, 60))
		wantEqual(t, "told", []string{"connected active"}, r.told(t, first))
		r.wantClaim(t, 10, first)
	}},
	// Of many events the first thousand go at once, as with any connection.
	{"Many", func(t *testing.T, r *renewal) {
		gone := r.leaver()
		id := gone.connect(t, 60)
		r.fill(t, id, 2500)
		r.deleteUser(t, 1, gone.user.ID)
		gone.wantForgotten(t, id)
		r.deleteUser(t, 0, gone.user.ID)
		for _, want := range []int{1000, 500, 0} {
			r.wantCount(t, want, "delete_removed_events", object{})
		}
		r.wantInNoRow(t, strings.TrimPrefix(gone.user.ID, "saml|"))
	}},
	// It leaves what the deletion in auth.users leaves, and the user.
	{"AuthUser", func(t *testing.T, r *renewal) {
		for _, spell := range []func(string) string{
			func(id string) string { return id }, strings.ToUpper, func(id string) string { return "{" + id + "}" },
			func(id string) string { return strings.ReplaceAll(id, "-", "") },
		} {
			gone := &renewal{r.project, r.newUser(t), r.facebook}
			gone.connect(t, 60)
			id := gone.connect(t, 60)
			r.ingest(t, 1, (&inbox{account: id}).event("a", "ann", 1))
			r.deleteUser(t, 2, spell(gone.user.ID))
			for _, from := range []string{"public.user_configs", "public.instagram_events", "public.instagram_conversations"} {
				wantEqual(t, from, []object{}, r.sql(t, "select from "+from))
			}
			r.wantSecrets(t, 0, gone.user.ID)
			wantEqual(t, "users", 1, len(r.sql(t, "select from auth.users where id::text = $1", gone.user.ID)))
		}
	}},
	// An erasure that has events left is counted to its end.
	{"AfterErasure", func(t *testing.T, r *renewal) {
		gone := r.leaver()
		r.fill(t, gone.connect(t, 60), 1500)
		code := uuid.NewString()
		gone.erase(t, code)
		gone.connect(t, 60)
		r.deleteUser(t, 1, gone.user.ID)
		r.wantCount(t, 500, "delete_removed_events", object{})
		if got := gone.erase(t, code); got.Accounts != 1 || got.Events != 1500 || got.FinishedAt == nil {
			t.Errorf("%+v", got)
		}
		r.wantInNoRow(t, strings.TrimPrefix(gone.user.ID, "saml|"))
	}},
}

// TestDeleteUserWaits deletes a user while somebody else is changing what there is of the user: whoever is
// first comes through, and nothing is left or comes back.
func TestDeleteUserWaits(t *testing.T) {
	p := onPostgres(t)
	const withToken = `insert into public.user_configs (user_id, instagram_id, token) values ($1, 'waits', 'another')
		on conflict (user_id, instagram_id) do update set token = excluded.token`
	for name, c := range map[string]struct {
		statement string // $1 is the user
		want      int
	}{
		"an upsert":           {withToken, 1},
		"a first upsert":      {strings.Replace(withToken, "waits", "another", 1), 2},
		"a removal":           {"delete from public.user_configs where user_id = $1", 0},
		"another deletion":    {"select public.delete_user($1)", 0},
		"an erasure":          {"select public.erase_facebook_user((select facebook_user_id from public.user_configs where user_id = $1), gen_random_uuid())", 0},
		"the daily check":     {"select public.claim_due_connections(10, '1 minute') where $1 <> ''", 1},
		"a worker's claim":    {"select public.claim_instagram_events(10, '1 minute') where $1 <> ''", 1},
		"a worker's finish":   {"select public.finish_instagram_events(array(select id::text from public.instagram_events where user_id = $1))", 1},
		"a change of status":  {"update public.user_configs set status = 'expiring' where user_id = $1", 1},
		"the user's deletion": {"delete from auth.users where id = $1::uuid", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenewal(t, p)
			r.upsert(t, r.connection("waits", 60))
			deleter := r.session(t)
			r.during(t, c.statement, []any{r.user.ID}, func(ctx context.Context) error {
				var n int
				err := deleter.QueryRow(ctx, "select public.delete_user($1)", r.user.ID).Scan(&n)
				if n != c.want {
					err = errors.Join(err, fmt.Errorf("deleted %d, want %d", n, c.want))
				}
				return err
			})
			for _, from := range []string{"public.user_configs", "public.instagram_conversations", "vault.secrets where starts_with(name, 'user_configs/')",
				"public.instagram_events where payload ->> 'change' <> 'erased'"} {
				wantEqual(t, from, []object{}, r.sql(t, "select from "+from))
			}
		})
	}
	// And the other way round.
	t.Run("a connect during it", func(t *testing.T) {
		r := newRenewal(t, p)
		r.upsert(t, r.connection("waits", 60))
		d := r.wantClaim(t, 1, "waits")[0]
		r.during(t, "select public.delete_user($1)", []any{r.user.ID}, func(context.Context) error {
			r.upsert(t, r.connection("waits", 60))
			return nil
		})
		r.settle(t, 0, d.result(object{"token": "of before", "checked": true}))
		wantEqual(t, "told", []string{"connected active"}, r.told(t, "waits"))
		r.wantSecrets(t, 2, r.user.ID)
	})
	// A delivery waits for nobody. What it adds to the connection that is gone belongs to nobody.
	t.Run("a delivery during it", func(t *testing.T) {
		r := newRenewal(t, p)
		id, begun := r.connect(t, 60), time.Now()
		tx, err := r.session(t).Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := count(t.Context(), tx, "ingest_instagram_events", []object{(&inbox{account: id}).event("late", "ann", 1)}); err != nil {
			t.Fatal(err)
		}
		r.deleteUser(t, 1, r.user.ID)
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.wantForgotten(t, id)
		r.sql(t, "update igconnect.removed_connections set emptied_at = now() - interval '61 minutes'")
		r.wantCount(t, 1, "delete_removed_events", object{"p_limit": 10000})
	})
}
