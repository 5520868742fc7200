package renew_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/renew"
)

// withStandIn makes a deployment on the stand-in for Supabase, whose functions answer so.
func withStandIn(t *testing.T, functions http.HandlerFunc) deployment {
	t.Helper()
	d := deployment{deploytest.New(t, deploytest.Options{})}
	d.Supabase.Break("", functions)
	return d
}

// claiming plays the two functions of the database that a run without a result needs.
func claiming(due, remaining string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/rest/v1/rpc/claim_due_connections":
			deploytest.Reply(200, due)(w, r)
		case "/rest/v1/rpc/count_due_connections":
			deploytest.Reply(200, remaining)(w, r)
		default:
			noFunction(w, r)
		}
	}
}

var noFunction = deploytest.Reply(404, `{"code":"PGRST202","message":"Could not find the function"}`)

// The cron secret admits, and nothing else: least of all a secret that is unset.
func TestCronSecret(t *testing.T) {
	t.Parallel()
	d := withStandIn(t, claiming("[]", "0"))
	const secret = deploytest.CronSecret
	get := func(authorization string) deploytest.Answer {
		header := map[string]string{"Authorization": authorization}
		if authorization == "" {
			header = nil
		}
		return d.Send("GET", "/api/renew", header, "")
	}
	for name, authorization := range map[string]string{
		"none": "", "wrong": "Bearer x", "empty": "Bearer ", "only a scheme": "Bearer", "a prefix": "Bearer " + secret[:10],
		"longer": "Bearer " + secret + "x", "another case": "Bearer " + strings.ToUpper(secret), "basic": "Basic " + secret,
		"bare": secret, "a user's session": "Bearer " + deploytest.Session(deploytest.Ada),
		"the service key": "Bearer " + deploytest.SecretKey, "huge": "Bearer " + strings.Repeat("a", 100_000),
	} {
		got := get(authorization)
		d.WantError(got, http.StatusUnauthorized, "unauthorized")
		if kind := got.Header.Get("Content-Type"); kind != "application/json" {
			t.Errorf("%s: %s", name, kind)
		}
	}
	if got := d.Send("GET", "/api/renew?secret="+secret, nil, ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("in the query: %d", got.StatusCode)
	}
	if got := d.Send("POST", "/api/renew", map[string]string{"Authorization": "Bearer " + secret}, ""); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.StatusCode)
	}
	if calls := len(d.Supabase.Requests()) + len(d.Meta.Requests()); calls != 0 {
		t.Errorf("%d calls for strangers", calls)
	}
	d.wantRun(renew.Result{})

	for _, unset := range []string{"", " ", "\n"} {
		d.Set("CRON_SECRET", unset)
		for _, authorization := range []string{"", "Bearer ", "Bearer", "Bearer  ", "Bearer " + secret, "Bearer undefined"} {
			got := get(authorization)
			if got.StatusCode != http.StatusInternalServerError || got.Code() != "misconfigured" {
				t.Errorf("CRON_SECRET=%q, %q: %d %s", unset, authorization, got.StatusCode, got.Code())
			}
		}
	}
	if strings.Contains(d.Watch.Log(), secret) {
		t.Error("the cron secret was logged")
	}
}

// What the database refuses ends the run with an error, for cron to see.
func TestWithoutDatabase(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the pauses between tries")
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		code   string
	}{
		{"HTML 502", deploytest.HTML(502), 503, "store_unavailable"},
		{"no migrations", noFunction, 500, "misconfigured"},
		{"null", deploytest.Reply(200, "null!"), 503, "store_unavailable"},
		{"not a list", deploytest.Reply(200, `{"a":1}`), 503, "store_unavailable"},
		{"no count", claiming("[]", `"many"`), 503, "store_unavailable"},
		{"a wrong key", deploytest.Reply(401, `{"message":"Invalid API key"}`), 500, "misconfigured"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := withStandIn(t, c.answer)
			d.WantError(d.Renew(), c.status, c.code)
		})
	}
}

