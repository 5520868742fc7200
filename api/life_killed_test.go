package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/api"
	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
	"igconnect/lib/app"
)

// between puts a proxy before Supabase.
func (l *life) between() *faultproxy.Group {
	l.t.Helper()
	group := &faultproxy.Group{}
	server := httptest.NewServer(group.Proxy("supabase", faultproxy.To(l.lite.URL)))
	l.t.Cleanup(server.Close)
	l.t.Setenv("SUPABASE_URL", server.URL)
	return group
}

// settling are the calls that write down what a run found.
var settling = faultproxy.Call{Name: "POST /rpc/settle_connections"}

// badGateway is an answer of a gateway; with done, Supabase has done its work.
func badGateway(done bool) faultproxy.Fault {
	fault := faultproxy.Instead(http.StatusBadGateway, "text/html", "<html><h1>Bad gateway</h1></html>")
	fault.Done = done
	return fault
}

// people are a person's accounts, so many.
func people(n int) []metasim.Page {
	var pages []metasim.Page
	for i := 1; i <= n; i++ {
		pages = append(pages, brand(i))
	}
	return pages
}

// wantWhole checks what must hold after whatever happened: each row has a
// token that works at Meta, is active, and is not leased beyond two minutes.
func (l *life) wantWhole(n int) {
	l.t.Helper()
	rows := sql(l.t, l.lite, `select c.instagram_id, c.status, t.token, coalesce(c.leased_until > now() + interval '2 minutes', false) as stuck
		from public.user_configs c, public.get_instagram_token(c.instagram_id) t`)
	if len(rows) != n {
		l.t.Fatalf("%d rows of %d", len(rows), n)
	}
	for _, row := range rows {
		token, _ := row["token"].(string)
		if row["status"] != "active" || row["stuck"] == true || !l.works(token) {
			l.t.Errorf("%v: %v, stuck %v", row["instagram_id"], row["status"], row["stuck"])
		}
	}
}

// wantOnce checks that no token was exchanged twice in a run.
func (l *life) wantOnce() {
	l.t.Helper()
	var exchanged []string
	for _, request := range l.meta.Requests() {
		if request.Step == "upgrade" && request.Status == http.StatusOK {
			exchanged = append(exchanged, request.Form.Get("fb_exchange_token"))
		}
	}
	slices.Sort(exchanged)
	if all, once := len(exchanged), len(slices.Compact(exchanged)); all != once {
		l.t.Errorf("%d exchanges of %d tokens", all, once)
	}
}

// Killed at any point and run again: no token is lost, no row is stuck beyond
// its lease, none is renewed twice in a run.
func TestKilledRun(t *testing.T) {
	const n = 60 // more than a batch
	for _, after := range []time.Duration{0, 5, 20, 60, 120, 180, 240, 300, 400, 600} {
		after *= time.Millisecond
		t.Run(after.String(), func(t *testing.T) {
			l := startLife(t)
			l.connectMany(n)
			l.meta.Reset()
			l.meta.SetLatency(10 * time.Millisecond)
			ctx, kill := context.WithTimeout(t.Context(), after)
			defer kill()
			request := httptest.NewRequestWithContext(ctx, "GET", l.url+"/api/renew", nil)
			request.Header.Set("Authorization", "Bearer "+cronSecret)
			killed := httptest.NewRecorder()
			api.Renew(killed, request)
			l.wantWhole(n)
			l.wantOnce()

			// While the leases last, the next run does the others.
			l.meta.Reset()
			second := runOf(t, l.asked(cronSecret))
			if second.Failed != 0 || second.Checked+second.Remaining > n {
				t.Errorf("%+v", second)
			}
			l.wantOnce()

			// And then the rest.
			sql(t, l.lite, "update public.user_configs set leased_until = now() where leased_until is not null")
			l.wantRun(app.Renewal{Checked: second.Remaining, Renewed: l.nearTheirEnd()})
			l.wantWhole(n)
			l.wantRun(app.Renewal{})
		})
	}
}

