package supabase_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"igconnect/internal/supalite"
)

// renewal is a project with a user who connects accounts, as the renewal and Meta's callbacks see it.
type renewal struct {
	*project
	user     supalite.User
	facebook string // id of the person who approved
}

func newRenewal(t *testing.T, p *project) *renewal {
	t.Helper()
	return &renewal{project: empty(t, p), user: p.newUser(t), facebook: unique("80008000")}
}

// due is what the cases look at of a row of claim_due_connections.
type due struct {
	LeaseID      string `json:"lease_id"`
	UserID       string `json:"user_id"`
	InstagramID  string `json:"instagram_id"`
	Token        string `json:"token"`
	TokenVersion int    `json:"token_version"`
	PageToken    string `json:"page_token"`
}

// result is what settle_connections takes for a claimed row, with further keys.
func (d due) result(more object) object {
	return with(object{
		"lease_id": d.LeaseID, "user_id": d.UserID, "instagram_id": d.InstagramID, "token_version": d.TokenVersion,
	}, more)
}

// connect connects an account as api/callback does, with a token for so many days, and returns its
// Instagram id. It was never checked since.
func (r *renewal) connect(t *testing.T, days int) string {
	t.Helper()
	id := newID()
	r.upsert(t, r.connection(id, days))
	return id
}

func (r *renewal) connection(id string, days int) object {
	return with(row(r.user.ID, id, "user-token-"+unique(id+"-")), object{
		"page_id": "page-" + id, "page_token": "page-token-" + unique(id+"-"), "facebook_user_id": r.facebook,
		"token_expires_at": time.Now().AddDate(0, 0, days).UTC().Format(time.RFC3339),
	})
}

// claim claims for ten minutes.
func (r *renewal) claim(t *testing.T, limit int) (rows []due) {
	t.Helper()
	r.mustCall(t, "claim_due_connections", object{"p_limit": limit, "p_lease": "10 minutes"}, &rows)
	return rows
}

// wantClaim claims and checks which accounts come, in this order.
func (r *renewal) wantClaim(t *testing.T, limit int, ids ...string) []due {
	t.Helper()
	rows := r.claim(t, limit)
	wantEach(t, rows, ids, func(row due) string { return row.InstagramID })
	return rows
}

func (r *renewal) settle(t *testing.T, want int, results ...object) {
	t.Helper()
	r.wantCount(t, want, "settle_connections", object{"results": append([]object{}, results...)})
}

// leased reports whether somebody holds an account.
func (r *renewal) leased(t *testing.T, id string) bool {
	t.Helper()
	return r.read(t, id, "lease_id is not null or leased_until is not null as leased")["leased"].(bool)
}

// pass lets time pass for leases and checks.
func (r *renewal) pass(t *testing.T, interval string) {
	t.Helper()
	r.sql(t, "update public.user_configs set leased_until = leased_until - $1::interval, checked_at = checked_at - $1::interval", interval)
}

// settledColumns are what a result may change, except the tokens, and what it may not.
const settledColumns = "username, name, picture_url, page_name, retry, scopes, subscribed_fields, subscription_error, status, status_reason, page_id, facebook_user_id, " +
	"token_expires_at::date::text as ends, data_access_expires_at::date::text as data_ends, " +
	"checked_at > now() - interval '1 minute' as checked, token_version::float8 as version"

// claimFull connects an account that has something in each column, and claims it.
func (r *renewal) claimFull(t *testing.T) due {
	t.Helper()
	id := r.connect(t, 60)
	r.patch(t, id, object{
		"scopes": []string{"old"}, "subscribed_fields": []string{"old"}, "subscription_error": "old", "status": "expiring",
		"status_reason": "old", "token_expires_at": "2026-01-01", "data_access_expires_at": "2026-01-02",
	})
	return r.wantClaim(t, 1, id)[0]
}

// connectThrough connects an account of a user through a Page (nil: none) at a time.
func (p *project) connectThrough(t *testing.T, userID, id string, page, at any) {
	t.Helper()
	p.upsert(t, with(row(userID, id, newToken()), object{"page_id": page, "connected_at": at}))
}

