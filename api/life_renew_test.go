package api_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/app"
)

// graph is the address of the simulated Graph API.
func (w *world) graph() string { return os.Getenv("FB_GRAPH_URL") }

// The cron secret opens, and nothing else: least of all a secret that is unset.
func TestRenewIsForCron(t *testing.T) {
	w := start(t)
	w.supa.broken("", renewalOf("[]", "0"))
	get := func(authorization string) answer {
		header := map[string]string{}
		if authorization != "" {
			header["Authorization"] = authorization
		}
		return w.request("GET", "/api/renew", header, nil)
	}
	for name, authorization := range map[string]string{
		"none": "", "wrong": "Bearer x", "empty": "Bearer ", "only a scheme": "Bearer", "a prefix": "Bearer " + cronSecret[:10],
		"longer": "Bearer " + cronSecret + "x", "another case": "Bearer " + strings.ToUpper(cronSecret), "basic": "Basic " + cronSecret,
		"bare": cronSecret, "a user's session": "Bearer " + session(ada), "the service key": "Bearer " + secretKey, "huge": "Bearer " + strings.Repeat("a", 100_000),
	} {
		if got := get(authorization); got.StatusCode != http.StatusUnauthorized || got.code() != "unauthorized" || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.code())
		}
	}
	if got := w.request("GET", "/api/renew?secret="+cronSecret, nil, nil); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("in the query: %d", got.StatusCode)
	}
	if got := w.request("POST", "/api/renew", map[string]string{"Authorization": "Bearer " + cronSecret}, nil); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.StatusCode)
	}
	if calls := len(w.supa.seen()) + len(w.meta.Requests()); calls != 0 {
		t.Errorf("%d calls for strangers", calls)
	}
	w.wantRun(app.Renewal{})

	for _, unset := range []string{"", " ", "\n"} {
		t.Setenv("CRON_SECRET", unset)
		for _, authorization := range []string{"", "Bearer ", "Bearer", "Bearer  ", "Bearer " + cronSecret, "Bearer undefined"} {
			got := get(authorization)
			if got.StatusCode != http.StatusInternalServerError || got.code() != "misconfigured" {
				t.Errorf("CRON_SECRET=%q, %q: %d %s", unset, authorization, got.StatusCode, got.code())
			}
		}
	}
	if strings.Contains(w.logged(), cronSecret) {
		t.Error("the cron secret was logged")
	}
}

// renewalOf plays the two functions of the database that a run without a
// result needs.
func renewalOf(due, remaining string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/rest/v1/rpc/claim_due_connections":
			reply(200, due)(w, r)
		case "/rest/v1/rpc/count_due_connections":
			reply(200, remaining)(w, r)
		default:
			reply(404, `{"code":"PGRST202","message":"Could not find the function"}`)(w, r)
		}
	}
}

// What the database refuses ends the run with an error, for cron to see.
func TestRenewWithoutDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the pauses between tries")
	}
	for name, answer := range map[string]http.HandlerFunc{
		"HTML 502": html(502), "no migrations": reply(404, `{"code":"PGRST202","message":"Could not find the function"}`),
		"null": reply(200, "null!"), "not a list": reply(200, `{"a":1}`), "no count": renewalOf("[]", `"many"`),
	} {
		w := start(t)
		w.supa.broken("", answer)
		if got := w.asked(cronSecret); got.StatusCode != http.StatusServiceUnavailable || got.code() != "store_unavailable" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.code())
		}
	}
	w := start(t)
	w.supa.broken("", reply(401, `{"message":"Invalid API key"}`))
	if got := w.asked(cronSecret); got.code() != "misconfigured" {
		t.Errorf("a wrong key: %d %s", got.StatusCode, got.code())
	}
}

func TestRenewNothingDue(t *testing.T) {
	l := startLife(t, brand(1))
	l.wantRun(app.Renewal{})
	l.connect() // just now: that was a check
	l.meta.Reset()
	l.wantRun(app.Renewal{})
	if steps := l.steps(); steps != "" {
		t.Errorf("Meta was asked for %s", steps)
	}
}

