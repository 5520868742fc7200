package renew_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/api"
	"igconnect/internal/deploytest"
	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/renew"
	"igconnect/lib/web"
)

// wantWhole checks what must hold whatever happened: each of n connections is active, has a token
// that works at Meta, and is not leased beyond two minutes.
func (d deployment) wantWhole(n int) {
	d.T.Helper()
	rows := d.SQL(`select c.instagram_id, c.status, t.token, coalesce(c.leased_until > now() + interval '2 minutes', false) as stuck
		from public.user_configs c, public.get_instagram_token(c.instagram_id) t`)
	if len(rows) != n {
		d.T.Fatalf("%d rows of %d", len(rows), n)
	}
	for _, row := range rows {
		token, _ := row["token"].(string)
		if row["status"] != "active" || row["stuck"] == true || !d.IsAlive(token) {
			d.T.Errorf("%v: %v, stuck %v", row["instagram_id"], row["status"], row["stuck"])
		}
	}
}

// wantOnce checks that no token was exchanged twice in a run.
func (d deployment) wantOnce() {
	d.T.Helper()
	var exchanged []string
	for _, request := range d.Meta.Requests() {
		if request.Step == "upgrade" && request.Status == http.StatusOK {
			exchanged = append(exchanged, request.Form.Get("fb_exchange_token"))
		}
	}
	slices.Sort(exchanged)
	if all, once := len(exchanged), len(slices.Compact(exchanged)); all != once {
		d.T.Errorf("%d exchanges of %d tokens", all, once)
	}
}

// nearTheirEnd counts the rows that are due and end soon.
func (d deployment) nearTheirEnd() int {
	d.T.Helper()
	return len(d.SQL(`select 1 from public.user_configs
		where (checked_at is null or checked_at < now() - interval '20 hours') and token_expires_at < now() + interval '14 days'`))
}

// Killed at any point and run again: no token is lost, no row is stuck beyond its lease, none is
// renewed twice in a run.
func TestKilled(t *testing.T) {
	const n = 24
	for _, after := range []time.Duration{0, 5, 20, 60, 120, 180, 240, 400} {
		after *= time.Millisecond
		t.Run(after.String(), func(t *testing.T) {
			d := deploy(t)
			d.connectMany(n)
			d.Meta.SetLatency(10 * time.Millisecond)
			ctx, kill := context.WithCancel(web.WithApp(t.Context(), d.App()))
			defer time.AfterFunc(after, kill).Stop()
			request := httptest.NewRequestWithContext(ctx, "GET", "/api/renew", nil)
			request.Header.Set("Authorization", "Bearer "+deploytest.CronSecret)
			api.Renew(httptest.NewRecorder(), request)
			d.wantWhole(n)
			d.wantOnce()

			// What was leased is free again, unless the run was killed in the middle of a claim.
			d.Meta.Reset()
			second := d.resultOf(d.Renew())
			if second.Failed != 0 || second.Checked+second.Remaining > n {
				t.Errorf("%+v", second)
			}
			d.wantOnce()

			// And then the rest.
			d.endLeases()
			d.wantRun(renew.Result{Checked: second.Remaining, Renewed: d.nearTheirEnd()})
			d.wantWhole(n)
			d.wantRun(renew.Result{})
		})
	}
}

// settling are the calls that write down what a run found.
var settling = faultproxy.Call{Name: "POST /rpc/settle_connections"}

// badGateway is an answer of a gateway; with done, Supabase has done its work.
func badGateway(done bool) faultproxy.Fault {
	fault := faultproxy.Instead(http.StatusBadGateway, "text/html", "<html><h1>Bad gateway</h1></html>")
	fault.Done = done
	return fault
}

// Supabase fails just when the results are to be written: what Meta gave is lost, but the old
// tokens live, and the next run does it all again.
func TestSettleFails(t *testing.T) {
	const n = 12
	for _, c := range []struct {
		name  string
		fault faultproxy.Fault
		next  renew.Result // what the next run comes to, at once
	}{
		{"502", badGateway(false), renew.Result{Checked: n, Renewed: n / 2}},
		{"written, but not answered", badGateway(true), renew.Result{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t)
			d.connectMany(n)
			d.Faults.Order(faultproxy.Order{Call: settling, Fault: c.fault})
			if got := d.Renew(); got.StatusCode != http.StatusServiceUnavailable || got.Code() != "store_unavailable" {
				t.Errorf("%d %s", got.StatusCode, got.Body)
			}
			d.wantWhole(n)
			d.wantOnce()
			if err := d.Faults.Mend(); err != nil {
				t.Fatal(err)
			}
			d.Meta.Reset()
			d.wantRun(c.next)
			d.wantWhole(n)
			d.wantOnce()
		})
	}
}

