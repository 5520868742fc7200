package renew_test

import (
	"net/http"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/renew"
)

// Each way to lose an account for good has its own plain reason, and a login heals it.
func TestLost(t *testing.T) {
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
		{"expired", func(d deployment) { d.Meta.Expire(d.Row(1)["token"].(string)) }, "The access has run out."},
		{"a subcode without words of its own", subcode(467), "Facebook ended the access."},
		{"a subcode that nobody knows", subcode(9999), "Facebook ended the access."},
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

// What is mended at Meta and leaves the same token working: each has its plain reason, is asked about
// once a day, and becomes active by itself, with the names and the subscription of that day.
//
// The kinds come from public reports: solved checkpoints (459, 464, and 490, which Meta's own SDK
// has in its issues), roles and permissions that were given back, Pages that lost their account, got
// another, were deactivated, or came without a token.
func TestMended(t *testing.T) {
	const token = "Your role on the Facebook Page does not let us answer its messages."
	person := func(pages ...metasim.Page) func(d deployment) {
		return func(d deployment) { d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: pages}) }
	}
	page := deploytest.Brand(1)
	unlinked, elsewhere, tokenless, renamed := page, page, page, page
	unlinked.Instagram, elsewhere.Instagram, tokenless.NoToken = nil, deploytest.Brand(2).Instagram, true
	renamed.Name, renamed.Instagram = "Pottery", &metasim.Instagram{ID: page.Instagram.ID, Username: "pottery", Name: "The pottery"}
	confirm := func(d deployment) { d.Meta.Confirm("5001") }
	for _, c := range []struct {
		name       string
		lose, mend func(d deployment)
		reason     string
		steps      string // of a day on which it is not mended
	}{
		{"a checkpoint", func(d deployment) { d.Meta.Checkpoint("5001") }, confirm,
			"Facebook wants you to log in there and confirm that it is you.", "debug_token"},
		{"a checkpoint by its other number", func(d deployment) { d.Meta.Invalidate(d.Row(1)["token"].(string), 490) }, confirm,
			"Facebook wants you to log in there and confirm that it is you.", "debug_token"},
		{"unconfirmed", func(d deployment) { d.Meta.Unconfirm("5001") }, confirm, "Your Facebook account is not confirmed.", "debug_token"},
		{"a permission", func(d deployment) { d.Meta.Decline("5001", "instagram_manage_messages") },
			func(d deployment) { d.Meta.Allow("5001", "instagram_manage_messages") },
			"A permission was taken back at Meta: instagram_manage_messages.", "debug_token"},
		{"two permissions", func(d deployment) { d.Meta.Decline("5001", "instagram_basic", "pages_manage_metadata") },
			func(d deployment) { d.Meta.Allow("5001", "instagram_basic", "pages_manage_metadata") },
			"A permission was taken back at Meta: instagram_basic, pages_manage_metadata.", "debug_token"},
		{"the role on the Page", func(d deployment) { d.Meta.LoseRole("5001", page.ID) }, person(page),
			"You no longer have a role on the Facebook Page.", "debug_token subscriptions"},
		{"the Page lost its account", person(unlinked), person(renamed),
			"The Facebook Page is not linked to this Instagram account any more.", "debug_token subscriptions page"},
		{"the Page has another account", person(elsewhere), person(renamed),
			"The Facebook Page is linked to another Instagram account now.", "debug_token subscriptions page"},
		{"the Page is gone", func(d deployment) { d.Meta.DeletePage(page.ID) }, person(page),
			"The Facebook Page is gone, or not shared with us any more.", "debug_token subscriptions page page"},
		{"the Page's token, and there is no other", func(d deployment) {
			person(tokenless)(d)
			d.SQL("delete from vault.secrets where name like 'user_configs/%/page_token'")
		}, person(renamed), token, "debug_token page"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := connectedAgo(t, 1)
			before := d.Row(1)
			c.lose(d)
			d.Meta.DropSubscription(page.ID)
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1, Reconnect: 1})
			d.wantStatus("reconnect", c.reason)
			since := d.SQL("select status_since from public.user_configs")[0]["status_since"]

			// It is asked about once a day, and needs attention all the while.
			d.wantRun(renew.Result{})
			d.MakeDue()
			d.Meta.Reset()
			d.wantRun(renew.Result{Checked: 1, Reconnect: 1})
			d.wantSteps(c.steps)
			d.wantStatus("reconnect", c.reason)
			if again := d.SQL("select since from public.connections_needing_attention")[0]["since"]; again != since {
				t.Errorf("needs attention since %v, then since %v", since, again)
			}

			// An outage is no verdict: it stays as it is.
			d.MakeDue()
			d.Meta.Inject(metasim.Fault{Status: 500})
			d.wantRun(renew.Result{Failed: 1, Remaining: 1})
			d.Meta.ClearFaults()
			d.wantStatus("reconnect", c.reason)

			c.mend(d)
			d.wantRun(renew.Result{Checked: 1})
			after := d.wantStatus("active", "")
			if after["token"] != before["token"] || len(d.Meta.Subscribed(page.ID)) == 0 {
				t.Errorf("the same token: %v, subscribed to %v", after["token"] == before["token"], d.Meta.Subscribed(page.ID))
			}
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1})
		})
	}
}

