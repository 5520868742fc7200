package supalite_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lifeColumns are the columns that a result may name, except the tokens.
const lifeColumns = "scopes, subscribed_fields, subscription_error, status, status_reason, " +
	"token_expires_at::date::text as ends, data_access_expires_at::date::text as data_ends"

// settled connects an account that has something in each column, and claims it.
func (l *life) settled(t *testing.T) due {
	t.Helper()
	id := l.connect(t, 60)
	l.mustPatch(t, id, object{
		"scopes": []string{"old"}, "subscribed_fields": []string{"old"}, "subscription_error": "old", "status": "expiring",
		"status_reason": "old", "token_expires_at": "2026-01-01", "data_access_expires_at": "2026-01-02",
	})
	return l.wantClaim(t, 1, id)[0]
}

func testLifeSettleKeeps(t *testing.T, l *life) {
	d := l.settled(t)
	l.settle(t, 1, d.result(object{"checked": true}))
	want := object{"scopes": []any{"old"}, "subscribed_fields": []any{"old"}, "subscription_error": "old", "status": "expiring",
		"status_reason": "old", "ends": "2026-01-01", "data_ends": "2026-01-02"}
	if diff := cmp.Diff(want, l.read(t, d.InstagramID, lifeColumns)); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if got := l.lookUp(t, d.InstagramID)[0]; got["token"] != d.Token || got["page_token"] != d.PageToken {
		t.Errorf("tokens changed: %v", got)
	}
	if l.leased(t, d.InstagramID) || !l.read(t, d.InstagramID, "checked_at > now() - interval '1 minute' as now")["now"].(bool) {
		t.Error("not free, or not checked")
	}
	l.wantClaim(t, 1)
	l.settle(t, 0, d.result(object{"checked": true})) // a second time
	l.settle(t, 0)
}

func testLifeSettleWrites(t *testing.T, l *life) {
	d := l.settled(t)
	l.settle(t, 1, d.result(object{
		"scopes": []string{"new", "er"}, "subscribed_fields": []string{}, "subscription_error": "new", "status": "reconnect",
		"status_reason": "new", "token_expires_at": "2027-01-01T00:00:00Z", "data_access_expires_at": "2027-01-02T00:00:00Z",
		"page_id": "not among the keys", "facebook_user_id": "nor this", "token_secret_id": nil, "checked": true,
	}))
	want := object{"scopes": []any{"new", "er"}, "subscribed_fields": []any{}, "subscription_error": "new", "status": "reconnect",
		"status_reason": "new", "ends": "2027-01-01", "data_ends": "2027-01-02", "page_id": d.PageID, "facebook_user_id": l.facebook}
	if diff := cmp.Diff(want, l.read(t, d.InstagramID, lifeColumns+", page_id, facebook_user_id")); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	l.wantToken(t, d.InstagramID, d.Token)
}

func testLifeSettleNulls(t *testing.T, l *life) {
	d := l.settled(t)
	l.settle(t, 1, d.result(object{
		"scopes": nil, "subscribed_fields": nil, "subscription_error": nil, "status_reason": nil,
		"token_expires_at": nil, "data_access_expires_at": nil, "token": nil, "page_token": nil, "checked": nil, "destroy": nil,
	}))
	want := object{"scopes": nil, "subscribed_fields": nil, "subscription_error": nil, "status": "expiring",
		"status_reason": nil, "ends": nil, "data_ends": nil, "checked_at": nil}
	if diff := cmp.Diff(want, l.read(t, d.InstagramID, lifeColumns+", checked_at")); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if got := l.lookUp(t, d.InstagramID)[0]; got["token"] != d.Token || got["page_token"] != d.PageToken {
		t.Errorf("a null is no new token: %v", got)
	}
}

