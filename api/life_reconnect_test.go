package api_test

import (
	"net/http"
	"strings"
	"testing"

	"igconnect/internal/metasim"
)

// Reconnecting one account asks for no choice, heals its row in place, and
// leaves the others as they are.
func TestReconnectOne(t *testing.T) {
	l := startLife(t, brand(1), brand(2), brand(3))
	l.connectedAgo(1)
	sql(t, l.lite, "update public.user_configs set status = 'reconnect', status_reason = 'lost', subscription_error = 'refused' where instagram_id <> $1", instagramID(3))
	l.meta.DropSubscription(brand(2).ID)
	before := l.row(1)

	got := l.get(l.login("?instagram_id="+instagramID(2)+"&return_to=/settings", metasim.Approval{}))
	l.wantRedirect(got, http.StatusSeeOther, "/settings?connected="+instagramID(2))
	row := l.row(2)
	if row["status"] != "active" || row["reason"] != "" || row["subscription_error"] != "" || !l.works(row["token"].(string)) {
		t.Errorf("%v: %v", row["status"], row["reason"])
	}
	if len(l.meta.Subscribed(brand(2).ID)) == 0 {
		t.Error("it is not subscribed again")
	}
	if other := l.row(1); other["status"] != "reconnect" || other["token"] != before["token"] {
		t.Errorf("another account was touched: %v", other["status"])
	}
	if got := l.accounts(); got != "1 reconnect, 2 active, 3 active" {
		t.Error(got)
	}
}

// Who reconnects an account and leaves it out at Meta is asked which one is meant.
func TestReconnectNotShared(t *testing.T) {
	for _, c := range []struct {
		name   string
		pages  []string
		choose bool
	}{
		{"one other", []string{brand(2).ID}, true}, // never another one without asking
		{"two others", []string{brand(2).ID, brand(3).ID}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1), brand(2), brand(3))
			got := w.get(w.login("?instagram_id="+instagramID(1), metasim.Approval{Pages: c.pages}))
			if choose := strings.Contains(got.body, `action="/api/choose"`); choose != c.choose || choose && len(w.supa.rows()) != 0 {
				t.Errorf("%d %s, asked to choose: %v", got.StatusCode, got.location(), choose)
			}
			if _, there := w.supa.rows()[ada+"/"+instagramID(1)]; there {
				t.Error("the account that was not shared was saved")
			}
			if strings.Contains(got.location(), instagramID(1)) {
				t.Errorf("told as connected: %s", got.location())
			}
		})
	}
	w := start(t, metasim.Page{ID: "20009", Name: "No account"})
	if got := w.get(w.login("?instagram_id="+instagramID(1), metasim.Approval{})); got.code() != "no_instagram_account" || !strings.Contains(got.body, "instagram_id="+instagramID(1)) {
		t.Errorf("none at all: %d %s, or the next try forgets which", got.StatusCode, got.code())
	}
}

// An id that is none never gets to Meta, nor into a cookie.
func TestReconnectBadID(t *testing.T) {
	w := start(t, brand(1))
	for _, id := range []string{"a b", "../x", "%3Cscript%3E", "1%0d%0aSet-Cookie:x", strings.Repeat("1", 65), "1,2", "é", "'"} {
		got := w.get("/api/login?instagram_id=" + strings.ReplaceAll(id, " ", "%20"))
		w.wantError(got, http.StatusBadRequest, "bad_request")
		if len(w.cookies("igconnect")) != 0 {
			t.Errorf("%q is in a cookie", id)
		}
	}
	for _, query := range []string{"", "?instagram_id="} {
		if got := w.get("/api/login" + query); got.StatusCode != http.StatusFound {
			t.Errorf("%q: %d", query, got.StatusCode)
		}
	}
}

// The wish survives a no at Meta and a Supabase that is down.
func TestReconnectTriedAgain(t *testing.T) {
	w := start(t, brand(1), brand(2))
	denied := w.get(w.login("?instagram_id="+instagramID(2), metasim.Approval{Deny: true}))
	if denied.code() != "access_denied" || !strings.Contains(denied.body, "/api/login?instagram_id="+instagramID(2)) {
		t.Errorf("%s: the page forgets which account", denied.code())
	}
	w.supa.broken("save", html(502))
	down := w.get(w.login("?instagram_id="+instagramID(2), metasim.Approval{}))
	w.wantError(down, http.StatusServiceUnavailable, "store_unavailable")
	w.supa.broken("save", nil)
	w.wantRedirect(w.tryAgain(down, nil), http.StatusSeeOther, "/?connected="+instagramID(2))
	if len(w.supa.rows()) != 1 {
		t.Errorf("%d rows", len(w.supa.rows()))
	}
}
