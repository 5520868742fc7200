package connect_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// Two accounts are connected, lost, connected again, stopped and disconnected.
func TestConnectAndDisconnect(t *testing.T) {
	d := onLite(t, deploytest.Brands(1, 2)...)
	both := deploytest.InstagramID(1) + "," + deploytest.InstagramID(2)
	d.WantDone(d.ConnectAll(), "/?connected="+both)
	first := d.Row(1)["token"].(string)
	if !slices.Contains(d.Meta.Secrets(), first) || len(first) < 20 {
		t.Errorf("get_instagram_token gives %.6s…", first)
	}

	// A row whose secrets were destroyed and that is connected again gives a token back.
	d.SQL("delete from vault.secrets where name like $1", "user_configs/"+d.User+"/"+deploytest.InstagramID(1)+"%")
	d.SQL("update public.user_configs set status = 'reconnect' where user_id = $1", d.User)
	d.ConnectAll()
	if again := d.Row(1)["token"].(string); again == first || len(again) < 20 {
		t.Errorf("after the secrets were destroyed: %.6s…", again)
	}
	if n := d.secrets(); n != 4 { // two accounts, two tokens each
		t.Errorf("%v secrets", n)
	}

	// What a new grant leaves out is stopped.
	d.ComeBack(d.LogIn("", metasim.Approval{Pages: []string{deploytest.Brand(2).ID}}))
	listed := d.Get("/api/accounts")
	if !strings.Contains(listed.Body, `"status":"reconnect","status_reason":"Not shared with us the last time you connected."`) ||
		strings.Count(listed.Body, `"status":"active"`) != 1 || strings.Contains(listed.Body, "token\"") {
		t.Errorf("listed: %s", listed.Body)
	}

	// Disconnecting removes the row with its secrets.
	d.Meta.Reset()
	for n := 1; n <= 2; n++ {
		d.disconnect(deploytest.InstagramID(n))
	}
	d.wantNothing()
	if steps := d.Steps(); steps != "unsubscribe unsubscribe revoke" {
		t.Errorf("at Meta: %s\n%s", steps, d.Watch.Log())
	}
}

func TestManyAccounts(t *testing.T) {
	d := onLite(t, deploytest.Brands(201, 450)...)
	d.ConnectAll()
	if token := d.Row(450)["token"].(string); len(token) < 20 {
		t.Errorf("the last one's token: %.6s…", token)
	}
}

// An Instagram account changes hands: linked to another Page, and connected through that one by
// another person for another user. Who had it before is told, and does not see what is written to
// it from then on.
func TestAccountChangesHands(t *testing.T) {
	d := onLite(t, deploytest.Brand(1))
	connected := "/?connected=" + deploytest.InstagramID(1)
	d.WantRedirect(d.Connect(), http.StatusSeeOther, connected)
	before := d.Account

	emptied, linked := deploytest.Brand(1), deploytest.Brand(2)
	emptied.Instagram, linked.Instagram = nil, emptied.Instagram
	d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{emptied}})
	d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Cyd", Pages: []metasim.Page{linked}})
	d.Browser = deploytest.NewBrowser(t)
	d.SignUp()
	d.WantRedirect(d.ComeBack(d.LogIn("", metasim.Approval{Person: "5002"})), http.StatusSeeOther, connected)

	d.deliver(deploytest.InstagramID(1), "for the new owner")
	for _, c := range []struct {
		name, id, token, status string
		sees                    bool
	}{
		{"who had it", before.ID, before.AccessToken, "reconnect", false},
		{"who has it", d.Account.ID, d.Account.AccessToken, "active", true},
	} {
		rows := d.SQL("select status from public.user_configs where user_id::text = $1", c.id)
		if len(rows) != 1 || rows[0]["status"] != c.status {
			t.Errorf("%s: %v, want %s", c.name, rows, c.status)
		}
		got := d.Send("GET", d.Lite.URL+"/rest/v1/instagram_events?select=payload",
			map[string]string{"Apikey": d.Lite.AnonKey, "Authorization": "Bearer " + c.token}, "")
		if got.StatusCode != http.StatusOK || strings.Contains(got.Body, "for the new owner") != c.sees {
			t.Errorf("%s reads %d %s", c.name, got.StatusCode, got.Body)
		}
	}
}

