package renew_test

import (
	"fmt"
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
	for name, fault := range map[string]metasim.Fault{
		"500":                         {Status: 500},
		"code 1":                      {Code: 1, Message: "An unknown error occurred"},
		"code 2":                      {Code: 2, Status: 500, Transient: true},
		"HTML":                        {Body: &page, Status: 502, ContentType: "text/html"},
		"HTML 200":                    {Body: &page, ContentType: "text/html"},
		"an empty object":             {Body: new("{}")},
		"cut":                         {Cut: true},
		"a redirect":                  {Redirect: "http://127.0.0.1:9/"},
		"the app's own token refused": {Code: 190, Message: "Invalid OAuth access token signature."},
		"hang":                        {Hang: true},
	} {
		for _, step := range []string{"debug_token", "subscriptions", "upgrade"} {
			if (fault.Hang || fault.Code == 190) && step != "debug_token" {
				continue // it would wait for long; another token is refused
			}
			t.Run(name+" at "+step, func(t *testing.T) {
				d := connectedAgo(t, 50)
				before := d.Row(1)
				fault.Step = step
				d.Meta.Inject(fault)
				renewed := 0
				if step == "subscriptions" {
					renewed = 1 // before that: it is kept
				}
				d.wantRun(renew.Result{Failed: 1, Renewed: renewed, Remaining: 1})
				d.Meta.ClearFaults() // an hour later
				after := d.wantStatus("active", "")
				if kept := after["token"] != before["token"]; kept != (renewed == 1) || after["checked"] == true {
					t.Errorf("a new token was stored: %v, checked: %v", kept, after["checked"])
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
		if n, want := strings.Count(d.Steps(), "debug_token"), 1+min(run.Renewed, 1); n != want {
			t.Errorf("%d looks at the one token that three connections share, and at what it becomes; want %d", n, want)
		}
	}
}

// The app's own limit at Meta ends the run at once; what was not begun is due and free at once.
func TestThrottled(t *testing.T) {
	usage := func(text string) metasim.Fault { return metasim.Fault{Header: http.Header{"X-App-Usage": {text}}} }
	for name, fault := range map[string]metasim.Fault{
		"code 4":        {Code: 4},
		"code 341":      {Code: 341},
		"code 613":      {Code: 613},
		"429":           {Status: 429},
		"usage of 95 %": usage(`{"call_count":3,"total_time":95,"total_cputime":1}`),
	} {
		t.Run(name, func(t *testing.T) {
			const n = 16
			d := deploy(t)
			d.connectMany(n)
			d.Meta.Inject(fault)
			got := d.resultOf(d.Renew())
			begun := strings.Count(d.Steps(), "page") // of those under way, which end well
			if fault.Header == nil {
				begun = strings.Count(d.Steps(), "debug_token")
			}
			want := renew.Result{Failed: begun, Remaining: n}
			if fault.Header != nil {
				want = renew.Result{Checked: begun, Renewed: got.Renewed, Remaining: n - begun}
			}
			if got != want || begun == 0 || begun > 8 {
				t.Errorf("got %+v, want %+v, %d begun", got, want, begun)
			}
			if marked := d.SQL("select 1 from public.user_configs where failures > 0 or leased_until > now() or status <> 'active'"); len(marked) != 0 {
				t.Errorf("%d are marked or still leased", len(marked))
			}
			d.Meta.ClearFaults() // and then it goes on where it stopped
			if got := d.resultOf(d.Renew()); got.Checked != want.Remaining || got.Remaining != 0 {
				t.Errorf("then %+v", got)
			}
		})
	}
	t.Run("usage of 90 %", func(t *testing.T) {
		d := deploy(t)
		d.connectMany(16)
		d.Meta.SetUsage(90)
		d.wantRun(renew.Result{Checked: 16, Renewed: 8})
	})
}

// The limit of one person, Page or business delays those alone whose it is, for as long as Meta says.
func TestThrottledAlone(t *testing.T) {
	const n = 10
	business := func(text string) http.Header { return http.Header{"X-Business-Use-Case-Usage": {text}} }
	for name, fault := range map[string]metasim.Fault{
		"code 17":    {Code: 17, Step: "debug_token"},
		"code 368":   {Code: 368},
		"code 32":    {Code: 32, Step: "subscriptions"},
		"code 80000": {Code: 80000, Step: "page"},
		"code 80014": {Code: 80014},
		"code 80001": {Code: 80001, Step: "subscriptions", Header: business(`{"30000":[{"type":"pages","call_count":120,"estimated_time_to_regain_access":60}]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			d.connectMany(n)
			fault.Of = personOf(0)
			d.Meta.Inject(fault)
			got := d.resultOf(d.Renew())
			if want := (renew.Result{Checked: n - 1, Renewed: got.Renewed, Failed: 1, Remaining: 1}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			want := float64(0)
			if fault.Header != nil {
				want = 60
			}
			row := d.SQL(`select facebook_user_id, failures, coalesce(round(extract(epoch from leased_until - now()) / 60), 0)::float8 as minutes
				from public.user_configs where failures > 0`)
			if len(row) != 1 || row[0]["facebook_user_id"] != fault.Of || row[0]["failures"] != float64(1) || row[0]["minutes"] != want {
				t.Errorf("marked: %v, want it left alone for %v minutes", row, want)
			}
			d.endLeases()
			d.Meta.ClearFaults()
			d.wantRun(renew.Result{Checked: 1, Renewed: 1 - got.Renewed + n/2 - 1})
		})
	}
	t.Run("a business's usage of 100 %", func(t *testing.T) {
		d := deploy(t)
		d.connectMany(n)
		d.Meta.Inject(metasim.Fault{Header: business(`{"1":[{"type":"pages","call_count":100}]}`)})
		d.wantRun(renew.Result{Checked: n, Renewed: n / 2})
	})
}

// Connections at the head of the queue that fail, day after day, come after the others from then on. No
// check of theirs is lost by that: what succeeds again is as before.
func TestFailingMovesBack(t *testing.T) {
	const n, bad = 24, 10
	d := deploy(t)
	d.connectMany(n)
	d.SQL("update public.user_configs set token_expires_at = now() + interval '1 day' where facebook_user_id < $1", personOf(bad))
	for i := range bad {
		d.Meta.Inject(metasim.Fault{Of: personOf(i), Step: []string{"debug_token", "subscriptions"}[i%2], Status: 500})
	}
	if got := d.resultOf(d.Renew()); got.Checked != n-bad || got.Failed != bad || got.Remaining != bad {
		t.Errorf("the first day: %+v", got)
	}
	d.MakeDue()
	d.Meta.SetUsage(95) // only those that are begun at once are checked
	if got := d.resultOf(d.Renew()); got.Checked == 0 || got.Failed != 0 {
		t.Errorf("the second day: %+v, want those first that did not fail", got)
	}
	d.Meta.SetUsage(0)
	d.MakeDue()
	if got := d.resultOf(d.Renew()); got.Checked != n-bad || got.Failed != bad {
		t.Errorf("the third day: %+v", got)
	}
	if row := d.SQL("select count(*)::int as n from public.user_configs where failures = 2 and leased_until > now() + interval '14 minutes'")[0]; row["n"] != float64(bad) {
		t.Errorf("%v are left alone for a quarter of an hour, want %d", row["n"], bad)
	}
	d.Meta.ClearFaults()
	d.endLeases()
	if got := d.resultOf(d.Renew()); got.Checked != bad || got.Failed+got.Remaining != 0 {
		t.Errorf("when Meta answers again: %+v", got)
	}
	if marked := d.SQL("select 1 from public.user_configs where failures > 0"); len(marked) != 0 {
		t.Errorf("%d are still marked", len(marked))
	}
}

// Where Meta does not answer for the app itself, the run ends and nobody is marked. Where it does, the
// run goes on, though all that came first have failed.
func TestOutage(t *testing.T) {
	const n = 24
	for _, c := range []struct {
		name   string
		breaks func(d deployment)
		ends   bool
	}{
		{"Meta is down", func(d deployment) { d.Meta.Inject(metasim.Fault{Status: 503}) }, true},
		{"Meta does not know the app's secret", func(d deployment) { d.Set("FB_APP_SECRET", "another-secret-of-the-app") }, true},
		{"the first twelve fail", func(d deployment) {
			for i := range 12 {
				d.Meta.Inject(metasim.Fault{Of: personOf(2 * i), Step: "debug_token", Code: 2, Status: 500})
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t)
			d.connectMany(n)
			secret := d.Setting("FB_APP_SECRET")
			c.breaks(d)
			got := d.resultOf(d.Renew())
			marked := len(d.SQL("select 1 from public.user_configs where failures > 0"))
			if c.ends && (got.Failed == 0 || got.Failed > 8 || got.Checked != 0 || marked != 0) {
				t.Errorf("%+v, %d marked; want it to end with the first", got, marked)
			}
			if !c.ends && (got.Failed != 12 || got.Checked != 12 || marked != 12) {
				t.Errorf("%+v, %d marked; want the others checked", got, marked)
			}
			if strings.Contains(d.Watch.Log(), `"outage":"`) != c.ends {
				t.Errorf("an outage is noted: %v\n%s", !c.ends, d.Watch.Log())
			}
			d.Meta.ClearFaults()
			if d.Setting("FB_APP_SECRET") != secret {
				d.Set("FB_APP_SECRET", secret)
			}
			if got := d.resultOf(d.Renew()); got.Failed != 0 || got.Remaining != 0 {
				t.Errorf("when it is over: %+v", got)
			}
		})
	}
}

// Accounts that their person connected together share a token: Meta is asked about it once, and it is
// prolonged once, for all.
func TestSharedToken(t *testing.T) {
	const n = 5
	d := deploy(t, deploytest.Brands(1, n)...)
	d.ConnectAgo(50)
	d.wantRun(renew.Result{Checked: n, Renewed: n})
	for step, want := range map[string]int{"debug_token": 2, "upgrade": 1, "subscriptions": n} {
		if got := strings.Count(d.Steps(), step); got != want {
			t.Errorf("%s: %d calls, want %d", step, got, want)
		}
	}
	for i := range n {
		if row := d.Row(i + 1); row["token"] != d.Row(1)["token"] || daysUntil(row, "expires") < 59 {
			t.Errorf("account %d has a token of its own, or the old one", i+1)
		}
	}
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

// The person reconnects while the check is under way: that wins, whatever the check found.
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
			d := connectedAgo(t, c.days)
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
			if row := d.wantStatus("active", ""); row["token"] != mine {
				t.Error("the person's token was not kept")
			}
		})
	}
}

