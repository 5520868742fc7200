package supalite_test

import (
	"strings"
	"testing"
)

// delivered is one message for an account, or for its Page.
func delivered(account, key string) object {
	return object{
		"account": account, "key": key, "counterpart": "9", "kind": "message",
		"payload": object{"text": key}, "occurred_at": "2026-01-01T00:00:00Z",
	}
}

// testLifeStoppedInbox: whose connection has stopped is not shown what comes afterwards, for the account may be somebody
// else's by now. What came before stays, and the rest comes with a reconnection.
func testLifeStoppedInbox(t *testing.T, l *life) {
	id := l.connect(t, 30)
	seen := func() string {
		_, out := l.rest(t, l.project.user(l.user), "GET", `instagram_events?select=payload&instagram_id=in.("`+id+`")`, nil)
		return out
	}
	l.ingest(t, 1, delivered(id, "before"))
	if out := seen(); !strings.Contains(out, "before") {
		t.Fatalf("not seen: %s", out)
	}
	l.mustPatch(t, id, object{"status": "reconnect"})
	l.ingest(t, 1, delivered(id, "after"))
	if out := seen(); !strings.Contains(out, "before") || strings.Contains(out, "after") {
		t.Errorf("while stopped: %s", out)
	}
	l.reconnect(t, id, 60)
	if out := seen(); !strings.Contains(out, "after") {
		t.Errorf("connected again: %s", out)
	}
}

// testLifeStatusWins: a status that was set during a check stays.
func testLifeStatusWins(t *testing.T, l *life) {
	id := l.connect(t, 30)
	row := l.wantClaim(t, 10, id)[0]
	l.mustPatch(t, id, object{"status": "reconnect", "status_reason": "stopped meanwhile"})
	l.settle(t, 0, row.result(object{"checked": true, "status": "active", "status_reason": nil}))
	if got := l.read(t, id, "status, status_reason"); got["status"] != "reconnect" || got["status_reason"] != "stopped meanwhile" {
		t.Errorf("%v", got)
	}
}

// testLifeLearnsPerson: a row that was written without a person learns it, keeps its Page token, and is then found by
// Meta's callbacks. One that is known stays.
func testLifeLearnsPerson(t *testing.T, l *life) {
	unknown, known := l.connection(newID(), 30), l.connect(t, 60)
	delete(unknown, "facebook_user_id")
	l.mustUpsert(t, unknown)
	id := unknown["instagram_id"].(string)
	for _, row := range l.wantClaim(t, 10, id, known) {
		l.settle(t, 1, row.result(object{"checked": true, "facebook_user_id": "learned"}))
	}
	if got := l.read(t, id, "facebook_user_id, page_token_secret_id is not null as page"); got["facebook_user_id"] != "learned" || got["page"] != true {
		t.Errorf("%v", got)
	}
	if got := l.read(t, known, "facebook_user_id"); got["facebook_user_id"] != l.facebook {
		t.Errorf("%v", got)
	}
	l.wantCount(t, 1, "deauthorize_facebook_user", object{"p_facebook_user_id": "learned", "p_reason": "removed"})
}

// testLifePageLinkedAnew: a delivery that names a Page is for the account that was connected last.
func testLifePageLinkedAnew(t *testing.T, l *life) {
	before, now := l.connection(newID(), 30), l.connection(newID(), 30)
	before["page_id"], now["page_id"] = "one-page", "one-page"
	before["connected_at"], now["connected_at"] = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
	l.mustUpsert(t, before)
	l.mustUpsert(t, now)
	l.ingest(t, 1, delivered("one-page", "hello"))
	got := l.sql(t, "select instagram_id from public.instagram_events where user_id::text = $1", l.user.ID)
	if len(got) != 1 || got[0]["instagram_id"] != now["instagram_id"] {
		t.Errorf("%v", got)
	}
}
