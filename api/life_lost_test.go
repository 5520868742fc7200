package api_test

import (
	"net/http"
	"strings"
	"testing"

	"igconnect/internal/metasim"
	"igconnect/lib/app"
)

// Each way to lose an account has its own plain reason, and a login heals it.
func TestLost(t *testing.T) {
	subcode := func(n int) func(*life) {
		return func(l *life) { l.meta.Invalidate(l.row(1)["token"].(string), n) }
	}
	for _, c := range []struct {
		name   string
		lose   func(l *life)
		reason string
		heal   func(l *life) // at Meta; nil: nothing needed but the login
	}{
		{"password changed", func(l *life) { l.meta.ChangePassword("5001") }, "You changed your Facebook password.", nil},
		{"app removed", func(l *life) { l.meta.RemoveApp("5001") }, "You removed this app at Facebook.", nil},
		{"checkpoint", func(l *life) { l.meta.Checkpoint("5001") }, "Facebook wants you to log in there and confirm that it is you.", nil},
		{"unconfirmed", func(l *life) { l.meta.Unconfirm("5001") }, "Your Facebook account is not confirmed.", nil},
		{"expired", func(l *life) { l.meta.Expire(l.row(1)["token"].(string)) }, "The access has run out.", nil},
		{"a subcode without words of its own", subcode(467), "Facebook ended the access.", nil},
		{"a subcode that nobody knows", subcode(9999), "Facebook ended the access.", nil},
		{"the role on the Page", func(l *life) { l.meta.LoseRole("5001", brand(1).ID) }, "You no longer have a role on the Facebook Page.",
			func(l *life) { l.meta.AddPerson(metasim.Person{ID: "5001", Pages: []metasim.Page{brand(1)}}) }},
		{"a permission", func(l *life) { l.meta.Decline("5001", "instagram_manage_messages") },
			"A permission was taken back at Meta: instagram_manage_messages.", nil},
		{"two permissions", func(l *life) { l.meta.Decline("5001", "instagram_basic", "pages_manage_metadata") },
			"A permission was taken back at Meta: instagram_basic, pages_manage_metadata.", nil},
		{"the secret here", func(l *life) { sql(l.t, l.lite, "delete from vault.secrets where name like 'user_configs/%'") },
			"We no longer hold a key for this account.", nil},
		{"a token that is not Meta's", func(l *life) { sql(l.t, l.lite, "update public.user_configs set token = 'made up'") },
			"Facebook ended the access.", nil},
		{"a token of another person", func(l *life) {
			l.meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben"})
			sql(l.t, l.lite, "update public.user_configs set token = $1", l.meta.Grant(metasim.Grant{Person: "5002"}))
		}, "The key belongs to another Facebook profile.", nil},
		{"the consent, with a Page token", func(l *life) { l.consentedAgo(91) }, "Your consent at Facebook has run out.", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := startLife(t, brand(1))
			l.connectedAgo(1)
			c.lose(l)
			l.due()
			l.meta.Reset()
			l.wantRun(app.Renewal{Checked: 1, Reconnect: 1})
			row := l.row(1)
			if row["status"] != "reconnect" || row["reason"] != c.reason || row["checked"] != true || row["leased"] != false {
				t.Errorf("%v: %v", row["status"], row["reason"])
			}
			if listed := l.get("/api/accounts"); !strings.Contains(listed.body, `"status":"reconnect","status_reason":"`+c.reason+`"`) {
				t.Errorf("listed: %s", listed.body)
			}

			// It is left alone from then on.
			l.due()
			l.meta.Reset()
			l.wantRun(app.Renewal{})
			if steps := l.steps(); steps != "" {
				t.Errorf("Meta was asked for %s", steps)
			}

			// The person reconnects that one.
			if c.heal != nil {
				c.heal(l)
			}
			l.wantRedirect(l.get(l.login("?instagram_id="+instagramID(1), metasim.Approval{})), http.StatusSeeOther, "/?connected="+instagramID(1))
			l.due()
			l.wantRun(app.Renewal{Checked: 1})
			if row := l.row(1); row["status"] != "active" || row["reason"] != "" || !l.works(row["token"].(string)) || len(l.meta.Subscribed(brand(1).ID)) == 0 {
				t.Errorf("after a reconnection: %v %v", row["status"], row["reason"])
			}
		})
	}
}

// A row without a Page token is checked as far as it goes.
func TestWithoutPageToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		days   int
		lose   func(l *life)
		run    app.Renewal
		status string
		steps  string
	}{
		{"well", 40, nil, app.Renewal{Checked: 1}, "active", "debug_token"},
		{"near its end", 50, nil, app.Renewal{Checked: 1, Renewed: 1}, "active", "debug_token upgrade debug_token"},
		{"dead", 1, func(l *life) { l.meta.ChangePassword("5001") }, app.Renewal{Checked: 1, Reconnect: 1}, "reconnect", "debug_token"},
		{"without consent", 91, nil, app.Renewal{Checked: 1, Reconnect: 1}, "reconnect", "debug_token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := brand(1)
			page.NoToken = true
			l := startLife(t, page)
			if c.days > 60 {
				l.consentedAgo(c.days)
			} else {
				l.connectedAgo(c.days)
			}
			if c.lose != nil {
				c.lose(l)
			}
			l.wantRun(c.run)
			if row := l.row(1); row["status"] != c.status || row["checked"] != true || row["page_token"] != "" {
				t.Errorf("%v: %v", row["status"], row["reason"])
			}
			if steps := l.steps(); steps != c.steps {
				t.Errorf("Meta was asked for %s", steps)
			}
		})
	}
}

