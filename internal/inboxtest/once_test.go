package inboxtest_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
)

// TestOnce delivers a message five times at once while the database fails: it
// is stored once for each user who holds the account, and each connection's
// answer arrives at Meta with that connection's Page token.
func TestOnce(t *testing.T) {
	w := start(t, supalitetest.Shared(t), brand(1))
	users := []string{w.connect(t), w.connect(t)}
	slices.Sort(users)

	// A function makes a call up to three times, so that 20 faults outlast all
	// five deliveries.
	for name, faults := range map[string][]faultproxy.Fault{
		"the database is down":  slices.Repeat([]faultproxy.Fault{down}, 20),
		"its answers are lost":  slices.Repeat([]faultproxy.Fault{faultproxy.Lost}, 20),
		"sometimes one or both": slices.Repeat([]faultproxy.Fault{faultproxy.Lost, down}, 10),
	} {
		t.Run(name, func(t *testing.T) {
			message := metasim.Message(person, account(1), "hello")
			w.proxy.Reset()
			w.fail(faults...)
			w.deliverFiveTimes(t, w.meta.Delivery(account(1), message))
			if n := len(faults) - w.proxy.Hits(); n > 0 {
				t.Errorf("%d calls did not fail", n)
			}
			got := []string{}
			for _, row := range w.sql(t, `select user_id::text as "user" from public.instagram_events
				where payload->'message'->>'mid' = $1 order by 1`, message.MID()) {
				got = append(got, row["user"].(string))
			}
			if !slices.Equal(got, users) {
				t.Errorf("stored for the users %v, want %v", got, users)
			}
		})
	}

	t.Run("not acknowledged", func(t *testing.T) {
		body := w.meta.Delivery(account(1), metasim.Message(person, account(1), "hello"))
		w.fail(down, down, down) // a call is tried three times
		status, err := w.meta.Deliver(t.Context(), w.webhook(), body)
		if err != nil || status != 503 {
			t.Errorf("%d, %v", status, err)
		}
	})

	buildGo(t).drain(t, w)
	w.wantAnswers(t, 6, person)
	if rows := w.sql(t, "select id from public.instagram_events where finished_at is null"); len(rows) > 0 {
		t.Errorf("not finished: %v", rows)
	}
}

// down: the call does not reach the database.
var down = faultproxy.Instead(http.StatusServiceUnavailable, "text/plain", "no database")

// fail lets the next calls that fill the inbox meet these faults, each one of them.
func (w *world) fail(faults ...faultproxy.Fault) {
	for _, fault := range faults {
		w.proxy.Order(faultproxy.Order{Call: faultproxy.Call{Name: "POST /rpc/ingest_instagram_events"}, Times: 1, Fault: fault})
	}
}

func (w *world) deliverFiveTimes(t *testing.T, body []byte) {
	t.Helper()
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if err := w.meta.DeliverUntilAcknowledged(t.Context(), w.webhook(), body, 8, 10*time.Millisecond); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
