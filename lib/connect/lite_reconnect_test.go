package connect_test

import (
	"net/http"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// Reconnecting one account asks for no choice, heals its row in place, and
// leaves the others as they are.
func TestReconnectOne(t *testing.T) {
	d := onLite(t, deploytest.Brands(1, 3)...)
	d.ConnectAgo(1)
	d.SQL(`update public.user_configs set status = 'reconnect', status_reason = 'lost', subscription_error = 'refused'
		where instagram_id <> $1`, deploytest.InstagramID(3))
	d.Meta.DropSubscription(deploytest.Brand(2).ID)
	before := d.Row(1)

	got := d.Get(d.LogIn("?instagram_id="+deploytest.InstagramID(2)+"&return_to=/settings", metasim.Approval{}))
	d.WantRedirect(got, http.StatusSeeOther, "/settings?connected="+deploytest.InstagramID(2))
	row := d.Row(2)
	if row["status"] != "active" || row["status_reason"] != "" || row["subscription_error"] != "" || !d.IsAlive(row["token"].(string)) {
		t.Errorf("%v: %v", row["status"], row["status_reason"])
	}
	if len(d.Meta.Subscribed(deploytest.Brand(2).ID)) == 0 {
		t.Error("it is not subscribed again")
	}
	if other := d.Row(1); other["status"] != "reconnect" || other["token"] != before["token"] {
		t.Errorf("another account was touched: %v", other["status"])
	}
	d.wantAccounts("1 reconnect, 2 active, 3 active")
}

// Who reconnects an account and leaves it out at Meta is asked which one is meant: never
// another one without asking.
func TestReconnectNotShared(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string][]string{
		"one other":  {deploytest.Brand(2).ID},
		"two others": {deploytest.Brand(2).ID, deploytest.Brand(3).ID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := withStandIn(t, deploytest.Brands(1, 3)...)
			got := d.Get(d.LogIn("?instagram_id="+deploytest.InstagramID(1), metasim.Approval{Pages: pages}))
			if !strings.Contains(got.Body, `action="/api/choose"`) || len(d.Supabase.Rows()) != 0 || got.Location() != "" {
				t.Errorf("%d to %q, saved %v: %s", got.StatusCode, got.Location(), d.Supabase.Rows(), got.Body)
			}
		})
	}
	t.Run("none at all", func(t *testing.T) {
		t.Parallel()
		d := withStandIn(t, metasim.Page{ID: "20009", Name: "No account"})
		got := d.Get(d.LogIn("?instagram_id="+deploytest.InstagramID(1), metasim.Approval{}))
		if got.Code() != "no_instagram_account" || !strings.Contains(got.Body, "instagram_id="+deploytest.InstagramID(1)) {
			t.Errorf("%d %s, or the next try forgets which", got.StatusCode, got.Code())
		}
	})
}

// An id that is none never gets to Meta, nor into a cookie.
func TestReconnectBadID(t *testing.T) {
	t.Parallel()
	d := withStandIn(t, deploytest.Brand(1))
	for _, id := range []string{"a b", "../x", "%3Cscript%3E", "1%0d%0aSet-Cookie:x", strings.Repeat("1", 65), "1,2", "é", "'"} {
		got := d.Get("/api/login?instagram_id=" + strings.ReplaceAll(id, " ", "%20"))
		d.WantError(got, http.StatusBadRequest, "bad_request")
		if len(d.Cookies("igconnect")) != 0 {
			t.Errorf("%q is in a cookie", id)
		}
	}
	for _, query := range []string{"", "?instagram_id="} {
		if got := d.Get("/api/login" + query); got.StatusCode != http.StatusFound {
			t.Errorf("%q: %d", query, got.StatusCode)
		}
	}
}

// Which account is meant survives a no at Meta and a Supabase that is down.
func TestReconnectTriedAgain(t *testing.T) {
	t.Parallel()
	d := withStandIn(t, deploytest.Brands(1, 2)...)
	denied := d.Get(d.LogIn("?instagram_id="+deploytest.InstagramID(2), metasim.Approval{Deny: true}))
	if denied.Code() != "access_denied" || !strings.Contains(denied.Body, "/api/login?instagram_id="+deploytest.InstagramID(2)) {
		t.Errorf("%s: the page forgets which account", denied.Code())
	}
	d.Supabase.Break("save", deploytest.HTML(502))
	down := d.Get(d.LogIn("?instagram_id="+deploytest.InstagramID(2), metasim.Approval{}))
	d.WantError(down, http.StatusServiceUnavailable, "store_unavailable")
	d.Supabase.Break("save", nil)
	d.WantRedirect(d.Submit(down, nil), http.StatusSeeOther, "/?connected="+deploytest.InstagramID(2))
	if len(d.Supabase.Rows()) != 1 {
		t.Errorf("%d rows", len(d.Supabase.Rows()))
	}
}
