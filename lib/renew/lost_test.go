package renew_test

import (
	"net/http"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/renew"
)

// Each way to lose an account has its own plain reason, and a login heals it.
func TestLost(t *testing.T) {
	const roleLost = "the role on the Page"
	subcode := func(n int) func(deployment) {
		return func(d deployment) { d.Meta.Invalidate(d.Row(1)["token"].(string), n) }
	}
	sql := func(query string) func(deployment) { return func(d deployment) { d.SQL(query) } }
	for _, c := range []struct {
		name   string
		lose   func(d deployment)
		reason string
	}{
		{"password changed", func(d deployment) { d.Meta.ChangePassword("5001") }, "You changed your Facebook password."},
		{"app removed", func(d deployment) { d.Meta.RemoveApp("5001") }, "You removed this app at Facebook."},
		{"checkpoint", func(d deployment) { d.Meta.Checkpoint("5001") }, "Facebook wants you to log in there and confirm that it is you."},
		{"unconfirmed", func(d deployment) { d.Meta.Unconfirm("5001") }, "Your Facebook account is not confirmed."},
		{"expired", func(d deployment) { d.Meta.Expire(d.Row(1)["token"].(string)) }, "The access has run out."},
		{"a subcode without words of its own", subcode(467), "Facebook ended the access."},
		{"a subcode that nobody knows", subcode(9999), "Facebook ended the access."},
		{roleLost, func(d deployment) { d.Meta.LoseRole("5001", deploytest.Brand(1).ID) }, "You no longer have a role on the Facebook Page."},
		{"a permission", func(d deployment) { d.Meta.Decline("5001", "instagram_manage_messages") },
			"A permission was taken back at Meta: instagram_manage_messages."},
		{"two permissions", func(d deployment) { d.Meta.Decline("5001", "instagram_basic", "pages_manage_metadata") },
			"A permission was taken back at Meta: instagram_basic, pages_manage_metadata."},
		{"the secret here", sql("delete from vault.secrets where name like 'user_configs/%'"), "We no longer hold a key for this account."},
		{"a token that is not Meta's", sql("update public.user_configs set token = 'made up'"), "Facebook ended the access."},
		{"a token of another person", func(d deployment) {
			d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben"})
			d.SQL("update public.user_configs set token = $1", d.Meta.Grant(metasim.Grant{Person: "5002"}))
		}, "The key belongs to another Facebook profile."},
		{"the consent, with a Page token", func(d deployment) { d.consentAgo(91) }, "Your consent at Facebook has run out."},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := connectedAgo(t, 1)
			c.lose(d)
			d.MakeDue()
			d.Meta.Reset()
			d.wantRun(renew.Result{Checked: 1, Reconnect: 1})
			if row := d.wantStatus("reconnect", c.reason); row["checked"] != true || row["leased"] != false {
				t.Errorf("checked %v, leased %v", row["checked"], row["leased"])
			}
			if listed := d.Get("/api/accounts"); !strings.Contains(listed.Body, `"status":"reconnect","status_reason":"`+c.reason+`"`) {
				t.Errorf("listed: %s", listed.Body)
			}

			// It is left alone from then on.
			d.MakeDue()
			d.Meta.Reset()
			d.wantRun(renew.Result{})
			d.wantSteps("")

			// The person reconnects that one.
			if c.name == roleLost { // and has it again
				d.Meta.AddPerson(metasim.Person{ID: "5001", Pages: []metasim.Page{deploytest.Brand(1)}})
			}
			d.reconnect()
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1})
			d.wantStatus("active", "")
			if len(d.Meta.Subscribed(deploytest.Brand(1).ID)) == 0 {
				t.Error("after a reconnection its Page is not subscribed")
			}
		})
	}
}

// A row without a Page token is checked as far as it goes.
func TestWithoutPageToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		days   int
		lose   func(d deployment)
		run    renew.Result
		status string
		steps  string
	}{
		{"well", 40, nil, renew.Result{Checked: 1}, "active", "debug_token"},
		{"near its end", 50, nil, renew.Result{Checked: 1, Renewed: 1}, "active", "debug_token upgrade debug_token"},
		{"dead", 1, func(d deployment) { d.Meta.ChangePassword("5001") }, renew.Result{Checked: 1, Reconnect: 1}, "reconnect", "debug_token"},
		{"without consent", 91, nil, renew.Result{Checked: 1, Reconnect: 1}, "reconnect", "debug_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := deploytest.Brand(1)
			page.NoToken = true
			d := deploy(t, page)
			if c.days > 60 {
				d.consentAgo(c.days)
			} else {
				d.ConnectAgo(c.days)
			}
			if c.lose != nil {
				c.lose(d)
			}
			d.wantRun(c.run)
			if row := d.Row(1); row["status"] != c.status || row["checked"] != true || row["page_token"] != "" {
				t.Errorf("%v: %v", row["status"], row["status_reason"])
			}
			d.wantSteps(c.steps)
		})
	}
}