func TestNothingDue(t *testing.T) {
	d := deploy(t, deploytest.Brand(1))
	d.wantRun(renew.Result{})
	d.Connect() // just now: that was a check
	d.Meta.Reset()
	d.wantRun(renew.Result{})
	d.wantSteps("")
}

// Far from its end a token is only looked at, and Meta's dates are believed.
func TestOnlyChecked(t *testing.T) {
	d := connectedAgo(t, 40) // 20 days left
	before := d.Row(1)
	d.wantRun(renew.Result{Checked: 1})
	d.wantSteps("debug_token subscriptions page")
	after := d.wantStatus("active", "")
	if after["token"] != before["token"] || after["checked"] != true || after["leased"] != false {
		t.Errorf("%v", after)
	}
	for column, days := range map[string]float64{"expires": 20, "data_access": 50} {
		if off := daysUntil(after, column) - days; math.Abs(off) > 1.0/24 {
			t.Errorf("%s: %v", column, after[column])
		}
	}
	d.wantRun(renew.Result{}) // not due again
	d.SQL("update public.user_configs set checked_at = now() - interval '19 hours'")
	d.wantRun(renew.Result{})
}

// Within 14 days a token is exchanged, and the new one is what the app gets.
func TestExtended(t *testing.T) {
	for days, renewed := range map[int]int{45: 0, 47: 1, 59: 1} {
		t.Run(fmt.Sprint(days), func(t *testing.T) {
			d := connectedAgo(t, days)
			before := d.Row(1)
			d.wantRun(renew.Result{Checked: 1, Renewed: renewed})
			after := d.wantStatus("active", "")
			if (after["token"] != before["token"]) != (renewed == 1) || after["page_token"] != before["page_token"] {
				t.Errorf("renewed %v, the Page token %v", after["token"] != before["token"], after["page_token"] != before["page_token"])
			}
			if left := daysUntil(after, "expires"); renewed == 1 && left < 59 {
				t.Errorf("ends in %.0f days", left)
			}
		})
	}
}

func TestExpiring(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(d deployment)
		reason string // with the date that is meant
	}{
		{"Meta gives a new token with the old end", func(d deployment) {
			d.ConnectAgo(50)
			d.Meta.SetRenewalExtends(false)
		}, "Meta did not prolong the access. Reconnect before " + dateIn(10) + "."},
		{"Meta refuses to prolong", func(d deployment) {
			d.ConnectAgo(50)
			d.Meta.Inject(metasim.Fault{Step: "upgrade", Code: 100, Message: "(#100) This token cannot be exchanged"})
		}, "Meta did not prolong the access. Reconnect before " + dateIn(10) + "."},
		{"the consent ends", func(d deployment) { d.consentAgo(80) }, "Meta asks for your consent again. Reconnect before " + dateIn(10) + "."},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t, deploytest.Brand(1))
			c.set(d)
			d.wantRun(renew.Result{Checked: 1})
			d.wantStatus("expiring", c.reason)
			attention := d.SQL("select * from public.connections_needing_attention")
			if len(attention) != 1 || attention[0]["status_reason"] != c.reason || attention[0]["user_id"] != d.User {
				t.Errorf("needing attention: %v", attention)
			}
			if listed := d.Get("/api/accounts"); !strings.Contains(listed.Body, `"status":"expiring","status_reason":"`+c.reason+`"`) {
				t.Errorf("listed: %s", listed.Body)
			}

			// The person reconnects: all is well.
			d.Meta.ClearFaults()
			d.Meta.SetRenewalExtends(true)
			d.Connect()
			d.MakeDue()
			d.wantRun(renew.Result{Checked: 1})
			d.wantStatus("active", "")
		})
	}
}

func dateIn(days int) string {
	return time.Now().Add(time.Duration(days) * oneDay).UTC().Format("2 January 2006")
}