// testLifeSettleUnchecked gives back what met a transient failure: nothing changes, and it is due again.
func testLifeSettleUnchecked(t *testing.T, l *life) {
	d := l.settled(t)
	const all = lifeColumns + ", checked_at, token_version::float8 as version, status_since"
	before := l.read(t, d.InstagramID, all)
	l.settle(t, 1, d.result(object{"checked": false}))
	if diff := cmp.Diff(before, l.read(t, d.InstagramID, all)); diff != "" {
		t.Errorf("row (-before +after):\n%s", diff)
	}
	l.wantCount(t, 1, "count_due_connections", object{})
	l.wantClaim(t, 1, d.InstagramID)
}

// testLifeSettleSeveral settles rows of one call in different ways.
func testLifeSettleSeveral(t *testing.T, l *life) {
	rows := l.wantClaim(t, 4, l.connect(t, 1), l.connect(t, 2), l.connect(t, 3), l.connect(t, 4))
	l.settle(t, 3,
		rows[3].result(object{"checked": true, "status": "expiring"}),
		rows[0].result(object{"checked": true, "token": "renewed"}),
		rows[2].result(object{"checked": true, "destroy": true, "status": "reconnect"}),
		due{LeaseID: rows[1].LeaseID, UserID: rows[1].UserID, InstagramID: "unknown", TokenVersion: 1}.result(nil))
	l.wantToken(t, rows[0].InstagramID, "renewed")
	l.wantToken(t, rows[1].InstagramID, rows[1].Token)
	l.wantToken(t, rows[2].InstagramID, nil)
	for i, want := range []string{"active", "active", "reconnect", "expiring"} {
		if got := l.read(t, rows[i].InstagramID, "status")["status"]; got != want {
			t.Errorf("row %d: status %v, want %s", i, got, want)
		}
		if leased := l.leased(t, rows[i].InstagramID); leased != (i == 1) {
			t.Errorf("row %d: leased = %v", i, leased)
		}
	}
}

func testLifeSettleTokens(t *testing.T, l *life) {
	d, token, page := l.settled(t), newToken(), newToken()
	l.settle(t, 1, d.result(object{"token": token, "page_token": page, "status": "active", "status_reason": nil, "checked": true}))
	if got := l.lookUp(t, d.InstagramID)[0]; got["token"] != token || got["page_token"] != page || got["status"] != "active" {
		t.Errorf("look-up: %v", got)
	}
	if names := l.secrets(t, l.user); len(names) != 2 {
		t.Errorf("secrets = %v, want two", names)
	}
	l.pass(t, "1 day")
	again := l.wantClaim(t, 1, d.InstagramID)[0]
	if again.TokenVersion != d.TokenVersion+1 {
		t.Errorf("version %d, want %d", again.TokenVersion, d.TokenVersion+1)
	}
	// One of both: the other stays.
	l.settle(t, 1, again.result(object{"page_token": "another"}))
	if got := l.lookUp(t, d.InstagramID)[0]; got["token"] != token || got["page_token"] != "another" {
		t.Errorf("look-up: %v", got)
	}
	dump, err := l.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range dump {
		if strings.Contains(rows, token) || strings.Contains(rows, page) {
			t.Errorf("a renewed token stands in clear in %s", table)
		}
	}
	for _, value := range []string{token, page} {
		if found := filesWith(t, l.project, value); len(found) > 0 {
			t.Errorf("a renewed token stands in clear in %v", found)
		}
	}
}

func testLifeSettleDestroys(t *testing.T, l *life) {
	d, other := l.settled(t), l.connect(t, 60)
	l.settle(t, 1, d.result(object{"destroy": true, "token": newToken(), "status": "reconnect", "status_reason": "revoked", "checked": true}))
	if got := l.lookUp(t, d.InstagramID)[0]; got["token"] != nil || got["page_token"] != nil || got["status"] != "reconnect" {
		t.Errorf("look-up: %v", got)
	}
	if names := l.secrets(t, l.user); len(names) != 2 || !strings.Contains(names[0], other) {
		t.Errorf("secrets = %v, want the other row's", names)
	}
	l.reconnect(t, d.InstagramID, 60)
	if got := l.lookUp(t, d.InstagramID)[0]; got["token"] == nil || got["page_token"] == nil || got["status"] != "active" {
		t.Errorf("connected again: %v", got)
	}
}

