package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/app"
)

// A failure that may pass changes no status, and the row stays due.
func TestRenewWhileMetaFails(t *testing.T) {
	page := "<html>Sorry, something went wrong.</html>"
	for _, c := range []struct {
		name  string
		order metasim.Order
		slow  bool
	}{
		{"500", metasim.Order{Status: 500}, false},
		{"code 1", metasim.Order{Code: 1, Message: "An unknown error occurred"}, false},
		{"code 2", metasim.Order{Code: 2, Status: 500, Transient: true}, false},
		{"HTML", metasim.Order{Body: &page, Status: 502, ContentType: "text/html"}, false},
		{"HTML 200", metasim.Order{Body: &page, ContentType: "text/html"}, false},
		{"an empty object", metasim.Order{Body: new("{}")}, false},
		{"cut", metasim.Order{Cut: true}, false},
		{"a redirect", metasim.Order{Redirect: "http://127.0.0.1:9/"}, false},
		{"the app's own token refused", metasim.Order{Code: 190, Message: "Invalid OAuth access token signature."}, false},
		{"hang", metasim.Order{Hang: true}, true},
	} {
		for _, step := range []string{"debug_token", "subscriptions", "upgrade"} {
			if c.slow && step != "debug_token" || c.order.Code == 190 && step != "debug_token" {
				continue
			}
			t.Run(c.name+" at "+step, func(t *testing.T) {
				l := startLife(t, brand(1))
				l.connectedAgo(50)
				before := l.row(1)
				order := c.order
				order.Step = step
				l.meta.Order(order)
				renewed := 0
				if step == "subscriptions" {
					renewed = 1 // before that: it is kept
				}
				l.wantRun(app.Renewal{Failed: 1, Renewed: renewed, Remaining: 1})
				l.meta.Clear() // an hour later
				after := l.row(1)
				if after["status"] != "active" || after["reason"] != "" || after["checked"] == true || !l.works(after["token"].(string)) {
					t.Errorf("%v: %v", after["status"], after["reason"])
				}
				if kept := after["token"] != before["token"]; kept != (renewed == 1) {
					t.Errorf("a new token was stored: %v", kept)
				}

				sql(t, l.lite, "update public.user_configs set leased_until = now()")
				l.wantRun(app.Renewal{Checked: 1, Renewed: 1 - renewed})
			})
		}
	}
}

// What failed is not tried twice in a run, not even where a new token was kept.
func TestNotTriedTwice(t *testing.T) {
	for days, run := range map[int]app.Renewal{50: {Failed: 3, Renewed: 3, Remaining: 3}, 10: {Failed: 3, Remaining: 3}} {
		l := startLife(t, brand(1), brand(2), brand(3))
		l.connectedAgo(days)
		l.meta.Order(metasim.Order{Step: "subscriptions", Status: 500})
		l.wantRun(run)
		if n := strings.Count(l.steps(), "debug_token"); n != 3+run.Renewed {
			t.Errorf("%d looks at 3 tokens and %d new ones", n, run.Renewed)
		}
	}
}

// Meta's request to slow down ends the run at once; what was not begun is due
// and free at once.
func TestThrottledRun(t *testing.T) {
	var pages []metasim.Page
	for n := 1; n <= 30; n++ {
		pages = append(pages, brand(n))
	}
	usage := func(text string) metasim.Order {
		return metasim.Order{Header: http.Header{"X-Business-Use-Case-Usage": {text}}}
	}
	for _, c := range []struct {
		name   string
		order  metasim.Order
		checks bool // those under way end well
	}{
		{"code 4", metasim.Order{Code: 4}, false},
		{"code 17", metasim.Order{Code: 17}, false},
		{"code 32", metasim.Order{Code: 32}, false},
		{"code 613", metasim.Order{Code: 613}, false},
		{"code 80000", metasim.Order{Code: 80000}, false},
		{"code 80014", metasim.Order{Code: 80014}, false},
		{"429", metasim.Order{Status: 429}, false},
		{"usage of 95 %", metasim.Order{Header: http.Header{"X-App-Usage": {`{"call_count":3,"total_time":95,"total_cputime":1}`}}}, true},
		{"a business's usage of 91 %", usage(`{"1":[{"type":"instagram","call_count":3}],"2":[{"type":"pages","call_count":1},{"type":"instagram","total_cputime":91}]}`), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := startLife(t, pages...)
			l.connectedAgo(1)
			l.meta.Order(c.order)
			got := l.asked(cronSecret)
			begun := strings.Count(l.steps(), "debug_token")
			want := app.Renewal{Failed: begun, Remaining: 30}
			if c.checks {
				want = app.Renewal{Checked: begun, Remaining: 30 - begun}
			}
			if run := runOf(t, got); run != want || begun == 0 || begun > 8 {
				t.Errorf("got %+v, want %+v, %d begun", run, want, begun)
			}
			if rows := sql(t, l.lite, "select 1 from public.user_configs where status <> 'active'"); len(rows) != 0 {
				t.Errorf("%d changed their status", len(rows))
			}
			if c.checks { // and then it goes on where it stopped
				if leased := sql(t, l.lite, "select 1 from public.user_configs where leased_until > now()"); len(leased) != 0 {
					t.Errorf("%d are still leased", len(leased))
				}
				l.meta.Clear()
				l.wantRun(app.Renewal{Checked: 30 - begun})
			}
		})
	}
	t.Run("usage of 90 %", func(t *testing.T) {
		l := startLife(t, pages...)
		l.connectedAgo(1)
		l.meta.SetUsage(90)
		l.wantRun(app.Renewal{Checked: 30})
	})
}