// The seed's three columns, written by somebody else, are enough for a check.
func TestSeedRow(t *testing.T) {
	l := startLife(t, brand(1))
	sql(t, l.lite, "insert into public.user_configs (user_id, instagram_id, token) values ($1, $2, $3)", l.user, instagramID(1), l.meta.Grant(metasim.Grant{}))
	l.wantRun(app.Renewal{Checked: 1})
	if row := l.row(1); row["status"] != "active" || row["expires"] == nil || row["scopes"] == nil {
		t.Errorf("%v", row)
	}
	if got := l.callBack("/api/deauthorize", l.meta.SignedRequest("5001", metasim.Signing{})); got.StatusCode != http.StatusOK || l.accounts() != "1 reconnect" {
		t.Errorf("it is not known whose it is: %s", l.accounts())
	}
}

// A renewal that comes back with somebody else's token is refused.
func TestRenewedForAnotherPerson(t *testing.T) {
	l := startLife(t, brand(1))
	l.connectedAgo(50)
	l.meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben"})
	before := l.row(1)
	l.meta.Order(metasim.Order{Step: "upgrade", Person: "5002"})
	l.wantRun(app.Renewal{Checked: 1, Reconnect: 1})
	after := l.row(1)
	if after["status"] != "reconnect" || after["reason"] != "The key belongs to another Facebook profile." || after["token"] != before["token"] {
		t.Errorf("%v: %v, token kept: %v", after["status"], after["reason"], after["token"] == before["token"])
	}
}

// What somebody changed on the Page is put right.
func TestSubscriptionRepaired(t *testing.T) {
	l := startLife(t, brand(1))
	l.connectedAgo(1)
	l.meta.DropSubscription(brand(1).ID)
	sql(t, l.lite, "update public.user_configs set subscribed_fields = '{}', subscription_error = 'it failed then'")
	l.wantRun(app.Renewal{Checked: 1})
	row := l.row(1)
	if got := strings.Join(l.meta.Subscribed(brand(1).ID), " "); got != "feed" || row["status"] != "active" || row["subscription_error"] != "" {
		t.Errorf("subscribed to %q, %v", got, row)
	}
	if steps := l.steps(); steps != "debug_token subscriptions subscribe" {
		t.Errorf("Meta was asked for %s", steps)
	}

	// With pages_messaging all fields belong to it.
	t.Setenv("FB_LOGIN_SCOPES", "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,pages_messaging")
	l.connect()
	l.meta.DropSubscription(brand(1).ID)
	l.due()
	l.wantRun(app.Renewal{Checked: 1})
	if got := strings.Join(l.meta.Subscribed(brand(1).ID), " "); !strings.Contains(got, "messages") {
		t.Errorf("subscribed to %q", got)
	}
}

// A Page that Meta does not let us subscribe costs the subscription, not the
// connection, and no other row its turn.
func TestSubscriptionRefused(t *testing.T) {
	for _, step := range []string{"subscribe", "subscriptions"} {
		t.Run(step, func(t *testing.T) {
			l := startLife(t, brand(1))
			l.connectedAgo(1)
			l.meta.DropSubscription(brand(1).ID)
			l.meta.Order(metasim.Order{Step: step, Code: 100, Subcode: 33, Message: "Unsupported request"})
			l.wantRun(app.Renewal{Checked: 1})
			row := l.row(1)
			if row["status"] != "active" || !strings.Contains(row["subscription_error"].(string), "Unsupported request") {
				t.Errorf("%v: %q", row["status"], row["subscription_error"])
			}
		})
	}
}

// One person with many accounts is no incident of Meta's: they are marked, and
// nobody else has to wait.
func TestOnePersonWithManyAccounts(t *testing.T) {
	const n = 60
	l := startLife(t, people(n)...)
	l.connectedAgo(1)
	sql(t, l.lite, "update public.user_configs set token_expires_at = now() + interval '1 day'")
	l.meta.AddPerson(metasim.Person{ID: "5002", Name: "Ben", Pages: []metasim.Page{brand(n + 1)}})
	l.get(l.login("", metasim.Approval{Person: "5002"}))
	l.due()
	l.meta.Decline("5001", "instagram_manage_messages")
	l.wantRun(app.Renewal{Checked: n + 1, Reconnect: n})
	if row := l.row(n + 1); row["status"] != "active" || row["checked"] != true {
		t.Errorf("somebody else: %v, checked %v", row["status"], row["checked"])
	}
}

// Many people refused at once, without a reason, are an incident: nobody is
// marked, and those who come after them are checked all the same.
func TestIncidentMarksNobody(t *testing.T) {
	const n = 50
	l := startLife(t)
	l.connectMany(n)
	var body = `{"data":{"app_id":"` + appID + `","is_valid":false,"error":{"code":190,"message":"?"},"scopes":[]}}`
	l.meta.Order(metasim.Order{Step: "debug_token", Times: 40, Body: &body})
	l.wantRun(app.Renewal{Checked: n - 40, Renewed: 0, Failed: 40, Remaining: 40})
	if rows := sql(t, l.lite, "select 1 from public.user_configs where status <> 'active'"); len(rows) != 0 {
		t.Errorf("%d were marked", len(rows))
	}
	l.meta.Clear()
	l.due()
	l.wantRun(app.Renewal{Checked: n, Renewed: n / 2})
}
