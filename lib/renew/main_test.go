package renew_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/renew"
)

func TestMain(m *testing.M) {
	os.Exit(leaks.Main(func() int { return supalitetest.Run(m) }))
}

const oneDay = 24 * time.Hour

type deployment struct{ *deploytest.Deployment }

// deploy makes a deployment on Lite, in which nothing is connected yet. Tests with one run one
// after another: a renewal takes from everybody.
func deploy(t *testing.T, pages ...metasim.Page) deployment {
	t.Helper()
	return deployment{deploytest.New(t, deploytest.Options{Lite: supalitetest.Shared(t), Pages: pages})}
}

// resultOf reads what a run came to from its answer.
func (d deployment) resultOf(got deploytest.Answer) (result renew.Result) {
	d.T.Helper()
	err := json.Unmarshal([]byte(got.Body), &result)
	if err != nil || got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" {
		d.T.Errorf("%d %s: %s\n%s", got.StatusCode, got.Code(), got.Body, d.Watch.Log())
	}
	return result
}

// wantRun runs a renewal and checks what it came to.
func (d deployment) wantRun(want renew.Result) {
	d.T.Helper()
	if got := d.resultOf(d.Renew()); got != want {
		d.T.Errorf("got %+v, want %+v\n%s", got, want, d.Watch.Log())
	}
}

// wantAll checks that there are n connections, all of the given status.
func (d deployment) wantAll(n int, status string) {
	d.T.Helper()
	got := d.SQL("select count(*)::int as n, count(*) filter (where status = $1)::int as fit from public.user_configs", status)[0]
	if got["n"] != float64(n) || got["fit"] != float64(n) {
		d.T.Errorf("%v of %v are %s, want %d", got["fit"], got["n"], status, n)
	}
}

// wantStatus checks status and reason of the account of Brand 1, and that Meta accepts its token
// where it isn't to be connected again. It returns the row.
func (d deployment) wantStatus(status, reason string) map[string]any {
	d.T.Helper()
	row := d.Row(1)
	if row["status"] != status || row["status_reason"] != reason || status != "reconnect" && !d.IsAlive(row["token"].(string)) {
		d.T.Errorf("got %v: %v, want %s: %s", row["status"], row["status_reason"], status, reason)
	}
	return row
}

// wantSteps checks what Meta was asked for.
func (d deployment) wantSteps(want string) {
	d.T.Helper()
	if steps := d.Steps(); steps != want {
		d.T.Errorf("Meta was asked for %q, want %q", steps, want)
	}
}

// reconnect connects the account of Brand 1 again, as its status asks for.
func (d deployment) reconnect() {
	d.T.Helper()
	id := deploytest.InstagramID(1)
	d.WantRedirect(d.Get(d.LogIn("?instagram_id="+id, metasim.Approval{})), http.StatusSeeOther, "/?connected="+id)
}

// daysUntil is how many days are left until a time in a column of a row.
func daysUntil(row map[string]any, column string) float64 {
	return time.Until(time.Unix(int64(row[column].(float64)), 0)).Hours() / 24
}

// connectedAgo is deploy with the account of Brand 1, connected so many days ago.
func connectedAgo(t *testing.T, days int) deployment {
	t.Helper()
	d := deploy(t, deploytest.Brand(1))
	d.ConnectAgo(days)
	return d
}

// endLeases lets go of what an earlier run has leased, as time would.
func (d deployment) endLeases() {
	d.T.Helper()
	d.SQL("update public.user_configs set leased_until = now() where leased_until is not null")
}

// consentAgo is ConnectAgo with a token that Meta extended in between, as a renewal would have.
func (d deployment) consentAgo(days int) {
	d.T.Helper()
	d.ConnectAgo(days)
	since := time.Duration(days-55) * oneDay // a token of 60 days can still be extended then
	d.Meta.Jump(-since)
	defer d.Meta.Jump(since)
	var extended struct {
		Token string `json:"access_token"`
	}
	if !d.AskMeta("/oauth/access_token", "", url.Values{
		"grant_type": {"fb_exchange_token"}, "client_id": {deploytest.AppID}, "client_secret": {deploytest.AppSecret},
		"fb_exchange_token": {d.Row(1)["token"].(string)},
	}, &extended) {
		d.T.Fatal("Meta did not extend the token")
	}
	d.SQL("update public.user_configs set token = $1", extended.Token)
	d.MakeDue()
	d.Meta.Reset()
}

// connectMany stores so many connections, each of a person of its own, see [personOf]: every second one
// 50 days old, the others 10.
func (d deployment) connectMany(n int) {
	d.T.Helper()
	rows := make([]map[string]any, n)
	for i := range n {
		id, person := fmt.Sprint(17841500000000000+i), personOf(i)
		page := metasim.Page{
			ID: fmt.Sprint(30000 + i), Token: fmt.Sprintf("EAApage%dtoken-for-the-load-test", i), Instagram: &metasim.Instagram{ID: id},
		}
		d.Meta.AddPerson(metasim.Person{ID: person, Pages: []metasim.Page{page}})
		left := 10 + i%2*40 // days of 60
		d.Meta.Jump(time.Duration(left-60) * oneDay)
		token := d.Meta.Grant(metasim.Grant{Person: person})
		d.Meta.Jump(time.Duration(60-left) * oneDay)
		// Reading the Page makes its token known to Meta.
		if !d.AskMeta("/"+page.ID, token, url.Values{"fields": {"access_token"}}, &struct{}{}) {
			d.T.Fatal("Meta does not show the Page")
		}
		rows[i] = map[string]any{
			"user_id": d.User, "instagram_id": id, "facebook_user_id": person, "page_id": page.ID, "token": token, "page_token": page.Token,
			"scopes": metasim.DefaultScopes, "token_expires_at": time.Now().Add(time.Duration(left) * oneDay).UTC(),
		}
	}
	for some := range slices.Chunk(rows, 200) {
		text, err := json.Marshal(some)
		if err != nil {
			d.T.Fatal(err)
		}
		d.SQL(`insert into public.user_configs (user_id, instagram_id, facebook_user_id, page_id, token, page_token, scopes, token_expires_at)
			select r.user_id, r.instagram_id, r.facebook_user_id, r.page_id, r.token, r.page_token, r.scopes, r.token_expires_at
			from jsonb_populate_recordset(null::public.user_configs, $1::text::jsonb) r`, string(text))
	}
	d.Meta.Reset()
}

// personOf is the id of the person of a connection of connectMany.
func personOf(i int) string { return fmt.Sprint(60000 + i) }
