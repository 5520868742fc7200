package deploytest_test

import (
	"net/http"
	"os"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
)

func TestMain(m *testing.M) {
	os.Exit(leaks.Main(func() int { return supalitetest.Run(m) }))
}

type deployment struct{ *deploytest.Deployment }

const sender = "5614879045272581" // who writes to the accounts

// connected makes a deployment on Lite, where the account of Brand 1 is connected. The
// inbox is empty. Tests with one run one after another: a claim takes from every account.
func connected(t *testing.T) deployment {
	t.Helper()
	d := deployment{deploytest.New(t, deploytest.Options{Lite: supalitetest.Shared(t), Pages: deploytest.Brands(1, 1)})}
	d.connect()
	return d
}

func (d deployment) connect() {
	d.T.Helper()
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+deploytest.InstagramID(1))
}

func (d deployment) webhook() string { return d.URL + "/api/webhook" }

// deliver delivers events to account 1, acknowledged.
func (d deployment) deliver(events ...metasim.Event) {
	d.T.Helper()
	status, err := d.Meta.Deliver(d.T.Context(), d.webhook(), d.Meta.Delivery(deploytest.InstagramID(1), events...))
	if err != nil || status != http.StatusOK {
		d.T.Fatalf("%d, %v", status, err)
	}
}

// wantFinished checks that nothing in the inbox is left to do.
func (d deployment) wantFinished() {
	d.T.Helper()
	if rows := d.SQL("select id from public.instagram_events where finished_at is null"); len(rows) > 0 {
		d.T.Errorf("not finished: %v", rows)
	}
}

// TestConnect is the example of the package comment.
func TestConnect(t *testing.T) {
	t.Parallel()
	d := deploytest.New(t, deploytest.Options{Pages: []metasim.Page{deploytest.Brand(1)}})
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+deploytest.InstagramID(1))
	if row := d.Supabase.Rows()[deploytest.Ada+"/"+deploytest.InstagramID(1)]; row["status"] != "active" || row["page_id"] != "20001" {
		t.Errorf("saved: %v", row)
	}
}