// However a run ends, it gives back what it leased and did not settle: the next one finds it at once.
func TestLeasesGivenBack(t *testing.T) {
	const n = 12
	claim, release := faultproxy.Call{Name: "POST /rpc/claim_due_connections"}, faultproxy.Call{Name: "POST /rpc/release_connections"}
	cancelled := func(d deployment, at string) { // by who asked, as soon as Meta or Supabase was asked for it
		ctx, cancel := context.WithCancel(web.WithApp(t.Context(), d.App()))
		d.Meta.SetLatency(50 * time.Millisecond)
		go func() {
			for !strings.Contains(d.Steps(), at) {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		request := httptest.NewRequestWithContext(ctx, "GET", "/api/renew", nil)
		request.Header.Set("Authorization", "Bearer "+deploytest.CronSecret)
		api.Renew(httptest.NewRecorder(), request)
		d.Meta.SetLatency(0)
	}
	for _, c := range []struct {
		name string
		run  func(d deployment)
		left int // leased all the same
	}{
		{"an outage at Meta", func(d deployment) { d.Meta.Inject(metasim.Fault{Status: 500}); d.Renew() }, 0},
		{"an outage after the new token", func(d deployment) { d.Meta.Inject(metasim.Fault{Step: "subscriptions", Status: 500}); d.Renew() }, 0},
		{"Meta throttles", func(d deployment) { d.Meta.Inject(metasim.Fault{Code: 4}); d.Renew() }, 0},
		{"a wrong app secret", func(d deployment) { d.Set("FB_APP_SECRET", "another-secret-of-the-app"); d.Renew() }, 0},
		{"the request is cancelled", func(d deployment) { cancelled(d, "debug_token") }, 0},
		{"it is cancelled while a token is prolonged", func(d deployment) { cancelled(d, "upgrade") }, 0},
		{"what is due is handed out, and the answer lost", func(d deployment) {
			d.Faults.Order(faultproxy.Order{Call: claim, Fault: badGateway(true)})
			d.Renew()
		}, 0},
		{"one answer is lost", func(d deployment) {
			d.Faults.Order(faultproxy.Order{Call: claim, Times: 1, Fault: badGateway(true)})
			d.Renew()
		}, 0},
		{"a panic", func(d deployment) {
			defer func() { _ = recover() }()
			broken := *d.App().Renew
			broken.Provider = nil
			_, _ = broken.Run(t.Context())
		}, 0},
		{"Supabase fails then too", func(d deployment) {
			d.Meta.Inject(metasim.Fault{Status: 500})
			d.Faults.Order(faultproxy.Order{Call: release, Fault: badGateway(false)})
			d.Renew()
		}, n},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t)
			d.connectMany(n)
			before := d.Setting("FB_APP_SECRET")
			c.run(d)
			if leased := d.SQL("select 1 from public.user_configs where leased_until > now()"); len(leased) != c.left {
				t.Errorf("%d are still leased, want %d\n%s", len(leased), c.left, d.Watch.Log())
			}
			if d.Setting("FB_APP_SECRET") != before {
				d.Set("FB_APP_SECRET", before)
			}
			d.Meta.ClearFaults()
			if err := d.Faults.Mend(); err != nil {
				t.Fatal(err)
			}
			if c.left > 0 {
				d.endLeases()
			}
			due := len(d.SQL("select 1 from public.user_configs where checked_at is null or checked_at < now() - interval '20 hours'"))
			if got := d.resultOf(d.Renew()); got.Checked != due || got.Failed != 0 || got.Remaining != 0 {
				t.Errorf("the next run: %+v of %d due\n%s", got, due, d.Watch.Log())
			}
			d.wantWhole(n)
		})
	}
}

// One lost answer of Supabase costs nothing: the call is made again.
func TestSettleAnsweredOnce(t *testing.T) {
	d := deploy(t, deploytest.Brands(1, 3)...)
	d.ConnectAgo(50)
	d.Faults.Order(faultproxy.Order{Call: settling, Times: 1, Fault: badGateway(true)})
	d.wantRun(renew.Result{Checked: 3, Renewed: 3})
	d.wantWhole(3)
	if d.Faults.Hits() != 1 {
		t.Errorf("%d answers were lost", d.Faults.Hits())
	}
}