// Far from its end a token is only looked at, and Meta's dates are believed.
func TestRenewOnlyChecked(t *testing.T) {
	l := startLife(t, brand(1))
	l.connectedAgo(40) // 20 days left
	before := l.row(1)
	l.wantRun(app.Renewal{Checked: 1})
	after := l.row(1)
	if after["status"] != "active" || after["token"] != before["token"] || after["checked"] != true || after["leased"] != false {
		t.Errorf("%v", after)
	}
	for column, days := range map[string]int{"expires": 20, "data_access": 50} {
		if off := time.Until(time.Unix(int64(after[column].(float64)), 0)) - time.Duration(days)*oneDay; off.Abs() > time.Hour {
			t.Errorf("%s: %v", column, after[column])
		}
	}
	if steps := l.steps(); steps != "debug_token subscriptions" {
		t.Errorf("Meta was asked for %s", steps)
	}
	l.wantRun(app.Renewal{}) // not due again
	sql(t, l.lite, "update public.user_configs set checked_at = now() - interval '19 hours'")
	l.wantRun(app.Renewal{})
}

// Within 14 days a token is exchanged, and the new one is what the app gets.
func TestRenewed(t *testing.T) {
	for _, c := range []struct {
		days    int
		renewed int
	}{{45, 0}, {47, 1}, {59, 1}} {
		t.Run(fmt.Sprint(c.days), func(t *testing.T) {
			l := startLife(t, brand(1))
			l.connectedAgo(c.days)
			before := l.row(1)
			l.wantRun(app.Renewal{Checked: 1, Renewed: c.renewed})
			after := l.row(1)
			token := tokenOf(t, l.lite, l.user, instagramID(1))
			if (token != before["token"]) != (c.renewed == 1) || !l.works(token) || after["status"] != "active" || after["reason"] != "" {
				t.Errorf("renewed %v, works %v, %v", token != before["token"], l.works(token), after["status"])
			}
			if after["page_token"] != before["page_token"] {
				t.Error("the Page token changed")
			}
			if days := time.Until(time.Unix(int64(after["expires"].(float64)), 0)).Hours() / 24; c.renewed == 1 && days < 59 {
				t.Errorf("ends in %.0f days", days)
			}
		})
	}
}

func TestExpiring(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(l *life)
		run    app.Renewal
		reason string // with the date that is meant
	}{
		{"Meta gives a new token with the old end", func(l *life) {
			l.connectedAgo(50)
			l.meta.SetRenewalExtends(false)
		}, app.Renewal{Checked: 1}, "Meta did not prolong the access. Reconnect before " + dateIn(10) + "."},
		{"Meta refuses to prolong", func(l *life) {
			l.connectedAgo(50)
			l.meta.Order(metasim.Order{Step: "upgrade", Code: 100, Message: "(#100) This token cannot be exchanged"})
		}, app.Renewal{Checked: 1}, "Meta did not prolong the access. Reconnect before " + dateIn(10) + "."},
		{"the consent ends", func(l *life) { l.consentedAgo(80) },
			app.Renewal{Checked: 1}, "Meta asks for your consent again. Reconnect before " + dateIn(10) + "."},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := startLife(t, brand(1))
			c.set(l)
			l.wantRun(c.run)
			row := l.row(1)
			if row["status"] != "expiring" || row["reason"] != c.reason || !l.works(row["token"].(string)) {
				t.Errorf("%v: %v", row["status"], row["reason"])
			}
			attention := sql(t, l.lite, "select * from public.connections_needing_attention")
			if len(attention) != 1 || attention[0]["status_reason"] != c.reason || attention[0]["user_id"] != l.user {
				t.Errorf("needing attention: %v", attention)
			}
			if listed := l.get("/api/accounts"); !strings.Contains(listed.body, `"status":"expiring","status_reason":"`+c.reason+`"`) {
				t.Errorf("listed: %s", listed.body)
			}

			// The person reconnects: all is well.
			l.meta.Clear()
			l.meta.SetRenewalExtends(true)
			l.connect()
			l.due()
			l.wantRun(app.Renewal{Checked: 1})
			if row := l.row(1); row["status"] != "active" || row["reason"] != "" {
				t.Errorf("after a reconnection %v: %v", row["status"], row["reason"])
			}
		})
	}
}

func dateIn(days int) string {
	return time.Now().Add(time.Duration(days) * oneDay).UTC().Format("2 January 2006")
}

// consentedAgo is connectedAgo with a token that Meta prolonged in between, as
// a renewal would have.
func (l *life) consentedAgo(days int) {
	l.t.Helper()
	l.connectedAgo(days)
	since := time.Duration(days-55) * oneDay // a token of 60 days can still be exchanged then
	l.meta.Jump(-since)
	defer l.meta.Jump(since)
	sql(l.t, l.lite, "update public.user_configs set token = $1", l.prolonged(l.row(1)["token"].(string)))
	l.due()
	l.meta.Reset()
}