// Those that end soonest come first.
func TestSoonestFirst(t *testing.T) {
	var pages []metasim.Page
	for n := 1; n <= 60; n++ {
		pages = append(pages, brand(n))
	}
	l := startLife(t, pages...)
	l.connectedAgo(1)
	sql(t, l.lite, "update public.user_configs set token_expires_at = now() + interval '1 day' where instagram_id > $1", instagramID(50))
	l.meta.SetUsage(95) // only those that are begun at once
	l.asked(cronSecret)
	rows := sql(t, l.lite, "select instagram_id from public.user_configs where checked_at > now() - interval '1 hour' order by 1")
	for _, row := range rows {
		if row["instagram_id"].(string) <= instagramID(50) {
			t.Errorf("%v came before its turn", row["instagram_id"])
		}
	}
	if len(rows) == 0 {
		t.Error("none was checked")
	}
}

// The person reconnects while the check is under way: that wins, whatever the
// check found.
func TestReconnectedDuringCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		days int
		lose func(l *life)
	}{
		{"a renewal", 50, func(*life) {}},
		{"a death", 1, func(l *life) { l.meta.ChangePassword("5001") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := startLife(t, brand(1))
			l.connectedAgo(c.days)
			c.lose(l)
			callback := l.login("?instagram_id="+instagramID(1), metasim.Approval{})
			l.meta.Order(metasim.Order{Step: "debug_token", Times: 1, Latency: 1500 * time.Millisecond})
			done := make(chan struct{})
			go func() { defer close(done); l.asked(cronSecret) }()
			for range 100 {
				if strings.Contains(l.steps(), "debug_token") {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			l.wantRedirect(l.get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))
			mine := l.row(1)["token"]
			<-done
			row := l.row(1)
			if row["token"] != mine || row["status"] != "active" || row["reason"] != "" || !l.works(mine.(string)) {
				t.Errorf("%v: %v, the person's token kept: %v", row["status"], row["reason"], row["token"] == mine)
			}
		})
	}
}

// Two runs at once share the work.
func TestTwoRuns(t *testing.T) {
	var pages []metasim.Page
	for n := 1; n <= 100; n++ {
		pages = append(pages, brand(n))
	}
	l := startLife(t, pages...)
	l.connectedAgo(50)
	l.meta.SetLatency(20 * time.Millisecond)
	runs := make(chan app.Renewal)
	for range 2 {
		go func() { runs <- runOf(t, l.asked(cronSecret)) }()
	}
	a, b := <-runs, <-runs
	if a.Checked+b.Checked != 100 || a.Renewed+b.Renewed != 100 || a.Failed+b.Failed != 0 {
		t.Errorf("%+v and %+v", a, b)
	}
	var upgraded []string
	for _, request := range l.meta.Requests() {
		if request.Step == "upgrade" {
			upgraded = append(upgraded, request.Form.Get("fb_exchange_token"))
		}
	}
	if slices.Sort(upgraded); len(upgraded) != 100 {
		t.Errorf("%d upgrades", len(upgraded))
	}
}
