package supalite_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func testLifeTokenVersion(t *testing.T, l *life) {
	id := newID()
	for i, test := range []struct {
		name  string
		write func()
		want  float64
	}{
		{"a row without a token", func() { l.mustUpsert(t, object{"user_id": l.user.ID, "instagram_id": id, "name": "A"}) }, 0},
		{"a token by upsert", func() { l.mustUpsert(t, row(l.user, id, newToken())) }, 1},
		{"another by upsert", func() { l.mustUpsert(t, row(l.user, id, newToken())) }, 2},
		{"the same by upsert", func() { l.reconnect(t, id, 60); l.reconnect(t, id, 60) }, 4},
		{"one by patch", func() { l.mustPatch(t, id, object{"token": newToken()}) }, 5},
		{"a Page's token", func() { l.mustPatch(t, id, object{"page_token": newToken()}) }, 5},
		{"no token", func() { l.mustUpsert(t, object{"user_id": l.user.ID, "instagram_id": id, "token": nil}) }, 5},
		{"another column", func() { l.mustPatch(t, id, object{"name": "B"}) }, 5},
		{"a version", func() { l.mustPatch(t, id, object{"token_version": 99}) }, 5},
		{"a version and a token", func() { l.mustPatch(t, id, object{"token_version": 99, "token": newToken()}) }, 6},
	} {
		test.write()
		if got := l.read(t, id, "token_version::float8 as v")["v"]; got != test.want {
			t.Errorf("%d, %s: version %v, want %v", i, test.name, got, test.want)
		}
	}
	id = newID()
	forged := row(l.user, id, newToken())
	forged["token_version"] = 99
	l.mustUpsert(t, forged)
	if got := l.read(t, id, "token_version::float8 as v")["v"]; got != 1.0 {
		t.Errorf("a first row that names a version: %v, want 1", got)
	}
}

func testLifeTokenEndsLease(t *testing.T, l *life) {
	id := l.connect(t, 60)
	l.wantClaim(t, 1, id)
	l.mustPatch(t, id, object{"page_token": newToken(), "name": "A"})
	l.wantClaim(t, 1)
	l.reconnect(t, id, 60)
	l.wantClaim(t, 1, id)
}

func testLifeStatusSince(t *testing.T, l *life) {
	id := l.connect(t, 60)
	const long = "status_since < now() - interval '1 hour' as long"
	for _, test := range []struct {
		name  string
		write func()
		moves bool
	}{
		{"the same status", func() { l.mustPatch(t, id, object{"status": "active", "name": "A"}) }, false},
		{"a lease", func() { l.wantClaim(t, 1, id) }, false},
		{"a time of one's own", func() { l.mustPatch(t, id, object{"status_since": "2039-01-01"}) }, false},
		{"another status", func() { l.mustPatch(t, id, object{"status": "reconnect"}) }, true},
		{"another reason", func() { l.mustPatch(t, id, object{"status": "reconnect", "status_reason": "lost"}) }, false},
		{"a token that heals", func() { l.mustPatch(t, id, object{"token": newToken()}) }, true},
		{"an upsert", func() { l.reconnect(t, id, 60) }, false},
	} {
		l.sql(t, "alter table public.user_configs disable trigger user_configs_status_since")
		l.sql(t, "update public.user_configs set status_since = now() - interval '2 hours'")
		l.sql(t, "alter table public.user_configs enable trigger user_configs_status_since")
		test.write()
		if moved := !l.read(t, id, long)["long"].(bool); moved != test.moves {
			t.Errorf("%s: status_since moved = %v", test.name, moved)
		}
		if l.read(t, id, "status_since > now() as future")["future"].(bool) {
			t.Errorf("%s: status_since is not here yet", test.name)
		}
	}
}

func testLifeClaimRow(t *testing.T, l *life) {
	id := newID()
	in := l.connection(id, 60)
	in["scopes"], in["subscribed_fields"], in["subscription_error"] = []string{"a", "b"}, []string{"feed"}, "(#200)"
	in["data_access_expires_at"], in["status"], in["status_reason"] = "2026-12-01T00:00:00Z", "expiring", "soon"
	l.mustUpsert(t, in)

	got := l.wantClaim(t, 1, id)[0]
	want := due{
		UserID: l.user.ID, InstagramID: id, FacebookUserID: l.facebook,
		Token: in["token"].(string), TokenVersion: 1, PageID: in["page_id"].(string), PageToken: in["page_token"].(string),
		Scopes: []string{"a", "b"}, SubscribedFields: []string{"feed"}, SubscriptionError: "(#200)",
		Status: "expiring", StatusReason: "soon",
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(due{}, "LeaseID", "TokenExpiresAt", "DataAccessExpires")); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	expires, _, _ := strings.Cut(in["token_expires_at"].(string), "T")
	if !strings.HasPrefix(got.TokenExpiresAt, expires) || !strings.HasPrefix(got.DataAccessExpires, "2026-12-01") {
		t.Errorf("ends %q, data access %q", got.TokenExpiresAt, got.DataAccessExpires)
	}
	stored := l.read(t, id, "lease_id, extract(epoch from leased_until - now())::float8 as seconds")
	if seconds := stored["seconds"].(float64); stored["lease_id"] != got.LeaseID || seconds < 500 || seconds > 601 {
		t.Errorf("lease %v for %g seconds; want %s for 600", stored["lease_id"], seconds, got.LeaseID)
	}
}

