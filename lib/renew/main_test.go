package renew_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
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

// deploy makes a deployment on Lite, in which nothing is connected yet. Tests with one run
// one after another: a renewal takes from everybody.
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

// endLeases lets go of what an earlier run has leased, as time would.
func (d deployment) endLeases() {
	d.T.Helper()
	d.SQL("update public.user_configs set leased_until = now() where leased_until is not null")
}

// consentAgo is ConnectAgo with a token that Meta extended in between, as a renewal
// would have.
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

// connectMany stores so many connections, each of a person of its own: every second
// one 50 days old, the others 10.
func (d deployment) connectMany(n int) {
	d.T.Helper()
	type row struct{ id, person, page, token, pageToken string }
	rows := make([]row, n)
	for i := range rows {
		page := metasim.Page{
			ID: fmt.Sprint(30000 + i), Token: fmt.Sprintf("EAApage%dtoken-for-the-load-test", i),
			Instagram: &metasim.Instagram{ID: fmt.Sprint(17841500000000000 + i)},
		}
		rows[i] = row{page.Instagram.ID, fmt.Sprint(60000 + i), page.ID, "", page.Token}
		d.Meta.AddPerson(metasim.Person{ID: rows[i].person, Pages: []metasim.Page{page}})
	}
	for _, ago := range []int{50, 10} {
		d.Meta.Jump(time.Duration(-ago) * oneDay)
		for i := range rows {
			if (i%2 == 0) == (ago == 50) {
				rows[i].token = d.Meta.Grant(metasim.Grant{Person: rows[i].person})
			}
		}
		d.Meta.Jump(time.Duration(ago) * oneDay)
	}
	for i, r := range rows {
		// Reading the Page makes its token known to Meta.
		if !d.AskMeta("/"+r.page, r.token, url.Values{"fields": {"access_token"}}, &struct{}{}) {
			d.T.Fatal("Meta does not show the Page")
		}
		d.SQL(`insert into public.user_configs (user_id, instagram_id, facebook_user_id, page_id, token, page_token,
				scopes, token_expires_at)
			values ($1, $2, $3, $4, $5, $6, string_to_array($7, ','), now() + interval '1 day' * $8::int)`,
			d.User, r.id, r.person, r.page, r.token, r.pageToken, strings.Join(metasim.DefaultScopes, ","), 10+i%2*40)
	}
	d.Meta.Reset()
}