// Two runs at once share the work.
func TestTwoRuns(t *testing.T) {
	const n = 120 // more than a claim
	d := deploy(t)
	d.connectMany(n)
	d.Meta.SetLatency(20 * time.Millisecond)
	runs := make(chan renew.Result)
	for range 2 {
		go func() { runs <- d.resultOf(d.Renew()) }()
	}
	a, b := <-runs, <-runs
	if a.Checked+b.Checked != n || a.Renewed+b.Renewed != n/2 || a.Failed+b.Failed != 0 {
		t.Errorf("%+v and %+v", a, b)
	}
	d.wantOnce()
}

// One wrong answer of Meta's, given to all, stops nobody for good.
func TestNoMassReconnect(t *testing.T) {
	const n = 12
	d := deploy(t, deploytest.Brands(1, n)...)
	d.ConnectAgo(0)
	valid := func(rest string) *string {
		body := fmt.Sprintf(`{"data":{"app_id":"%s","user_id":"5001","is_valid":true,"expires_at":%d%s}}`,
			deploytest.AppID, time.Now().Add(50*oneDay).Unix(), rest)
		return &body
	}
	for name, fault := range map[string]metasim.Fault{
		"no scopes":                 {Step: "debug_token", Body: valid("")},
		"empty scopes":              {Step: "debug_token", Body: valid(`,"scopes":[]`)},
		"no app":                    {Step: "debug_token", Body: new(`{"data":{"is_valid":true,"scopes":["email"]}}`)},
		"invalid without a reason":  {Step: "debug_token", Body: new(`{"data":{"is_valid":false}}`)},
		"invalid for a passing one": {Step: "debug_token", Body: new(`{"data":{"is_valid":false,"error":{"code":2,"message":"later"}}}`)},
		"the Page's token, 190":     {Step: "subscriptions", Code: 190},
		"a passing 190":             {Step: "debug_token", Code: 190, Transient: true},
		"a 190 with HTTP 500":       {Step: "subscriptions", Code: 190, Subcode: 460, Status: 500},
		"HTML":                      {Step: "debug_token", Body: new("<html>")},
	} {
		d.MakeDue()
		d.Meta.ClearFaults()
		d.Meta.Inject(fault)
		if got := d.resultOf(d.Renew()); got.Reconnect != 0 {
			t.Errorf("%s: %+v", name, got)
		}
		d.wantAll(n, "active")
	}
	d.Meta.ClearFaults()
	d.MakeDue()
	d.wantRun(renew.Result{Checked: n})

	// A reason that Meta names counts, however many it hits.
	d.MakeDue()
	d.Meta.ChangePassword("5001")
	d.wantRun(renew.Result{Checked: n, Reconnect: n})
	d.wantAll(n, "reconnect")
}

// A text that the database refuses costs its own row at most.
func TestOddTextsAreStored(t *testing.T) {
	d := deploy(t, deploytest.Brands(1, 3)...)
	d.ConnectAgo(0)
	d.Meta.Inject(metasim.Fault{Step: "subscriptions", Code: 100, Message: "no\x00such\x1bfield"})
	if got := d.resultOf(d.Renew()); got.Checked != 3 {
		t.Errorf("%+v\n%s", got, d.Watch.Log())
	}
	d.wantAll(3, "active")
	if strings.Contains(d.Watch.Log(), `\u0000`) {
		t.Error("the log holds a NUL")
	}
}