func testLifeClaimOrder(t *testing.T, l *life) {
	never, late, soon, over := l.connect(t, 60), l.connect(t, 50), l.connect(t, 3), l.connect(t, -1)
	l.mustPatch(t, never, object{"token_expires_at": nil})
	first := l.wantClaim(t, 2, over, soon)
	second := l.wantClaim(t, 5, late, never)
	if first[0].LeaseID != first[1].LeaseID || second[0].LeaseID == first[0].LeaseID {
		t.Errorf("leases %s, %s, then %s: want one for each claim", first[0].LeaseID, first[1].LeaseID, second[0].LeaseID)
	}
	l.wantClaim(t, 5)
}

func testLifeClaimDue(t *testing.T, l *life) {
	ago := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }
	never, day, before, after, lost := l.connect(t, 1), l.connect(t, 2), l.connect(t, 3), l.connect(t, 4), l.connect(t, 5)
	l.mustPatch(t, day, object{"checked_at": ago(24 * time.Hour), "status": "expiring"})
	l.mustPatch(t, before, object{"checked_at": ago(20*time.Hour + time.Minute)})
	l.mustPatch(t, after, object{"checked_at": ago(20*time.Hour - time.Minute)})
	l.mustPatch(t, lost, object{"status": "reconnect"})

	l.wantCount(t, 3, "count_due_connections", object{})
	l.wantCount(t, 4, "count_due_connections", object{"p_unchecked": "1 hour"})
	l.wantClaim(t, 10, never, day, before)
	l.wantCount(t, 3, "count_due_connections", object{}) // they remain until they are settled
	var rows []due
	l.mustCall(t, "claim_due_connections", object{"p_limit": 10, "p_lease": "1 minute", "p_unchecked": "0"}, &rows)
	if len(rows) != 1 || rows[0].InstagramID != after {
		t.Errorf("claimed %v, want what was checked a moment ago", rows)
	}
}

func testLifeClaimLease(t *testing.T, l *life) {
	id := l.connect(t, 60)
	first := l.wantClaim(t, 1, id)[0]
	l.wantClaim(t, 1)
	l.pass(t, "9 minutes")
	l.wantClaim(t, 1)
	l.pass(t, "1 minute") // the run was killed
	second := l.wantClaim(t, 1, id)[0]
	if first.LeaseID == second.LeaseID || second.Token != first.Token {
		t.Errorf("claimed %+v, then %+v", first, second)
	}
	l.wantClaim(t, 1)
}

func testLifeClaimSecretGone(t *testing.T, l *life) {
	id := l.connect(t, 60)
	for i, name := range []string{"/page_token", ""} {
		l.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+l.user.ID+"/"+id+name)
		got := l.wantClaim(t, 1, id)[0]
		if got.PageToken != "" || (got.Token == "") != (i == 1) {
			t.Errorf("without the secret %q: token %q, Page's token %q", name, got.Token, got.PageToken)
		}
		l.pass(t, "1 hour")
	}
	l.settle(t, 1, l.wantClaim(t, 1, id)[0].result(object{"status": "reconnect", "destroy": true}))

	bare := newID() // the seed's own upsert of a row that has no token
	l.mustUpsert(t, object{"user_id": l.user.ID, "instagram_id": bare})
	if got := l.wantClaim(t, 1, bare)[0]; got.Token != "" || got.TokenVersion != 0 {
		t.Errorf("claimed %+v", got)
	}
}

func testLifeClaimBounds(t *testing.T, l *life) {
	id := l.connect(t, 60)
	with := func(name string, value any) object {
		args := object{"p_limit": 1, "p_lease": "1 minute"}
		args[name] = value
		return args
	}
	for _, limit := range []any{-1, 0, 1001, nil} {
		l.wantRefused(t, "claim_due_connections", with("p_limit", limit), "p_limit must be between 1 and 1000")
	}
	for _, lease := range []any{"-1 minute", "0", "999 milliseconds", "3601 seconds", "1 day", nil} {
		l.wantRefused(t, "claim_due_connections", with("p_lease", lease), "p_lease must be between 1 second and 1 hour")
	}
	for _, unchecked := range []any{"-1 second", "31 days", nil} {
		l.wantRefused(t, "claim_due_connections", with("p_unchecked", unchecked), "p_unchecked must be between 0 and 30 days")
	}
	if l.leased(t, id) {
		t.Error("a refused claim took a row")
	}
}

func testLifeRelease(t *testing.T, l *life) {
	a, b, c := l.connect(t, 1), l.connect(t, 2), l.connect(t, 3)
	claimed := l.wantClaim(t, 2, a, b)
	other := l.wantClaim(t, 1, c)[0]
	l.settle(t, 1, claimed[0].result(object{"checked": true}))
	release := object{"p_lease_id": claimed[0].LeaseID}
	l.wantCount(t, 1, "release_connections", release)
	l.wantCount(t, 0, "release_connections", release)
	l.wantCount(t, 0, "release_connections", object{"p_lease_id": nil})
	l.settle(t, 0, claimed[1].result(object{"checked": true})) // it was given back
	l.wantClaim(t, 5, b)
	l.settle(t, 1, other.result(object{"checked": true}))
}