// Whoever hangs does not hang the run: it ends in time, and what had come out well is written. Where all
// of Meta hangs it ends soon; where some connections at the head do, the others are checked beside them.
func TestHanging(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the real limits")
	}
	const n, hanging = 60, 40
	for name, all := range map[string]bool{"all of Meta": true, "forty connections": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := withStandIn(t, nil)
			var batch []map[string]any
			for i := range n {
				person := personOf(i)
				d.Meta.AddPerson(metasim.Person{ID: person, Pages: []metasim.Page{deploytest.Brand(i)}})
				if !all && i < hanging {
					d.Meta.Inject(metasim.Fault{Of: person, Hang: true})
				}
				batch = append(batch, map[string]any{
					"lease_id": "00000000-0000-4000-8000-000000000001", "user_id": deploytest.Ada, "instagram_id": deploytest.InstagramID(i),
					"token": d.Meta.Grant(metasim.Grant{Person: person}), "token_version": 1, "facebook_user_id": person,
				})
			}
			due, err := json.Marshal(batch)
			if err != nil {
				t.Fatal(err)
			}
			d.Supabase.Break("", func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/rest/v1/rpc/settle_connections", "/rest/v1/rpc/release_connections":
					deploytest.Reply(200, "1")(w, r)
				default:
					claiming(string(due), "40")(w, r)
				}
			})
			want := renew.Result{Checked: n - hanging, Failed: hanging, Remaining: 40}
			if all {
				// One answers, whoever it is, before Meta hangs for all.
				d.Meta.Inject(metasim.Fault{Step: "debug_token", Times: 1, Body: new(`{"data":{"is_valid":false,"error":{"code":190,"subcode":460}}}`)})
				d.Meta.Inject(metasim.Fault{Hang: true})
			}
			begun := time.Now()
			got := d.resultOf(d.Renew())
			checked, failed := d.settled()
			switch took := time.Since(begun); {
			case took > 56*time.Second:
				t.Errorf("it took %v", took)
			case all && (got.Checked != 1 || got.Failed == 0 || got.Failed > 24 || got.Remaining != 40 || checked != 1 || failed != 0):
				t.Errorf("%+v, %d settled as checked, %d as failed", got, checked, failed)
			case !all && (got != want || checked != n-hanging || failed != hanging):
				t.Errorf("%+v, want %+v; %d settled as checked, %d as failed", got, want, checked, failed)
			}
		})
	}
}

// settled counts the results that the stand-in was sent.
func (d deployment) settled() (checked, failed int) {
	d.T.Helper()
	for _, request := range d.Supabase.Requests() {
		var sent struct {
			Results []struct{ Checked, Failed bool }
		}
		if !strings.Contains(request.Body, `"results"`) {
			continue
		}
		if err := json.Unmarshal([]byte(request.Body), &sent); err != nil {
			d.T.Error(err)
		}
		for _, result := range sent.Results {
			if result.Checked {
				checked++
			}
			if result.Failed {
				failed++
			}
		}
	}
	return checked, failed
}

// connections is how many TestRate checks: go test -v -run TestRate ./lib/renew -connections 10000
var connections = flag.Int("connections", 300, "how many connections TestRate checks")

// One run over many connections with Meta at 50 ms a call, every second one near its end: all are checked,
// a bounded number at once, and the memory stays flat. What a second brings is logged.
func TestRate(t *testing.T) {
	n := *connections
	postgres, _ := supalitetest.SharedOnPostgres(t)
	d := deployment{deploytest.New(t, deploytest.Options{Lite: postgres})}
	d.connectMany(n)
	d.Meta.SetLatency(50 * time.Millisecond)

	before, begun := heap(), time.Now()
	var sum renew.Result
	for runs := 1; ; runs++ {
		got := d.resultOf(d.Renew())
		took, grown := time.Since(begun), (int64(heap())-int64(before))/int64(n)
		sum.Checked, sum.Renewed, sum.Failed = sum.Checked+got.Checked, sum.Renewed+got.Renewed, sum.Failed+got.Failed
		t.Logf("run %d: %+v; %d of %d in %v, %.0f a second, %d at once, %d bytes more a connection",
			runs, got, sum.Checked, n, took, float64(sum.Checked)/took.Seconds(), d.Meta.MaxConcurrent(), grown)
		if most := d.Meta.MaxConcurrent(); most > 64 || got.Checked == 0 || grown > 64<<10 {
			t.Fatal("want at most 64 calls at once, 64 kB more for the requests that the simulator remembers, and some checked")
		}
		if got.Remaining == 0 {
			break
		}
	}
	if want := (renew.Result{Checked: n, Renewed: n / 2}); sum != want {
		t.Errorf("%+v, want %+v", sum, want)
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
