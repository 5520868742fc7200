package deploytest_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/faultproxy"
)

// down: the call does not reach the database.
var down = faultproxy.Instead(http.StatusServiceUnavailable, "text/plain", "no database")

// TestOnce delivers a message five times at once while the database fails: it is stored
// once for each user who holds the account, and each connection's answer arrives at Meta
// with that connection's Page token.
func TestOnce(t *testing.T) {
	d := connected(t)
	users := []string{d.User}
	d.SignUp()
	d.connect()
	users = slices.Sorted(slices.Values(append(users, d.User)))

	// A function makes a call up to three times, so that 20 faults outlast all five deliveries.
	for name, faults := range map[string][]faultproxy.Fault{
		"the database is down":  slices.Repeat([]faultproxy.Fault{down}, 20),
		"its answers are lost":  slices.Repeat([]faultproxy.Fault{faultproxy.Lost}, 20),
		"sometimes one or both": slices.Repeat([]faultproxy.Fault{faultproxy.Lost, down}, 10),
	} {
		t.Run(name, func(t *testing.T) {
			hello := message("hello")
			d.Faults.Reset()
			d.fail(faults...)
			body := d.Meta.Delivery(deploytest.InstagramID(1), hello)
			var group sync.WaitGroup
			for range 5 {
				group.Go(func() {
					if err := d.Meta.DeliverUntilAcknowledged(t.Context(), d.webhook(), body, 8, 10*time.Millisecond); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if n := len(faults) - d.Faults.Hits(); n > 0 {
				t.Errorf("%d calls did not fail", n)
			}
			got := []string{}
			for _, row := range d.SQL(`select user_id::text as "user" from public.instagram_events
				where payload->'message'->>'mid' = $1 order by 1`, hello.MID()) {
				got = append(got, row["user"].(string))
			}
			if !slices.Equal(got, users) {
				t.Errorf("stored for the users %v, want %v", got, users)
			}
		})
	}

	t.Run("not acknowledged", func(t *testing.T) {
		body := d.Meta.Delivery(deploytest.InstagramID(1), message("hello"))
		d.fail(down, down, down) // a call is tried three times
		status, err := d.Meta.Deliver(t.Context(), d.webhook(), body)
		if err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%d, %v", status, err)
		}
	})

	d.drain(buildGo(t))
	d.wantAnswers(6)
	d.wantFinished()
}

// fail lets the next calls that fill the inbox meet these faults, each one of them.
func (d deployment) fail(faults ...faultproxy.Fault) {
	for _, fault := range faults {
		d.Faults.Order(faultproxy.Order{Call: faultproxy.Call{Name: "POST /rpc/ingest_instagram_events"}, Times: 1, Fault: fault})
	}
}
