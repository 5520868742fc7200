package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/metasim"
)

// stored puts a row into the table as if it had been connected before.
func (d deployment) stored(user string, n int, person string, change map[string]any) {
	row := map[string]any{
		"user_id": user, "instagram_id": instagramID(n), "facebook_user_id": person, "username": brand(n).Instagram.Username,
		"page_id": brand(n).ID, "page_name": brand(n).Name, "status": "active", "token": "user-token", "page_token": "page-token",
		"token_expires_at": "2027-01-22 05:28:59.392572+00", "connected_at": "2026-11-23T05:29:21+00:00", "subscribed_fields": []any{"feed"},
	}
	maps.Copy(row, change)
	d.Supabase.Insert(row)
}

func TestListAccounts(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	if got := d.Get("/api/accounts"); got.Body != `{"accounts":[]}` {
		t.Errorf("none: %s", got.Body)
	}
	d.stored(ada, 1, "5001", nil)
	d.stored(ben, 2, "5002", nil)
	got := d.Get("/api/accounts")
	var accounts struct{ Accounts []map[string]any }
	if err := json.Unmarshal([]byte(got.Body), &accounts); err != nil || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %v", got.Body, err)
	}
	want := []map[string]any{{
		"instagram_id": instagramID(1), "username": "brand_1", "name": nil, "picture_url": nil, "page_id": "20001", "page_name": "Page 1",
		"status": "active", "status_reason": nil, "token_expires_at": "2027-01-22T05:28:59.392572Z", "connected_at": "2026-11-23T05:29:21Z",
		"subscribed_fields": []any{"feed"}, "subscription_error": nil,
	}}
	if diff := cmp.Diff(want, accounts.Accounts); diff != "" {
		t.Error(diff)
	}

	d.newBrowser()
	got = d.Get("/api/accounts")
	d.want(got, 401, "signed_out")
	d.wantTexts(got, `"code":"signed_out"`)
	got = d.Send("GET", "/api/accounts", map[string]string{"Authorization": "Bearer " + session(ada)}, "")
	d.wantTexts(got, instagramID(1))
	if got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("shared with nobody in particular")
	}
}

// PostgREST's answers end at the project's "max rows" without a word, 1,000 by default and as few as
// somebody sets: https://docs.postgrest.org/en/stable/references/configuration.html#db-max-rows
func TestListOfManyAccounts(t *testing.T) {
	t.Parallel()
	for maxRows, n := range map[int]int{1000: 1500, 7: 20, 5: 10} {
		d := deploy(t)
		d.Supabase.SetMaxRows(maxRows)
		var want []string
		for i := range n {
			d.stored(ada, i, "5001", nil)
			want = append(want, instagramID(i))
		}
		slices.Sort(want)
		d.stored(ben, n, "5002", nil)
		var got struct{ Accounts []map[string]any }
		body := d.Get("/api/accounts").Body
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, account := range got.Accounts {
			ids = append(ids, account["instagram_id"].(string))
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("at most %d rows: %s", maxRows, diff)
		}
		if calls, most := d.count("list"), (n+maxRows-1)/maxRows; calls != most {
			t.Errorf("at most %d rows: %d calls, want %d", maxRows, calls, most)
		}
		if got := d.disconnect(instagramID(n-1), map[string]string{"Origin": d.URL}); got.StatusCode != http.StatusNoContent {
			t.Errorf("at most %d rows: disconnecting the last: %d", maxRows, got.StatusCode)
		}
	}
}

// A script of another website may make the visitor's browser ask, cookies and
// all, and does not get to read the answer.
func TestListIsReadByAllowedPagesOnly(t *testing.T) {
	t.Parallel()
	d := deployWith(t, sharing, brand(1))
	d.Connect()
	for origin, allowed := range map[string]string{d.URL: d.URL, appOrigin: appOrigin, "": "", "https://evil.example": ""} {
		got := d.Send("GET", "/api/accounts", map[string]string{"Origin": origin}, "")
		if got.StatusCode != http.StatusOK || got.Header.Get("Access-Control-Allow-Origin") != allowed {
			t.Errorf("from %q: %d %s, %v", origin, got.StatusCode, got.Code(), got.Header)
		}
	}
}

func (d deployment) disconnect(id string, header map[string]string) answer {
	d.T.Helper()
	return d.Send("DELETE", "/api/accounts?instagram_id="+id, header, "")
}

