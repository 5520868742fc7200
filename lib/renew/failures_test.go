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
		if n := strings.Count(d.Steps(), "debug_token"); n != 3+run.Renewed {
			t.Errorf("%d looks at 3 tokens and %d new ones", n, run.Renewed)
		}
	}
}

// Meta's request to slow down ends the run at once; what was not begun is due and free at once.
func TestThrottled(t *testing.T) {
	usage := func(header, text string) metasim.Fault { return metasim.Fault{Header: http.Header{header: {text}}} }
	for name, fault := range map[string]metasim.Fault{
		"code 4":        {Code: 4},
		"code 17":       {Code: 17},
		"code 32":       {Code: 32},
		"code 613":      {Code: 613},
		"code 80000":    {Code: 80000},
		"code 80014":    {Code: 80014},
		"429":           {Status: 429},
		"usage of 95 %": usage("X-App-Usage", `{"call_count":3,"total_time":95,"total_cputime":1}`),
		"a business's usage of 91 %": usage("X-Business-Use-Case-Usage",
			`{"1":[{"type":"instagram","call_count":3}],"2":[{"type":"pages","call_count":1},{"type":"instagram","total_cputime":91}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t, deploytest.Brands(1, 30)...)
			d.ConnectAgo(1)
			d.Meta.Inject(fault)
			got := d.resultOf(d.Renew())
			begun := strings.Count(d.Steps(), "debug_token")
			want := renew.Result{Failed: begun, Remaining: 30}
			if fault.Header != nil { // those under way end well
				want = renew.Result{Checked: begun, Remaining: 30 - begun}
			}
			if got != want || begun == 0 || begun > 8 {
				t.Errorf("got %+v, want %+v, %d begun", got, want, begun)
			}
			d.wantAll(30, "active")
			if fault.Header != nil { // and then it goes on where it stopped
				if leased := d.SQL("select 1 from public.user_configs where leased_until > now()"); len(leased) != 0 {
					t.Errorf("%d are still leased", len(leased))
				}
				d.Meta.ClearFaults()
				d.wantRun(renew.Result{Checked: 30 - begun})
			}
		})
	}
	t.Run("usage of 90 %", func(t *testing.T) {
		d := deploy(t, deploytest.Brands(1, 30)...)
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