// TestRenewalWalks: of 20,000 connections that are due, with 5,000 before them that failed and 5,000 that
// somebody holds, a claim reads little more than what it hands out, and nothing reads the whole table.
func TestRenewalWalks(t *testing.T) {
	p := empty(t, onPostgres(t))
	conn := p.session(t)
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec("set session_replication_role = replica") // without triggers: there are no tokens
	exec(`insert into public.user_configs (user_id, instagram_id, facebook_user_id, token_expires_at, checked_at, failures, lease_id, leased_until)
		select 'user ' || i, (17841500000000000 + i)::text, 'person ' || i, now() + i % 60 * interval '1 day',
			now() - (21 + i % 100) * interval '1 hour' - case when i % 4 < 2 then interval '30 days' else interval '0' end,
			(i % 4 = 0)::int, case when i % 4 = 1 then gen_random_uuid() end, case when i % 4 < 2 then now() + interval '1 hour' end
		from generate_series(1, 20000) i`)
	exec("set session_replication_role = origin")
	exec("vacuum analyze public.user_configs")
	t.Cleanup(func() { p.SQL(context.Background(), "delete from public.user_configs") })

	const claimed = "select lease_id, user_id, instagram_id, token_version from public.user_configs where lease_id = '00000000-0000-4000-8000-000000000001'"
	for _, c := range []struct {
		name, query string
		rows        int // that may be read of the table
	}{
		{"a claim", "select count(*) from public.claim_due_connections(100, '1 minute', p_lease_id => '00000000-0000-4000-8000-000000000001')", 1000},
		{"the next", "select count(*) from public.claim_due_connections(100, '1 minute', p_lease_id => '00000000-0000-4000-8000-000000000001')", 1000},
		{"a settlement", "select public.settle_connections((select jsonb_agg(to_jsonb(d) || '{\"checked\": true}') from (select * from claimed limit 100) d))", 1000},
		{"giving back", "select public.release_connections('00000000-0000-4000-8000-000000000001')", 10_500},
		{"the count", "select public.count_due_connections()", 20_000},
		{"health", "select count(*) from public.igconnect_backlog()", 12_000},
	} {
		// What a transaction reads is counted at once only for itself.
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		read := func() (whole, rows int) {
			t.Helper()
			err := tx.QueryRow(t.Context(), "select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables where relname = 'user_configs'").Scan(&whole, &rows)
			if err != nil {
				t.Fatal(err)
			}
			return whole, rows
		}
		if _, err := tx.Exec(t.Context(), "create temp table claimed on commit drop as "+claimed); err != nil {
			t.Fatal(err)
		}
		whole, rows := read()
		var got int
		if err := tx.QueryRow(t.Context(), c.query).Scan(&got); err != nil || got == 0 {
			t.Fatalf("%s: %d, %v", c.name, got, err)
		}
		if wholeAfter, rowsAfter := read(); wholeAfter != whole || rowsAfter-rows > c.rows {
			t.Errorf("%s reads %d rows, want at most %d, and the whole table %d times", c.name, rowsAfter-rows, c.rows, wholeAfter-whole)
		} else {
			t.Logf("%s reads %d rows", c.name, rowsAfter-rows)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRenewal(t *testing.T) { onBothDatabases(t, newRenewal, renewalCases) }

var renewalCases = []testCase[*renewal]{
	{"TokenEndsLease", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		r.wantClaim(t, 1, id)
		r.patch(t, id, object{"page_token": newToken(), "name": "A"})
		r.wantClaim(t, 1)
		r.upsert(t, r.connection(id, 60))
		r.wantClaim(t, 1, id)
	}},
	{"StatusSince", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		patch := func(change object) func() { return func() { r.patch(t, id, change) } }
		for _, c := range []struct {
			name  string
			write func()
			moves bool
		}{
			{"the same status", patch(object{"status": "active", "name": "A"}), false},
			{"a lease", func() { r.wantClaim(t, 1, id) }, false},
			{"a time of one's own", patch(object{"status_since": "2039-01-01"}), false},
			{"another status", patch(object{"status": "reconnect"}), true},
			{"another reason", patch(object{"status": "reconnect", "status_reason": "lost"}), false},
			{"a token that heals", patch(object{"token": newToken()}), true},
			{"an upsert", func() { r.upsert(t, r.connection(id, 60)) }, false},
		} {
			r.sql(t, "alter table public.user_configs disable trigger user_configs_times")
			r.sql(t, "update public.user_configs set status_since = now() - interval '2 hours'")
			r.sql(t, "alter table public.user_configs enable trigger user_configs_times")
			c.write()
			wantEqual(t, c.name, object{"moved": c.moves, "future": false},
				r.read(t, id, "status_since >= now() - interval '1 hour' as moved, status_since > now() as future"))
		}
	}},
	// A status that was set during a check stays.
	{"StatusWins", func(t *testing.T, r *renewal) {
		id := r.connect(t, 30)
		row := r.wantClaim(t, 10, id)[0]
		r.patch(t, id, object{"status": "reconnect", "status_reason": "stopped meanwhile"})
		r.settle(t, 0, row.result(object{"checked": true, "status": "active", "status_reason": nil}))
		r.wantStatus(t, id, "reconnect", "stopped meanwhile")
	}},
	{"ClaimRow", func(t *testing.T, r *renewal) {
		id := newID()
		in := with(r.connection(id, 60), object{
			"scopes": []any{"a", "b"}, "subscribed_fields": []any{"feed"}, "subscription_error": "(#200)",
			"data_access_expires_at": "2026-12-01T00:00:00Z", "status": "expiring", "status_reason": "soon",
		})
		r.upsert(t, in)
		var rows []object
		r.mustCall(t, "claim_due_connections", object{"p_limit": 1, "p_lease": "10 minutes"}, &rows)
		want := with(in, object{"lease_id": rows[0]["lease_id"], "token_version": 1.0})
		for _, key := range []string{"token_expires_at", "data_access_expires_at"} {
			if date, _, _ := strings.Cut(in[key].(string), "T"); strings.HasPrefix(rows[0][key].(string), date) {
				want[key] = rows[0][key] // in any form
			}
		}
		wantEqual(t, "claimed", []object{want}, rows)
		stored := r.read(t, id, "lease_id, extract(epoch from leased_until - now())::float8 as seconds")
		if seconds := stored["seconds"].(float64); stored["lease_id"] != rows[0]["lease_id"] || seconds < 500 || seconds > 601 {
			t.Errorf("lease %v for %g seconds; want %s for 600", stored["lease_id"], seconds, rows[0]["lease_id"])
		}
	}},
	{"ClaimOrder", func(t *testing.T, r *renewal) {
		never, late, soon, over := r.connect(t, 60), r.connect(t, 50), r.connect(t, 3), r.connect(t, -1)
		r.patch(t, never, object{"token_expires_at": nil})
		first, second := r.wantClaim(t, 2, over, soon), r.wantClaim(t, 5, late, never)
		if first[0].LeaseID != first[1].LeaseID || second[0].LeaseID == first[0].LeaseID {
			t.Errorf("leases %s, %s, then %s: want one for each claim", first[0].LeaseID, first[1].LeaseID, second[0].LeaseID)
		}
		r.wantClaim(t, 5)
	}},
	// Whose person nobody knows comes first: Meta's callbacks do not find it until then.
	{"ClaimUnknownFirst", func(t *testing.T, r *renewal) {
		soon, bare := r.connect(t, 1), newID()
		r.upsert(t, with(row(r.user.ID, bare, newToken()), object{"token_expires_at": "2039-01-01"}))
		r.wantClaim(t, 1, bare)
		r.pass(t, "1 hour")
		r.wantClaim(t, 10, bare, soon)
	}},
	// In "reconnect" only what may mend is claimed, and stays so until it is mended, connected again, or
	// stopped for good. Of any other status nothing is to be retried.
	{"ClaimRetried", func(t *testing.T, r *renewal) {
		const lost = "A checkpoint."
		tried, over := r.connect(t, 1), r.connect(t, 2)
		r.patch(t, over, object{"status": "reconnect", "status_reason": lost, "checked_at": "2026-01-01"})
		d := r.wantClaim(t, 10, tried)[0]
		verdict := object{"checked": true, "status": "reconnect", "status_reason": lost, "retry": true}
		retried := func() any { return r.read(t, tried, "retry")["retry"] }
		for _, c := range []struct {
			name    string
			settled object // the result of the claim; nil: it is given back
			act     func() // what happens after it
			claimed bool   // a day later
			status  string
		}{
			{"not mended", verdict, nil, true, "reconnect"},
			{"still not, and its token was prolonged", with(verdict, object{"token": newToken()}), nil, true, "reconnect"},
			{"an outage after that", object{"checked": false, "token": newToken()}, nil, true, "reconnect"},
			{"nothing new", object{"checked": true}, nil, true, "reconnect"},
			{"mended", object{"checked": true, "status": "active", "status_reason": nil}, nil, true, "active"},
			{"again", verdict, nil, true, "reconnect"},
			{"connected again", verdict, func() { r.patch(t, tried, object{"token": newToken()}) }, true, "active"},
			{"saved as not working, by a connect", verdict, func() {
				r.upsert(t, with(r.connection(tried, 1), object{"status": "reconnect", "retry": true, "connected_at": "2026-11-23"}))
			}, true, "reconnect"},
			{"over", with(verdict, object{"retry": false}), nil, false, "reconnect"},
			{"destroyed", with(verdict, object{"destroy": true}), nil, false, "reconnect"},
			{"deauthorized", verdict, func() { r.deauthorize(t, 2, removed, nil) }, false, "reconnect"},
			{"another Page", verdict, func() { r.connectThrough(t, r.newUser(t).ID, tried, "another", "2039-01-01") }, false, "reconnect"},
		} {
			r.settle(t, 1, d.result(c.settled))
			if c.act != nil {
				c.act()
			}
			r.sql(t, "delete from public.user_configs where user_id <> $1", r.user.ID)
			r.pass(t, "1 day")
			rows := r.claim(t, 10)
			if got := r.read(t, tried, "status")["status"]; (len(rows) == 1) != c.claimed || got != c.status || retried() != (c.claimed && c.status == "reconnect") {
				t.Fatalf("%s: claimed %v, status %v, retry %v", c.name, rows, got, retried())
			}
			if len(rows) == 0 { // begin anew
				r.upsert(t, r.connection(tried, 1))
				r.pass(t, "1 day")
				rows = r.wantClaim(t, 10, tried)
			}
			d = rows[0]
		}
		// Whoever stops it for good while it is checked wins, though the status is the same.
		r.settle(t, 1, d.result(verdict))
		r.pass(t, "1 day")
		d = r.wantClaim(t, 10, tried)[0]
		r.patch(t, tried, object{"status": "reconnect", "status_reason": "Not shared.", "retry": false})
		r.settle(t, 0, d.result(object{"checked": true, "status": "active"}))
		r.wantStatus(t, tried, "reconnect", "Not shared.")
	}},
	{"ClaimDue", func(t *testing.T, r *renewal) {
		ago := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }
		never, day, before, after, lost := r.connect(t, 1), r.connect(t, 2), r.connect(t, 3), r.connect(t, 4), r.connect(t, 5)
		r.patch(t, day, object{"checked_at": ago(24 * time.Hour), "status": "expiring"})
		r.patch(t, before, object{"checked_at": ago(20*time.Hour + time.Minute)})
		r.patch(t, after, object{"checked_at": ago(20*time.Hour - time.Minute)})
		r.patch(t, lost, object{"status": "reconnect"})

		r.wantCount(t, 3, "count_due_connections", object{})
		r.wantCount(t, 4, "count_due_connections", object{"p_unchecked": "1 hour"})
		r.wantClaim(t, 10, never, day, before)
		r.wantCount(t, 3, "count_due_connections", object{}) // they remain until they are settled
		var rows []due
		r.mustCall(t, "claim_due_connections", object{"p_limit": 10, "p_lease": "1 minute", "p_unchecked": "0"}, &rows)
		if len(rows) != 1 || rows[0].InstagramID != after {
			t.Errorf("claimed %v, want what was checked a moment ago", rows)
		}
	}},
	{"ClaimLease", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		first := r.wantClaim(t, 1, id)[0]
		r.wantClaim(t, 1)
		r.pass(t, "9 minutes")
		r.wantClaim(t, 1)
		r.pass(t, "1 minute") // the run was killed
		second := r.wantClaim(t, 1, id)[0]
		if first.LeaseID == second.LeaseID || second.Token != first.Token {
			t.Errorf("claimed %+v, then %+v", first, second)
		}
		r.wantClaim(t, 1)
	}},
	// More is due than a claim takes: what ends soonest comes first, and a share is left to what was not
	// checked for longest and to what failed. What these do not need the others take.
	{"ClaimShares", func(t *testing.T, r *renewal) {
		const limit, share = 16, 2
		kind := map[string]string{}
		connect := func(n int, name string, days int, change string) {
			for range n {
				id := r.connect(t, days)
				kind[id] = name
				r.sql(t, "update public.user_configs set "+change+" where instagram_id = $1", id)
			}
		}
		connect(20, "soon", 1, "checked_at = now() - interval '21 hours'")
		connect(3, "long unchecked", 50, "checked_at = now() - interval '5 days'")
		connect(3, "failed", 1, "checked_at = now() - interval '6 days', failures = 1")
		connect(1, "left alone", 1, "checked_at = now() - interval '6 days', failures = 2, leased_until = now() + interval '1 hour'")
		for i, want := range []map[string]int{
			{"soon": limit - 2*share, "long unchecked": share, "failed": share},
			{"soon": 20 - (limit - 2*share), "long unchecked": 1, "failed": 1},
			{},
		} {
			got := map[string]int{}
			for _, row := range r.claim(t, limit) {
				got[kind[row.InstagramID]]++
			}
			wantEqual(t, fmt.Sprint("claim ", i), want, got)
		}
		r.wantCount(t, 27, "count_due_connections", object{})
	}},
	// A check that failed for a reason of its connection's own sets that back in the order, and when it fails
	// again leaves it alone for a time that doubles. What is given back unchecked is as before.
	{"FailureSetsBack", func(t *testing.T, r *renewal) {
		first, other := r.connect(t, 1), r.connect(t, 2)
		mark := func() object {
			return r.read(t, first, "failures, coalesce(round(extract(epoch from leased_until - now()) / 60), 0)::float8 as minutes")
		}
		want := func(name string, failures, minutes float64) {
			t.Helper()
			wantEqual(t, name, object{"failures": failures, "minutes": minutes}, mark())
		}
		claimFirst := func() due {
			t.Helper()
			r.sql(t, "update public.user_configs set leased_until = null")
			for _, row := range r.claim(t, 2) {
				if row.InstagramID == first {
					return row
				}
			}
			t.Fatal("it is not due")
			return due{}
		}
		d := r.wantClaim(t, 1, first)[0]
		r.settle(t, 1, d.result(object{"failed": true}))
		want("failed once", 1, 0)
		rows := r.wantClaim(t, 2, other, first)
		r.wantCount(t, 2, "release_connections", object{"p_lease_id": rows[0].LeaseID})
		want("given back", 1, 0)
		for i, minutes := range []float64{15, 30, 60, 120, 240, 480, 960, 1200, 1200} {
			r.settle(t, 1, claimFirst().result(object{"failed": true, "checked": false, "retry_after": 600}))
			want("failed again", float64(i)+2, minutes)
		}
		r.sql(t, "update public.user_configs set failures = 100000 where instagram_id = $1", first)
		r.settle(t, 1, claimFirst().result(object{"failed": true, "retry_after": 90000}))
		if got := mark()["minutes"]; got != 1500.0 {
			t.Errorf("left alone for %v minutes, want the time that Meta names", got)
		}
		r.settle(t, 1, claimFirst().result(object{"checked": true, "failed": true}))
		want("it goes well", 0, 0)

		r.pass(t, "1 day")
		r.settle(t, 1, claimFirst().result(object{"failed": true}))
		r.patch(t, first, object{"token": newToken()})
		want("connected again", 0, 0)
		claimFirst()
		r.pass(t, "1 day") // the run was killed
		claimFirst()
		want("a lease that ran out", 1, 10)
	}},
	{"ClaimSecretGone", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		for i, name := range []string{"/page_token", ""} {
			r.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+r.user.ID+"/"+id+name)
			got := r.wantClaim(t, 1, id)[0]
			if got.PageToken != "" || (got.Token == "") != (i == 1) {
				t.Errorf("without the secret %q: token %q, Page's token %q", name, got.Token, got.PageToken)
			}
			r.pass(t, "1 hour")
		}
		r.settle(t, 1, r.wantClaim(t, 1, id)[0].result(object{"status": "reconnect", "destroy": true}))

		bare := newID() // the recipe's own upsert of a row that has no token
		r.upsert(t, object{"user_id": r.user.ID, "instagram_id": bare})
		if got := r.wantClaim(t, 1, bare)[0]; got.Token != "" || got.TokenVersion != 0 {
			t.Errorf("claimed %+v", got)
		}
	}},
	// What both kinds of claim refuse. A refused one takes nothing.
	// One secret that cannot be opened stops its own connection, and a Page's is fetched anew.
	{"ClaimUnopened", func(t *testing.T, r *renewal) {
		broken, page, well := r.connect(t, 30), r.connect(t, 20), r.connect(t, 10)
		r.patch(t, page, object{"page_token": newToken()})
		r.breakSecret(t, "user_configs/"+r.user.ID+"/"+broken)
		r.breakSecret(t, "user_configs/"+r.user.ID+"/"+page+"/page_token")
		r.wantClaim(t, 10, well, page)
		r.wantStatus(t, broken, "reconnect", "The saved token cannot be opened any more. Connect the account again.")
		wantEqual(t, "leased", object{"lease_id": nil, "leased_until": nil}, r.read(t, broken, "lease_id, leased_until"))
		r.upsert(t, with(row(r.user.ID, broken, "new"), object{"page_token": "new too"}))
		r.wantStatus(t, broken, "active", nil)
		r.wantTokens(t, broken, "new", "new too")
	}},
	{"ClaimBounds", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		in := &inbox{project: r.project, userID: r.user.ID, account: id}
		in.ingest(t, 1, in.event("a", "ann", 1))
		for function, most := range map[string]int{"claim_due_connections": 100, "claim_instagram_events": 1000} {
			for _, bad := range []any{-1, 0, most + 1, nil} {
				r.wantRefused(t, function, object{"p_limit": bad, "p_lease": "1 minute"}, fmt.Sprintf("p_limit must be between 1 and %d.", most))
			}
			for _, bad := range []any{"-1 minute", "0", "999 milliseconds", "3601 seconds", "1 day", nil} {
				r.wantRefused(t, function, object{"p_limit": 1, "p_lease": bad}, "p_lease must be between 1 second and 1 hour")
			}
		}
		for _, bad := range []any{"-1 second", "31 days", nil} {
			r.wantRefused(t, "claim_due_connections", object{"p_limit": 1, "p_lease": "1 minute", "p_unchecked": bad}, "p_unchecked must be between 0 and 30 days")
		}
		if r.leased(t, id) {
			t.Error("a refused claim took a row")
		}
		r.dropConnectionEvents(t)
		for _, most := range []object{{"p_limit": 1000, "p_lease": "1 hour"}, {"p_limit": 1, "p_lease": "1 second"}} {
			var rows []claimed
			if in.mustCall(t, "claim_instagram_events", most, &rows); len(rows) != 1 {
				t.Errorf("claimed %v", rows)
			}
			in.pass(t, "1 hour")
		}
	}},
	{"Release", func(t *testing.T, r *renewal) {
		a, b, c := r.connect(t, 1), r.connect(t, 2), r.connect(t, 3)
		claimed := r.wantClaim(t, 2, a, b)
		other := r.wantClaim(t, 1, c)[0]
		r.settle(t, 1, claimed[0].result(object{"checked": true}))
		release := object{"p_lease_id": claimed[0].LeaseID}
		r.wantCount(t, 1, "release_connections", release)
		r.wantCount(t, 0, "release_connections", release)
		r.wantCount(t, 0, "release_connections", object{"p_lease_id": nil})
		r.settle(t, 0, claimed[1].result(object{"checked": true})) // it was given back
		r.wantClaim(t, 5, b)
		r.settle(t, 1, other.result(object{"checked": true}))
	}},
	// The claims of a run under one id are released together, also one whose answer never came.
	{"ReleaseRun", func(t *testing.T, r *renewal) {
		a, b, c := r.connect(t, 1), r.connect(t, 2), r.connect(t, 3)
		run := uuid.NewString()
		claim := object{"p_limit": 1, "p_lease": "10 minutes", "p_lease_id": run}
		for range 2 {
			var rows []due
			if r.mustCall(t, "claim_due_connections", claim, &rows); len(rows) != 1 || rows[0].LeaseID != run {
				t.Fatalf("claimed %v", rows)
			}
		}
		r.wantClaim(t, 1, c)
		r.wantCount(t, 2, "release_connections", object{"p_lease_id": run})
		r.wantClaim(t, 10, a, b)
	}},
	// A result changes only what it names. A null empties, but is no new token.
	{"Settle", func(t *testing.T, r *renewal) {
		for _, c := range []struct {
			name   string
			result object
			want   object // what changes of the row
		}{
			{"leaves all out", object{"checked": true}, object{"checked": true}},
			{"names all", object{
				"scopes": []string{"new", "er"}, "subscribed_fields": []string{}, "subscription_error": "new", "status": "reconnect",
				"status_reason": "new", "token_expires_at": "2027-01-01T00:00:00Z", "data_access_expires_at": "2027-01-02T00:00:00Z",
				"username": "new", "name": "new", "picture_url": "new", "page_name": "new", "retry": true,
				"page_id": "not among the keys", "facebook_user_id": "nor this", "token_secret_id": nil, "checked": true,
			}, object{
				"scopes": []any{"new", "er"}, "subscribed_fields": []any{}, "subscription_error": "new", "status": "reconnect",
				"status_reason": "new", "ends": "2027-01-01", "data_ends": "2027-01-02", "checked": true,
				"username": "new", "name": "new", "picture_url": "new", "page_name": "new", "retry": true,
			}},
			{"nulls", object{
				"scopes": nil, "subscribed_fields": nil, "subscription_error": nil, "status_reason": nil, "token_expires_at": nil,
				"data_access_expires_at": nil, "token": nil, "page_token": nil, "checked": nil, "destroy": nil,
			}, object{"scopes": nil, "subscribed_fields": nil, "subscription_error": nil, "status_reason": nil, "ends": nil, "data_ends": nil}},
			{"unchecked", object{"checked": false}, object{}}, // what met a transient failure
		} {
			t.Run(c.name, func(t *testing.T) {
				r := newRenewal(t, r.project)
				d := r.claimFull(t)
				before := r.read(t, d.InstagramID, settledColumns+", status_since")
				r.settle(t, 1, d.result(c.result))
				want, got := with(before, c.want), r.read(t, d.InstagramID, settledColumns+", status_since")
				if c.want["status"] != nil {
					want["status_since"] = got["status_since"]
				}
				wantEqual(t, "row", want, got)
				r.wantTokens(t, d.InstagramID, d.Token, d.PageToken)
				if r.leased(t, d.InstagramID) {
					t.Error("not free")
				}
				r.settle(t, 0, d.result(c.result)) // a second time
				if c.want["checked"] != nil {
					r.wantClaim(t, 1)
				} else { // due again at once
					r.wantCount(t, 1, "count_due_connections", object{})
					r.wantClaim(t, 1, d.InstagramID)
				}
			})
		}
		r.settle(t, 0)
	}},
	// The rows of one call are settled in different ways.
	{"SettleSeveral", func(t *testing.T, r *renewal) {
		rows := r.wantClaim(t, 4, r.connect(t, 1), r.connect(t, 2), r.connect(t, 3), r.connect(t, 4))
		r.settle(t, 3,
			rows[3].result(object{"checked": true, "status": "expiring"}),
			rows[0].result(object{"checked": true, "token": "renewed"}),
			rows[2].result(object{"checked": true, "destroy": true, "status": "reconnect"}),
			due{LeaseID: rows[1].LeaseID, UserID: rows[1].UserID, InstagramID: "unknown", TokenVersion: 1}.result(nil))
		for i, want := range []struct {
			token, pageToken any
			status           string
		}{
			{"renewed", rows[0].PageToken, "active"}, {rows[1].Token, rows[1].PageToken, "active"},
			{nil, nil, "reconnect"}, {rows[3].Token, rows[3].PageToken, "expiring"},
		} {
			r.wantTokens(t, rows[i].InstagramID, want.token, want.pageToken)
			r.wantStatus(t, rows[i].InstagramID, want.status, nil)
			if leased := r.leased(t, rows[i].InstagramID); leased != (i == 1) {
				t.Errorf("row %d: leased = %v", i, leased)
			}
		}
	}},
	{"SettleTokens", func(t *testing.T, r *renewal) {
		d, token, page := r.claimFull(t), newToken(), newToken()
		r.settle(t, 1, d.result(object{"token": token, "page_token": page, "status": "active", "status_reason": nil, "checked": true}))
		r.wantTokens(t, d.InstagramID, token, page)
		r.wantStatus(t, d.InstagramID, "active", nil)
		r.wantSecrets(t, 2, r.user.ID)
		r.pass(t, "1 day")
		again := r.wantClaim(t, 1, d.InstagramID)[0]
		if again.TokenVersion != d.TokenVersion+1 {
			t.Errorf("version %d, want %d", again.TokenVersion, d.TokenVersion+1)
		}
		// One of both: the other stays.
		r.settle(t, 1, again.result(object{"page_token": "another"}))
		r.wantTokens(t, d.InstagramID, token, "another")
		r.wantNowhere(t, token, page)
	}},
	{"SettleDestroys", func(t *testing.T, r *renewal) {
		d, other := r.claimFull(t), r.connect(t, 60)
		r.settle(t, 1, d.result(object{"destroy": true, "token": newToken(), "status": "reconnect", "status_reason": "revoked", "checked": true}))
		r.wantTokens(t, d.InstagramID, nil, nil)
		r.wantStatus(t, d.InstagramID, "reconnect", "revoked")
		left := "user_configs/" + r.user.ID + "/" + other
		wantEqual(t, "secrets", []string{left, left + "/page_token"}, r.secretNames(t, r.user.ID))
		again := r.connection(d.InstagramID, 60)
		r.upsert(t, again)
		r.wantTokens(t, d.InstagramID, again["token"], again["page_token"])
		r.wantStatus(t, d.InstagramID, "active", nil)
	}},
	{"SettleTooLate", func(t *testing.T, r *renewal) {
		id := r.connect(t, 60)
		slow := r.wantClaim(t, 1, id)[0]
		r.pass(t, "10 minutes")
		other := r.wantClaim(t, 1, id)[0]
		r.settle(t, 0, slow.result(object{"token": "stale", "status": "reconnect", "checked": true, "destroy": true}))
		wantEqual(t, "row", object{"status": "active", "lease_id": other.LeaseID}, r.read(t, id, "status, lease_id"))
		// Late, but nobody else came.
		r.pass(t, "1 hour")
		r.settle(t, 1, other.result(object{"token": "fresh", "checked": true}))
		r.wantTokens(t, id, "fresh", other.PageToken)
	}},
	// The person acts between claim and settlement.
	{"SettleAfterPerson", func(t *testing.T, r *renewal) {
		const token = "the person's"
		for _, c := range []struct {
			name string
			act  func(t *testing.T, id string)
			stay bool
		}{
			{"reconnects", func(t *testing.T, id string) { r.upsert(t, row(r.user.ID, id, token)) }, true},
			{"reconnects by patch", func(t *testing.T, id string) { r.patch(t, id, object{"token": token}) }, true},
			{"disconnects", func(t *testing.T, id string) { r.disconnect(t, id) }, false},
			{"disconnects and connects", func(t *testing.T, id string) { r.disconnect(t, id); r.upsert(t, row(r.user.ID, id, token)) }, true},
		} {
			t.Run(c.name, func(t *testing.T) {
				id := r.connect(t, 60)
				d := r.wantClaim(t, 1, id)[0]
				c.act(t, id)
				late := d.result(object{"token": "renewed", "status": "reconnect", "checked": true, "destroy": true})
				r.settle(t, 0, late)
				// Also where the lease came back: the version alone decides then.
				r.sql(t, "update public.user_configs set lease_id = $1::uuid where token_version <> 1", d.LeaseID)
				r.settle(t, 0, late)
				if !c.stay {
					wantEqual(t, "look-up", []object{}, r.lookUp(t, id))
					return
				}
				wantEqual(t, "tokens", []string{token}, texts(r.lookUp(t, id), "token"))
				r.wantStatus(t, id, "active", nil)
				r.disconnect(t, id)
			})
		}
	}},
	// Some clients encode the array twice, as a JSON string.
	{"SettleEncodedTwice", func(t *testing.T, r *renewal) {
		d := r.claimFull(t)
		text, err := json.Marshal([]object{d.result(object{"checked": true, "token": "renewed", "status_reason": nil})})
		if err != nil {
			t.Fatal(err)
		}
		r.wantCount(t, 1, "settle_connections", object{"results": string(text)})
		r.wantTokens(t, d.InstagramID, "renewed", d.PageToken)
	}},
	{"SettleRefuses", func(t *testing.T, r *renewal) {
		rows := r.wantClaim(t, 2, r.connect(t, 1), r.connect(t, 2))
		for _, results := range []any{nil, object{}, 1, "x", "{}", []any{1}, []any{"x"}} {
			r.wantRefused(t, "settle_connections", object{"results": results}, "settle_connections")
		}
		for _, bad := range []object{
			{"status": "great"}, {"status": nil}, {"token": ""}, {"page_token": " "}, {"token_expires_at": "soon"}, {"checked": "perhaps"},
		} {
			r.wantRefused(t, "settle_connections", object{"results": []object{
				rows[0].result(object{"token": "renewed", "checked": true}), rows[1].result(bad)}}, "settle_connections")
		}
		for _, d := range rows {
			r.wantTokens(t, d.InstagramID, d.Token, d.PageToken)
		}
		r.settle(t, 2, rows[0].result(nil), rows[1].result(nil)) // nothing of it was written, the leases hold
	}},
	// A row that was written without a person learns it, keeps its Page token, and is then found by
	// Meta's callbacks. One that is known stays.
	{"SettleLearnsPerson", func(t *testing.T, r *renewal) {
		id := newID()
		unknown := r.connection(id, 30)
		delete(unknown, "facebook_user_id")
		r.upsert(t, unknown)
		known := r.connect(t, 60)
		for _, row := range r.wantClaim(t, 10, id, known) {
			r.settle(t, 1, row.result(object{"checked": true, "facebook_user_id": "learned"}))
		}
		wantEqual(t, "an unknown person", object{"facebook_user_id": "learned"}, r.read(t, id, "facebook_user_id"))
		wantEqual(t, "a known one", object{"facebook_user_id": r.facebook}, r.read(t, known, "facebook_user_id"))
		r.wantTokens(t, id, unknown["token"], unknown["page_token"])
		r.wantCount(t, 1, "deauthorize_facebook_user", object{"p_facebook_user_id": "learned", "p_reason": "removed"})
	}},
	// Who connects an account through another Page ends only what other users connected before.
	{"OnePage", func(t *testing.T, r *renewal) {
		const earlier, later = "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"
		for _, c := range []struct {
			name       string
			page, at   any // of the earlier connection; nil: none
			by, byPage any // when the other user connects, and through what
			ends       bool
		}{
			{"through another Page", "1", earlier, later, "2", true},
			{"through the same Page", "1", earlier, later, "1", false},
			{"an older connection that is written late", "1", later, earlier, "2", false},
			{"from a client that knows no Page", "1", earlier, later, nil, false},
			{"the earlier one knows no Page", nil, earlier, later, "2", false},
		} {
			t.Run(c.name, func(t *testing.T) {
				id, other := newID(), r.newUser(t).ID
				r.connectThrough(t, r.user.ID, id, c.page, c.at)
				r.claim(t, 100)
				r.connectThrough(t, other, id, c.byPage, c.by)

				want := object{"status": "active", "status_reason": nil, "leased": true}
				if c.ends {
					want = object{"status": "reconnect", "status_reason": "This Instagram account is linked to another Facebook Page now.", "leased": false}
				}
				wantEqual(t, "rows", []object{want, {"status": "active", "status_reason": nil, "leased": false}}, r.sql(t,
					"select status, status_reason, lease_id is not null as leased from public.user_configs where instagram_id = $1 order by user_id = $2", id, other))
			})
		}
	}},
	// The account went back to the earlier Page, whose client wrote a new token by the
	// recipe's own upsert. The daily check of the later connection does not end the earlier one again.
	{"OnePageRenewal", func(t *testing.T, r *renewal) {
		id := newID()
		r.connectThrough(t, r.user.ID, id, "1", "2026-11-23T08:00:00Z")
		r.connectThrough(t, r.newUser(t).ID, id, "2", "2026-11-23T09:00:00Z")
		r.upsert(t, row(r.user.ID, id, newToken()))
		results := []object{}
		for _, due := range r.claim(t, 100) {
			results = append(results, due.result(object{"status": "active", "token": newToken()}))
		}
		r.settle(t, 2, results...)
		wantEqual(t, "status", []object{{"status": "active"}, {"status": "active"}},
			r.sql(t, "select status from public.user_configs where instagram_id = $1", id))
	}},
	{"Attention", func(t *testing.T, r *renewal) {
		r.connect(t, 60) // is well
		ending, lost := r.connect(t, 60), r.connect(t, 60)
		r.patch(t, ending, object{"username": "bakery", "status": "expiring", "status_reason": "It ends soon."})
		r.patch(t, lost, object{"status": "reconnect", "status_reason": "The password changed."})
		status, out := r.rest(t, r.service(), "GET", "connections_needing_attention?select=*&order=status", nil)
		var rows []object
		if err := json.Unmarshal([]byte(out), &rows); status != 200 || err != nil {
			t.Fatalf("status %d, %v: %s", status, err, out)
		}
		for _, row := range rows {
			if row["since"] == nil {
				t.Errorf("no since: %v", row)
			}
			delete(row, "since")
		}
		wantEqual(t, "rows", []object{
			{"user_id": r.user.ID, "instagram_id": ending, "username": "bakery", "status": "expiring", "status_reason": "It ends soon."},
			{"user_id": r.user.ID, "instagram_id": lost, "username": nil, "status": "reconnect", "status_reason": "The password changed."},
		}, rows)
	}},
}