// Reconnecting one account asks for no choice, heals its row in place, and leaves the others as they
// are.
func TestReconnectOne(t *testing.T) {
	d := onLite(t, deploytest.Brands(1, 3)...)
	d.ConnectAgo(1)
	d.SQL(`update public.user_configs set status = 'reconnect', status_reason = 'lost', subscription_error = 'refused'
		where instagram_id <> $1`, deploytest.InstagramID(3))
	d.Meta.DropSubscription(deploytest.Brand(2).ID)
	before := d.Row(1)

	got := d.ComeBack(d.LogIn("?instagram_id="+deploytest.InstagramID(2)+"&return_to=/settings", metasim.Approval{}))
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

// Who reconnects an account and leaves it out at Meta is asked which one is meant: never another one
// without asking.
func TestReconnectNotShared(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string][]string{
		"one other":  {deploytest.Brand(2).ID},
		"two others": {deploytest.Brand(2).ID, deploytest.Brand(3).ID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := withStandIn(t, deploytest.Brands(1, 3)...)
			got := d.ComeBack(d.LogIn("?instagram_id="+deploytest.InstagramID(1), metasim.Approval{Pages: pages}))
			if !strings.Contains(got.Body, `action="/api/choose"`) || len(d.Supabase.Rows()) != 0 || got.Location() != "" {
				t.Errorf("%d to %q, saved %v: %s", got.StatusCode, got.Location(), d.Supabase.Rows(), got.Body)
			}
		})
	}
	t.Run("none at all", func(t *testing.T) {
		t.Parallel()
		d := withStandIn(t, metasim.Page{ID: "20009", Name: "No account"})
		got := d.ComeBack(d.LogIn("?instagram_id="+deploytest.InstagramID(1), metasim.Approval{}))
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
	denied := d.ComeBack(d.LogIn("?instagram_id="+deploytest.InstagramID(2), metasim.Approval{Deny: true}))
	if denied.Code() != "access_denied" || !strings.Contains(denied.Body, "/api/login?instagram_id="+deploytest.InstagramID(2)) {
		t.Errorf("%s: the page forgets which account", denied.Code())
	}
	d.Supabase.Break("save", deploytest.HTML(502))
	down := d.ComeBack(d.LogIn("?instagram_id="+deploytest.InstagramID(2), metasim.Approval{}))
	d.WantError(down, http.StatusServiceUnavailable, "store_unavailable")
	d.Supabase.Break("save", nil)
	d.WantDone(d.Submit(down, nil), "/?connected="+deploytest.InstagramID(2))
	if len(d.Supabase.Rows()) != 1 {
		t.Errorf("%d rows", len(d.Supabase.Rows()))
	}
}

// Who was deleted while Meta's dialog was open is signed out: Supabase's own foreign key says so.
func TestUserDeletedMeanwhile(t *testing.T) {
	d := onLite(t, deploytest.Brands(1, 2)...)
	chooser := d.Connect()
	callback := d.LogIn("?instagram_id="+deploytest.InstagramID(1), metasim.Approval{})
	d.SQL("delete from auth.users where id::text = $1", d.User)
	for name, got := range map[string]deploytest.Answer{"the callback": d.Get(callback), "the chooser": d.Choose(chooser)} {
		if got.StatusCode != http.StatusUnauthorized || got.Code() != "signed_out" {
			t.Errorf("%s: %d %s\n%s", name, got.StatusCode, got.Code(), d.Watch.Log())
		}
	}
	d.wantNothing()
}
