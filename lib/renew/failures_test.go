package renew_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/renew"
)

// A failure that may pass changes no status, and the row stays due.
func TestMetaFails(t *testing.T) {
	page := "<html>Sorry, something went wrong.</html>"
	for _, c := range []struct {
		name  string
		fault metasim.Fault
		slow  bool
	}{
		{"500", metasim.Fault{Status: 500}, false},
		{"code 1", metasim.Fault{Code: 1, Message: "An unknown error occurred"}, false},
		{"code 2", metasim.Fault{Code: 2, Status: 500, Transient: true}, false},
		{"HTML", metasim.Fault{Body: &page, Status: 502, ContentType: "text/html"}, false},
		{"HTML 200", metasim.Fault{Body: &page, ContentType: "text/html"}, false},
		{"an empty object", metasim.Fault{Body: new("{}")}, false},
		{"cut", metasim.Fault{Cut: true}, false},
		{"a redirect", metasim.Fault{Redirect: "http://127.0.0.1:9/"}, false},
		{"the app's own token refused", metasim.Fault{Code: 190, Message: "Invalid OAuth access token signature."}, false},
		{"hang", metasim.Fault{Hang: true}, true},
	} {
		for _, step := range []string{"debug_token", "subscriptions", "upgrade"} {
			if c.slow && step != "debug_token" || c.fault.Code == 190 && step != "debug_token" {
				continue
			}
			t.Run(c.name+" at "+step, func(t *testing.T) {
				d := deploy(t, deploytest.Brand(1))
				d.ConnectAgo(50)
				before := d.Row(1)
				fault := c.fault
				fault.Step = step
				d.Meta.Inject(fault)
				renewed := 0
				if step == "subscriptions" {
					renewed = 1 // before that: it is kept
				}
				d.wantRun(renew.Result{Failed: 1, Renewed: renewed, Remaining: 1})
				d.Meta.ClearFaults() // an hour later
				after := d.Row(1)
				if after["status"] != "active" || after["status_reason"] != "" || after["checked"] == true || !d.IsAlive(after["token"].(string)) {
					t.Errorf("%v: %v", after["status"], after["status_reason"])
				}
				if kept := after["token"] != before["token"]; kept != (renewed == 1) {
					t.Errorf("a new token was stored: %v", kept)
				}

				d.endLeases()
				d.wantRun(renew.Result{Checked: 1, Renewed: 1 - renewed})
			})
		}
	}
}

// What failed is not tried twice in a run, not even where a new token was kept.
func TestNotTriedTwice(t *testing.T) {
	for days, run := range map[int]renew.Result{50: {Failed: 3, Renewed: 3, Remaining: 3}, 10: {Failed: 3, Remaining: 3}} {
		d := deploy(t, deploytest.Brands(1, 3)...)
		d.ConnectAgo(days)
		d.Meta.Inject(metasim.Fault{Step: "subscriptions", Status: 500})
		d.wantRun(run)
		if n := strings.Count(d.Steps(), "debug_token"); n != 3+run.Renewed {
			t.Errorf("%d looks at 3 tokens and %d new ones", n, run.Renewed)
		}
	}
}

