package connect_test

import (
	"net/http"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/faultproxy"
	"igconnect/internal/metasim"
)

// manyEvents gives Ada's first account 12,000 events more.
func manyEvents(t *testing.T) deployment {
	t.Helper()
	d := twoPeople(t)
	d.SQL(`select public.ingest_instagram_events(jsonb_agg(jsonb_build_object(
		'account', $1::text, 'key', 'many/' || n, 'counterpart', '56', 'kind', 'message', 'payload', '{}'::jsonb, 'occurred_at', now())))
		from generate_series(1, 12000) as n`, deploytest.InstagramID(1))
	return d
}

// wantErasure checks what the page of an erasure says.
func (d deployment) wantErasure(address string, texts ...string) {
	d.T.Helper()
	page := d.Get(address)
	for _, text := range texts {
		if page.StatusCode != http.StatusOK || !strings.Contains(page.Body, text) {
			d.T.Errorf("the page lacks %q: %d %s\n%s", text, page.StatusCode, page.Body, d.Watch.Log())
		}
	}
}

// wantClaimed wants that so many events of Meta's are handed out, all of the account of Brand 3.
func (d deployment) wantClaimed(n float64) {
	d.T.Helper()
	row := d.SQL(`select count(*)::int as n, count(*) filter (where e->>'instagram_id' <> $1)::int as others
		from jsonb_array_elements(public.claim_instagram_events(1000, '1 second')) e where e->>'kind' <> 'connection'`, deploytest.InstagramID(3))[0]
	if row["n"] != n || row["others"] != 0.0 {
		d.T.Errorf("handed out: %v", row)
	}
}

var removal = faultproxy.Call{Name: "POST /rpc/delete_removed_events"}

// Very many events go in steps: those that the callback has time for, and the others with the daily job,
// also where checks fail. Meanwhile nobody gets any, and the page says what is left.
func TestDeletionInSteps(t *testing.T) {
	for name, c := range map[string]struct {
		fault faultproxy.Fault
		times int
	}{
		"no step in time":   {faultproxy.Instead(http.StatusBadGateway, "text/html", "<html>"), 0},
		"an answer is lost": {faultproxy.Lost, 1},
		"nothing happens":   {},
	} {
		t.Run(name, func(t *testing.T) {
			d := manyEvents(t)
			if c.fault.Name != "" {
				d.Faults.Order(faultproxy.Order{Call: removal, Fault: c.fault, Times: c.times})
			}
			address, _, err := d.Meta.DeleteData(t.Context(), d.URL+"/api/deletion", "5001")
			if err != nil {
				t.Fatal(err)
			}
			d.wantAccounts("3 active")
			d.wantClaimed(1)
			if c.fault.Name != "" && c.times == 0 {
				d.wantErasure(address, "is being deleted", "So far we deleted 2 connected accounts", "within a day")
				if !strings.Contains(d.Watch.Log(), "not_removed") {
					t.Errorf("%s", d.Watch.Log())
				}
				if err := d.Faults.Mend(); err != nil {
					t.Fatal(err)
				}
				d.MakeDue()
				d.Meta.Inject(metasim.Fault{Status: 500})
				d.Renew()
			}
			d.wantErasure(address, "Your data is deleted", "2 connected accounts", "12002 messages")
			d.wantLeft(2, 1)
		})
	}
}

// The next request for deletion goes on with what an earlier one left.
func TestDeletionGoesOn(t *testing.T) {
	d := manyEvents(t)
	d.Faults.Order(faultproxy.Order{Call: removal, Fault: faultproxy.Instead(http.StatusBadGateway, "text/html", "<html>")})
	request := d.Meta.SignedRequest("5001", metasim.Signing{})
	address := erased(t, d.callBack("/api/deletion", request))
	d.wantErasure(address, "is being deleted")
	if err := d.Faults.Mend(); err != nil {
		t.Fatal(err)
	}
	d.callBack("/api/deletion", request)
	d.wantErasure(address, "Your data is deleted", "12002 messages")
}

// Who connects again while events are left gets none of them back.
func TestConnectWhileEventsAreLeft(t *testing.T) {
	d := manyEvents(t)
	d.Faults.Order(faultproxy.Order{Call: removal, Fault: faultproxy.Instead(http.StatusBadGateway, "text/html", "<html>")})
	address := erased(t, d.callBack("/api/deletion", d.Meta.SignedRequest("5001", metasim.Signing{})))
	d.ConnectAgo(0)
	d.wantAccounts("1 active, 2 active, 3 active")
	d.wantClaimed(1)
	if err := d.Faults.Mend(); err != nil {
		t.Fatal(err)
	}
	d.deliver(deploytest.InstagramID(1), "after that")
	d.Renew()
	d.wantErasure(address, "Your data is deleted", "12002 messages")
	d.wantLeft(6, 2)
}