// The seed's three columns, written by somebody else, are enough for a check.
func TestSeedRow(t *testing.T) {
	d := deploy(t, deploytest.Brand(1))
	d.SQL("insert into public.user_configs (user_id, instagram_id, token) values ($1, $2, $3)",
		d.User, deploytest.InstagramID(1), d.Meta.Grant(metasim.Grant{}))
	d.wantRun(renew.Result{Checked: 1})
	if row := d.Row(1); row["status"] != "active" || row["expires"] == nil || row["scopes"] == nil {
		t.Errorf("%v", row)
	}
	status, err := d.Meta.Deauthorize(t.Context(), d.URL+"/api/deauthorize", "5001")
	if err != nil || status != http.StatusOK || d.Row(1)["status"] != "reconnect" {
		t.Errorf("it is not known whose it is: %d, %v", status, d.Row(1)["status"])
	}
}

// A renewal that comes back with somebody else's token is refused.
func TestRenewedForAnotherPerson(t *testing.T) {
	d := connectedAgo(t, 50)
	d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben"})
	before := d.Row(1)
	d.Meta.Inject(metasim.Fault{Step: "upgrade", Person: "5002"})
	d.wantRun(renew.Result{Checked: 1, Reconnect: 1})
	if after := d.wantStatus("reconnect", "The key belongs to another Facebook profile."); after["token"] != before["token"] {
		t.Error("the token was replaced")
	}
}

// What somebody changed on the Page is put right.
func TestSubscriptionRepaired(t *testing.T) {
	d := connectedAgo(t, 1)
	d.Meta.DropSubscription(deploytest.Brand(1).ID)
	d.SQL("update public.user_configs set subscribed_fields = '{}', subscription_error = 'it failed then'")
	d.wantRun(renew.Result{Checked: 1})
	row := d.Row(1)
	got := strings.Join(d.Meta.Subscribed(deploytest.Brand(1).ID), " ")
	if got != "feed" || row["status"] != "active" || row["subscription_error"] != "" {
		t.Errorf("subscribed to %q, %v", got, row)
	}
	d.wantSteps("debug_token subscriptions subscribe")

	// With pages_messaging all fields belong to it.
	d.Set("FB_LOGIN_SCOPES", "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,pages_messaging")
	d.Connect()
	d.Meta.DropSubscription(deploytest.Brand(1).ID)
	d.MakeDue()
	d.wantRun(renew.Result{Checked: 1})
	if got := strings.Join(d.Meta.Subscribed(deploytest.Brand(1).ID), " "); !strings.Contains(got, "messages") {
		t.Errorf("subscribed to %q", got)
	}
}

// A Page that Meta does not let us subscribe costs the subscription, not the connection, and no
// other row its turn.
func TestSubscriptionRefused(t *testing.T) {
	for _, step := range []string{"subscribe", "subscriptions"} {
		t.Run(step, func(t *testing.T) {
			d := connectedAgo(t, 1)
			d.Meta.DropSubscription(deploytest.Brand(1).ID)
			d.Meta.Inject(metasim.Fault{Step: step, Code: 100, Subcode: 33, Message: "Unsupported request"})
			d.wantRun(renew.Result{Checked: 1})
			row := d.Row(1)
			if row["status"] != "active" || !strings.Contains(row["subscription_error"].(string), "Unsupported request") {
				t.Errorf("%v: %q", row["status"], row["subscription_error"])
			}
		})
	}
}

// One person with many accounts is no incident of Meta's: they are marked, and nobody else has to
// wait.
func TestOnePersonWithManyAccounts(t *testing.T) {
	const n = 60
	d := deploy(t, deploytest.Brands(1, n)...)
	d.ConnectAgo(1)
	d.SQL("update public.user_configs set token_expires_at = now() + interval '1 day'")
	d.Meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben", Pages: []metasim.Page{deploytest.Brand(n + 1)}})
	d.Get(d.LogIn("", metasim.Approval{Person: "5002"}))
	d.MakeDue()
	d.Meta.Decline("5001", "instagram_manage_messages")
	d.wantRun(renew.Result{Checked: n + 1, Reconnect: n})
	if row := d.Row(n + 1); row["status"] != "active" || row["checked"] != true {
		t.Errorf("somebody else: %v, checked %v", row["status"], row["checked"])
	}
}

// Many people refused at once, without a reason, are an incident: nobody is marked, and those who
// come after them are checked all the same.
func TestIncidentMarksNobody(t *testing.T) {
	const n = 50
	d := deploy(t)
	d.connectMany(n)
	body := `{"data":{"app_id":"` + deploytest.AppID + `","is_valid":false,"error":{"code":190,"message":"?"},"scopes":[]}}`
	d.Meta.Inject(metasim.Fault{Step: "debug_token", Times: 40, Body: &body})
	d.wantRun(renew.Result{Checked: n - 40, Renewed: 0, Failed: 40, Remaining: 40})
	d.wantAll(n, "active")
	d.Meta.ClearFaults()
	d.MakeDue()
	d.wantRun(renew.Result{Checked: n, Renewed: n / 2})
}