// nearTheirEnd counts the rows that are due and end soon.
func (l *life) nearTheirEnd() int {
	return len(sql(l.t, l.lite, `select 1 from public.user_configs
		where (checked_at is null or checked_at < now() - interval '20 hours') and token_expires_at < now() + interval '14 days'`))
}

// Supabase fails just when the results are to be written: what Meta gave is
// lost, but the old tokens live, and the next run does it all again.
func TestSettleFails(t *testing.T) {
	const n = 12
	for name, stored := range map[string]bool{"502": false, "written, but not answered": true} {
		t.Run(name, func(t *testing.T) {
			l := startLife(t)
			l.connectMany(n)
			l.meta.Reset()
			proxy := l.between()
			proxy.Order(faultproxy.Order{Call: settling, Fault: badGateway(stored)})
			if got := l.asked(cronSecret); got.StatusCode != http.StatusServiceUnavailable || got.code() != "store_unavailable" {
				t.Errorf("%d %s", got.StatusCode, got.body)
			}
			l.wantWhole(n)
			l.wantOnce()
			if err := proxy.Mend(); err != nil {
				t.Fatal(err)
			}
			l.meta.Reset()
			l.wantRun(map[bool]app.Renewal{false: {Remaining: n}, true: {}}[stored]) // the leases last
			sql(t, l.lite, "update public.user_configs set leased_until = now() where leased_until is not null")
			l.wantRun(map[bool]app.Renewal{false: {Checked: n, Renewed: n / 2}, true: {}}[stored])
			l.wantWhole(n)
			l.wantOnce()
		})
	}
}

// One lost answer of Supabase costs nothing: the call is made again.
func TestSettleAnsweredOnce(t *testing.T) {
	l := startLife(t, people(3)...)
	l.connectedAgo(50)
	proxy := l.between()
	proxy.Order(faultproxy.Order{Call: settling, Times: 1, Fault: badGateway(true)})
	l.wantRun(app.Renewal{Checked: 3, Renewed: 3})
	l.wantWhole(3)
	if proxy.Hits() != 1 {
		t.Errorf("%d answers were lost", proxy.Hits())
	}
}

// A Meta that hangs does not hang the run: it ends in time, and what had come
// out well is written.
func TestHangingRunEndsInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the real limits")
	}
	w := start(t)
	var settled atomic.Bool
	row := func(n int) map[string]any {
		return map[string]any{"lease_id": "00000000-0000-4000-8000-000000000001", "user_id": ada, "instagram_id": instagramID(n), "token": "t", "token_version": 1}
	}
	batch, err := json.Marshal(slices.Collect(func(yield func(map[string]any) bool) {
		for n := range 40 {
			if !yield(row(n)) {
				return
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	w.supa.broken("", func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/rest/v1/rpc/settle_connections":
			settled.Store(true)
			reply(200, "1")(rw, r)
		case "/rest/v1/rpc/release_connections":
			reply(200, "8")(rw, r)
		default:
			renewalOf(string(batch), "40")(rw, r)
		}
	})
	w.meta.Order(metasim.Order{Step: "debug_token", Times: 1, Code: 190, Subcode: 460}) // the app's own token: a failure that may pass
	w.meta.Order(metasim.Order{Step: "debug_token", Times: 1, Body: new(`{"data":{"is_valid":false,"error":{"code":190,"subcode":460}}}`)})
	w.meta.Order(metasim.Order{Step: "debug_token", Hang: true})
	begun := time.Now()
	got := w.asked(cronSecret)
	took := time.Since(begun)
	var run app.Renewal
	if err := json.NewDecoder(strings.NewReader(got.body)).Decode(&run); err != nil && err != io.EOF {
		t.Fatal(got.body)
	}
	if took > 56*time.Second || got.StatusCode != http.StatusOK || run.Checked != 1 || run.Remaining != 40 || !settled.Load() {
		t.Errorf("%v: %d %s, settled %v", took, got.StatusCode, got.body, settled.Load())
	}
}
