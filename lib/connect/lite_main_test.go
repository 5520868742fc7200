package connect_test

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

// onLite makes a deployment on Lite. Tests with one run one after another.
func onLite(t *testing.T, pages ...metasim.Page) deployment {
	t.Helper()
	return deployment{deploytest.New(t, deploytest.Options{Lite: supalitetest.Shared(t), Pages: pages})}
}

// withStandIn makes a deployment on the stand-in for Supabase.
func withStandIn(t *testing.T, pages ...metasim.Page) deployment {
	t.Helper()
	return deployment{deploytest.New(t, deploytest.Options{Pages: pages})}
}

// deliver delivers a message to the account of an Instagram id.
func (d deployment) deliver(instagramID, text string) {
	d.T.Helper()
	body := d.Meta.Delivery(instagramID, metasim.Message("56", instagramID, text))
	if status, err := d.Meta.Deliver(d.T.Context(), d.URL+"/api/webhook", body); err != nil || status != http.StatusOK {
		d.T.Fatalf("the webhook answered %d: %v", status, err)
	}
}

// disconnect disconnects an account of the user's.
func (d deployment) disconnect(instagramID string) {
	d.T.Helper()
	got := d.Send("DELETE", "/api/accounts?instagram_id="+instagramID, map[string]string{"Origin": d.URL}, "")
	if got.StatusCode != http.StatusNoContent {
		d.T.Errorf("%d %s: %s\n%s", got.StatusCode, got.Code(), got.Body, d.Watch.Log())
	}
}

// count counts rows: from is what follows "from" in the query.
func (d deployment) count(from string, args ...any) float64 {
	d.T.Helper()
	return d.SQL("select count(*)::int as n from "+from, args...)[0]["n"].(float64)
}

// secrets counts what Vault holds of the connections.
func (d deployment) secrets() float64 {
	d.T.Helper()
	return d.count("vault.secrets where name like 'user_configs/%'")
}

// wantNothing checks that Lite holds no connection and no secret of one.
func (d deployment) wantNothing() {
	d.T.Helper()
	if rows, secrets := d.count("public.user_configs"), d.secrets(); rows != 0 || secrets != 0 {
		d.T.Errorf("left: %v rows, %v secrets", rows, secrets)
	}
}
