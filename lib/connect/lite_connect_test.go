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
	d.WantRedirect(d.ConnectAll(), http.StatusSeeOther, "/?connected="+both)
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
	d.Get(d.LogIn("", metasim.Approval{Pages: []string{deploytest.Brand(2).ID}}))
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
	if rows, secrets := d.count("public.user_configs"), d.secrets(); rows != 0 || secrets != 0 {
		t.Errorf("left: %v rows, %v secrets", rows, secrets)
	}
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

// An Instagram account changes hands: linked to another Page, and connected through that
// one by another person for another user. Who had it before is told, and does not see
// what is written to it from then on.
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
	d.WantRedirect(d.Get(d.LogIn("", metasim.Approval{Person: "5002"})), http.StatusSeeOther, connected)

	d.deliver(deploytest.InstagramID(1), "m", "for the new owner")
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