// Meta's request to slow down ends the run at once; what was not begun is due
// and free at once.
func TestThrottled(t *testing.T) {
	pages := deploytest.Brands(1, 30)
	usage := func(text string) metasim.Fault {
		return metasim.Fault{Header: http.Header{"X-Business-Use-Case-Usage": {text}}}
	}
	for _, c := range []struct {
		name   string
		fault  metasim.Fault
		checks bool // those under way end well
	}{
		{"code 4", metasim.Fault{Code: 4}, false},
		{"code 17", metasim.Fault{Code: 17}, false},
		{"code 32", metasim.Fault{Code: 32}, false},
		{"code 613", metasim.Fault{Code: 613}, false},
		{"code 80000", metasim.Fault{Code: 80000}, false},
		{"code 80014", metasim.Fault{Code: 80014}, false},
		{"429", metasim.Fault{Status: 429}, false},
		{"usage of 95 %", metasim.Fault{Header: http.Header{"X-App-Usage": {`{"call_count":3,"total_time":95,"total_cputime":1}`}}}, true},
		{"a business's usage of 91 %", usage(`{"1":[{"type":"instagram","call_count":3}],` +
			`"2":[{"type":"pages","call_count":1},{"type":"instagram","total_cputime":91}]}`), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t, pages...)
			d.ConnectAgo(1)
			d.Meta.Inject(c.fault)
			got := d.resultOf(d.Renew())
			begun := strings.Count(d.Steps(), "debug_token")
			want := renew.Result{Failed: begun, Remaining: 30}
			if c.checks {
				want = renew.Result{Checked: begun, Remaining: 30 - begun}
			}
			if got != want || begun == 0 || begun > 8 {
				t.Errorf("got %+v, want %+v, %d begun", got, want, begun)
			}
			d.wantAll(30, "active")
			if c.checks { // and then it goes on where it stopped
				if leased := d.SQL("select 1 from public.user_configs where leased_until > now()"); len(leased) != 0 {
					t.Errorf("%d are still leased", len(leased))
				}
				d.Meta.ClearFaults()
				d.wantRun(renew.Result{Checked: 30 - begun})
			}
		})
	}
	t.Run("usage of 90 %", func(t *testing.T) {
		d := deploy(t, pages...)
		d.ConnectAgo(1)
		d.Meta.SetUsage(90)
		d.wantRun(renew.Result{Checked: 30})
	})
}

// Those that end soonest come first.
func TestSoonestFirst(t *testing.T) {
	d := deploy(t, deploytest.Brands(1, 60)...)
	d.ConnectAgo(1)
	d.SQL("update public.user_configs set token_expires_at = now() + interval '1 day' where instagram_id > $1", deploytest.InstagramID(50))
	d.Meta.SetUsage(95) // only those that are begun at once
	d.Renew()
	rows := d.SQL("select instagram_id from public.user_configs where checked_at > now() - interval '1 hour' order by 1")
	for _, row := range rows {
		if row["instagram_id"].(string) <= deploytest.InstagramID(50) {
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
		lose func(d deployment)
	}{
		{"a renewal", 50, func(deployment) {}},
		{"a death", 1, func(d deployment) { d.Meta.ChangePassword("5001") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t, deploytest.Brand(1))
			d.ConnectAgo(c.days)
			c.lose(d)
			callback := d.LogIn("?instagram_id="+deploytest.InstagramID(1), metasim.Approval{})
			d.Meta.Inject(metasim.Fault{Step: "debug_token", Times: 1, Latency: 1500 * time.Millisecond})
			done := make(chan struct{})
			go func() { defer close(done); d.Renew() }()
			for range 100 {
				if strings.Contains(d.Steps(), "debug_token") {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+deploytest.InstagramID(1))
			mine := d.Row(1)["token"]
			<-done
			row := d.Row(1)
			if row["token"] != mine || row["status"] != "active" || row["status_reason"] != "" || !d.IsAlive(mine.(string)) {
				t.Errorf("%v: %v, the person's token kept: %v", row["status"], row["status_reason"], row["token"] == mine)
			}
		})
	}
}

// Two runs at once share the work.
func TestTwoRuns(t *testing.T) {
	d := deploy(t, deploytest.Brands(1, 100)...)
	d.ConnectAgo(50)
	d.Meta.SetLatency(20 * time.Millisecond)
	runs := make(chan renew.Result)
	for range 2 {
		go func() { runs <- d.resultOf(d.Renew()) }()
	}
	a, b := <-runs, <-runs
	if a.Checked+b.Checked != 100 || a.Renewed+b.Renewed != 100 || a.Failed+b.Failed != 0 {
		t.Errorf("%+v and %+v", a, b)
	}
	if n := strings.Count(d.Steps(), "upgrade"); n != 100 {
		t.Errorf("%d tokens were extended", n)
	}
}