// did are the steps at Meta that end something.
func (d deployment) did() string {
	var steps []string
	for _, request := range d.Meta.Requests() {
		if request.Step == "unsubscribe" || request.Step == "revoke" {
			steps = append(steps, request.Step)
		}
	}
	return strings.Join(steps, " ")
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		setUp func(d deployment)
		did   string // at Meta
		kept  []string
	}{
		{"the person's last account", func(deployment) {}, "unsubscribe revoke", nil},
		{"another account of the person stays", func(d deployment) { d.stored(ada, 2, "5001", nil) }, "unsubscribe", []string{ada + "/" + instagramID(2)}},
		{"another user has an account of the person", func(d deployment) { d.stored(ben, 2, "5001", nil) }, "unsubscribe", []string{ben + "/" + instagramID(2)}},
		{"another user needs the Page", func(d deployment) { d.stored(ben, 1, "5002", nil) }, "revoke", []string{ben + "/" + instagramID(1)}},
		{"another user's connection of the Page is dead", func(d deployment) { d.stored(ben, 1, "5002", map[string]any{"status": "reconnect"}) },
			"unsubscribe revoke", []string{ben + "/" + instagramID(1)}},
		{"Meta is down", func(d deployment) { d.Meta.Inject(metasim.Fault{Status: 500}) }, "unsubscribe unsubscribe unsubscribe revoke revoke revoke", nil},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d, _ := connected(t, brand(1))
			c.setUp(d)
			got := d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
			if got.StatusCode != http.StatusNoContent || got.Body != "" {
				t.Errorf("%d %s: %s", got.StatusCode, got.Code(), got.Body)
			}
			if did := d.did(); did != c.did {
				t.Errorf("at Meta: %q, want %q\n%s", did, c.did, d.Watch.Log())
			}
			if kept := slices.Collect(maps.Keys(d.Supabase.Rows())); !slices.Equal(kept, c.kept) {
				t.Errorf("kept: %v, want %v", kept, c.kept)
			}
			d.want(d.disconnect(instagramID(1), map[string]string{"Origin": d.URL}), 404, "not_found", "again")
			if c.name == "Meta is down" && !(strings.Contains(d.Watch.Log(), "not_unsubscribed") && strings.Contains(d.Watch.Log(), "not_revoked")) {
				t.Errorf("the log does not say what is left to do: %s", d.Watch.Log())
			}
		})
	}
}

func TestDisconnectRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, id string
		header   map[string]string // Origin "": our own
		status   int
		code     string
	}{
		{"an unknown id", "17841499999999999", nil, 404, "not_found"},
		{"somebody else's id", instagramID(2), nil, 404, "not_found"},
		{"no id", "", nil, 404, "not_found"},
		{"a filter for an id", "1,user_id.neq.x)", nil, 404, "not_found"},
		{"from another website", instagramID(1), map[string]string{"Origin": "https://evil.example"}, 403, "forbidden_origin"},
		{"from a null origin", instagramID(1), map[string]string{"Origin": "null"}, 403, "forbidden_origin"},
		{"by cookie and without an origin", instagramID(1), map[string]string{}, 403, "forbidden_origin"},
		{"with a forged Bearer", instagramID(1), map[string]string{"Authorization": "Bearer a.b.c"}, 401, "signed_out"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t)
			d.stored(ada, 1, "5001", nil)
			d.stored(ben, 2, "5002", nil)
			if c.header == nil {
				c.header = map[string]string{"Origin": d.URL}
			}
			got := d.disconnect(c.id, c.header)
			if got.StatusCode != c.status || got.Code() != c.code || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s: %s", got.StatusCode, got.Code(), got.Body)
			}
			if len(d.Supabase.Rows()) != 2 || d.did() != "" {
				t.Errorf("rows %v, at Meta %q", d.Supabase.Rows(), d.did())
			}
		})
	}
}

func TestDisconnectByScript(t *testing.T) {
	t.Parallel()
	d, _ := connected(t, brand(1))
	d.newBrowser()
	d.want(d.disconnect(instagramID(1), map[string]string{"Authorization": "Bearer " + session(ada)}), 204, "")
	if rows := d.Supabase.Rows(); len(rows) != 0 {
		t.Errorf("%v", rows)
	}
}

// While Supabase is down nothing is undone at Meta either.
func TestDisconnectWhileSupabaseIsDown(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the pauses between tries")
	for _, step := range []string{"list", "tokens", "delete"} {
		parallel(t, step, func(t *testing.T) {
			d, _ := connected(t, brand(1))
			d.Supabase.Break(step, html(502))
			got := d.disconnect(instagramID(1), map[string]string{"Origin": d.URL})
			if got.StatusCode != 503 || got.Code() != "store_unavailable" || len(d.Supabase.Rows()) != 1 || d.did() != "" {
				t.Errorf("%d %s, at Meta %q", got.StatusCode, got.Code(), d.did())
			}
		})
	}
}