func testLifeSettleTooLate(t *testing.T, l *life) {
	id := l.connect(t, 60)
	slow := l.wantClaim(t, 1, id)[0]
	l.pass(t, "10 minutes")
	other := l.wantClaim(t, 1, id)[0]
	l.settle(t, 0, slow.result(object{"token": "stale", "status": "reconnect", "checked": true, "destroy": true}))
	if got := l.read(t, id, "status, lease_id"); got["status"] != "active" || got["lease_id"] != other.LeaseID {
		t.Errorf("row: %v", got)
	}
	// Late, but nobody else came.
	l.pass(t, "1 hour")
	l.settle(t, 1, other.result(object{"token": "fresh", "checked": true}))
	l.wantToken(t, id, "fresh")
}

// testLifeSettleAfterPerson lets the person act between claim and settlement.
func testLifeSettleAfterPerson(t *testing.T, l *life) {
	for _, test := range []struct {
		name string
		act  func(id string)
		want any // the token at the end; nil for no row
	}{
		{"reconnects", func(id string) { l.mustUpsert(t, row(l.user, id, "the person's")) }, "the person's"},
		{"reconnects by patch", func(id string) { l.mustPatch(t, id, object{"token": "the person's"}) }, "the person's"},
		{"disconnects", func(id string) { l.rest(t, l.service(), "DELETE", one(id), nil) }, nil},
		{"disconnects and connects", func(id string) {
			l.rest(t, l.service(), "DELETE", one(id), nil)
			l.mustUpsert(t, row(l.user, id, "the person's"))
		}, "the person's"},
	} {
		id := l.connect(t, 60)
		d := l.wantClaim(t, 1, id)[0]
		test.act(id)
		// Also where the lease came back: the version alone decides then.
		for _, lease := range []string{"", "update public.user_configs set lease_id = $1::uuid where token_version <> 1"} {
			if lease != "" {
				l.sql(t, lease, d.LeaseID)
			}
			l.settle(t, 0, d.result(object{"token": "renewed", "status": "reconnect", "checked": true, "destroy": true}))
		}
		if test.want == nil {
			if rows := l.lookUp(t, id); len(rows) > 0 {
				t.Errorf("%s: the row came back: %v", test.name, rows)
			}
		} else {
			l.wantToken(t, id, test.want)
			if status := l.read(t, id, "status")["status"]; status != "active" {
				t.Errorf("%s: status %v", test.name, status)
			}
		}
		l.sql(t, "delete from public.user_configs")
	}
}

// testLifeSettleEncodedTwice: the client "postgres" and careless callers put the array into a string.
func testLifeSettleEncodedTwice(t *testing.T, l *life) {
	d := l.settled(t)
	text, err := json.Marshal([]object{d.result(object{"checked": true, "token": "renewed", "status_reason": nil})})
	if err != nil {
		t.Fatal(err)
	}
	l.wantCount(t, 1, "settle_connections", object{"results": string(text)})
	l.wantToken(t, d.InstagramID, "renewed")
}

func testLifeSettleRefuses(t *testing.T, l *life) {
	rows := l.wantClaim(t, 2, l.connect(t, 1), l.connect(t, 2))
	for _, results := range []any{nil, object{}, 1, "x", "{}", []any{1}, []any{"x"}} {
		l.wantRefused(t, "settle_connections", object{"results": results}, "settle_connections")
	}
	for _, bad := range []object{
		{"status": "great"}, {"status": nil}, {"token": ""}, {"page_token": " "}, {"token_expires_at": "soon"}, {"checked": "perhaps"},
	} {
		l.wantRefused(t, "settle_connections", object{"results": []object{
			rows[0].result(object{"token": "renewed", "checked": true}), rows[1].result(bad)}}, "settle_connections")
	}
	for _, d := range rows {
		l.wantToken(t, d.InstagramID, d.Token)
	}
	l.settle(t, 2, rows[0].result(nil), rows[1].result(nil)) // nothing of it was written, the leases hold
}