// What Meta does not show is no reason: neither to stop what works, nor to call mended what had
// stopped for a look at the Page. A token of the person that works again is mended all the same.
func TestPageNotShown(t *testing.T) {
	page := deploytest.Brand(1)
	unlinked := page
	unlinked.Instagram = nil
	for name, refused := range map[string]metasim.Fault{
		"a field":               {Step: "page", Code: 100, Message: "(#100) Tried accessing nonexisting field (tasks) on node type (Page)"},
		"pages_read_engagement": {Step: "page", Code: 10, Message: "(#10) This endpoint requires the 'pages_read_engagement' permission"},
		"a permission":          {Step: "page", Code: 200, Message: "(#200) Provide valid app ID"},
	} {
		t.Run(name, func(t *testing.T) {
			d := connectedAgo(t, 1)
			before := d.Row(1)
			d.Meta.Inject(refused)
			d.wantRun(renew.Result{Checked: 1})
			row := d.wantStatus("active", "")
			for _, column := range []string{"username", "name", "picture_url", "page_name", "subscription_error", "page_token"} {
				if row[column] != before[column] {
					t.Errorf("%s became %q", column, row[column])
				}
			}

			d.Meta.Checkpoint("5001")
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1, Reconnect: 1})
			d.Meta.Confirm("5001")
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1})
			d.wantStatus("active", "")

			const reason = "The Facebook Page is not linked to this Instagram account any more."
			d.Meta.ClearFaults()
			d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{unlinked}})
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1, Reconnect: 1})
			d.Meta.Inject(refused)
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1})
			if row := d.wantStatus("reconnect", reason); row["checked"] != true {
				t.Error("it is not checked")
			}
			d.Meta.ClearFaults()
			d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{page}})
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1})
			d.wantStatus("active", "")
		})
	}
}

// A renamed account shows its new names the day after; what Meta does not say stays.
func TestRenamed(t *testing.T) {
	d := connectedAgo(t, 1)
	page := deploytest.Brand(1)
	page.Name, page.Instagram = "Pottery", &metasim.Instagram{ID: page.Instagram.ID, Username: "pottery"}
	d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{page}})
	d.SQL("update public.user_configs set picture_url = 'https://cdn.example/old.jpg'")
	d.wantRun(renew.Result{Checked: 1})
	row := d.wantStatus("active", "")
	if row["username"] != "pottery" || row["page_name"] != "Pottery" || row["name"] != "Brand 1" || row["picture_url"] == "https://cdn.example/old.jpg" {
		t.Errorf("%v, %v of %v, %v", row["username"], row["name"], row["page_name"], row["picture_url"])
	}
}

// A token that is prolonged while its account is lost does not make the connection look mended, not
// even where something fails after it.
func TestProlongedAndLost(t *testing.T) {
	const reason = "The Facebook Page is not linked to this Instagram account any more."
	page := deploytest.Brand(1)
	page.Instagram = nil
	for name, fault := range map[string]*metasim.Fault{"still lost": nil, "then Meta fails": {Step: "page", Status: 500}} {
		t.Run(name, func(t *testing.T) {
			d := connectedAgo(t, 50)
			d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{page}})
			d.SQL("update public.user_configs set status = 'reconnect', status_reason = $1, retry = true", reason)
			before := d.Row(1)
			want := renew.Result{Checked: 1, Renewed: 1, Reconnect: 1}
			if fault != nil {
				d.Meta.Inject(*fault)
				want = renew.Result{Failed: 1, Renewed: 1, Remaining: 1}
			}
			d.wantRun(want)
			if after := d.wantStatus("reconnect", reason); after["token"] == before["token"] {
				t.Error("the new token was not kept")
			}
		})
	}
}

// Whoever stops a connection that is tried again each day ends that, and wins over a check under way.
func TestStoppedWhileTried(t *testing.T) {
	d := connectedAgo(t, 1)
	d.Meta.Checkpoint("5001")
	d.wantRun(renew.Result{Checked: 1, Reconnect: 1})
	d.Meta.Confirm("5001")
	if status, err := d.Meta.Deauthorize(t.Context(), d.URL+"/api/deauthorize", "5001"); err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v", status, err)
	}
	d.MakeDue()
	d.Meta.Reset()
	d.wantRun(renew.Result{})
	d.wantSteps("")
	d.wantStatus("reconnect", "You removed this app at Facebook.")
}

// A row without a Page token is checked as far as it goes, and says what is missing.
func TestWithoutPageToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		days   int
		lose   func(d deployment)
		run    renew.Result
		status string
		steps  string
	}{
		{"well", 40, nil, renew.Result{Checked: 1, Reconnect: 1}, "reconnect", "debug_token page"},
		{"near its end", 50, nil, renew.Result{Checked: 1, Renewed: 1, Reconnect: 1}, "reconnect", "debug_token upgrade debug_token page"},
		{"dead", 1, func(d deployment) { d.Meta.ChangePassword("5001") }, renew.Result{Checked: 1, Reconnect: 1}, "reconnect", "debug_token"},
		{"without consent", 91, nil, renew.Result{Checked: 1, Reconnect: 1}, "reconnect", "debug_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := deploytest.Brand(1)
			d := deploy(t, page)
			if c.days > 60 {
				d.consentAgo(c.days)
			} else {
				d.ConnectAgo(c.days)
			}
			page.NoToken = true
			d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{page}})
			d.SQL("delete from vault.secrets where name like 'user_configs/%/page_token'")
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
	d.wantSteps("debug_token subscriptions subscribe page")

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
	first := d.resultOf(d.Renew()) // which of them are refused is a matter of chance
	if want := (renew.Result{Checked: n - 40, Renewed: first.Renewed, Failed: 40, Remaining: 40}); first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}
	d.wantAll(n, "active")
	d.Meta.ClearFaults()
	d.MakeDue()
	d.wantRun(renew.Result{Checked: n, Renewed: n/2 - first.Renewed})
}
