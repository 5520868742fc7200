package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/metasim"
)

// stored puts a row into the table as if it had been connected before.
func (w *world) stored(user string, n int, person string, change map[string]any) {
	row := map[string]any{
		"user_id": user, "instagram_id": instagramID(n), "facebook_user_id": person, "username": brand(n).Instagram.Username,
		"page_id": brand(n).ID, "page_name": brand(n).Name, "status": "active", "token": "user-token", "page_token": "page-token",
		"token_expires_at": "2027-01-22 05:28:59.392572+00", "connected_at": "2026-11-23T05:29:21+00:00", "subscribed_fields": []any{"feed"},
	}
	for name, value := range change {
		row[name] = value
	}
	w.supa.mu.Lock()
	defer w.supa.mu.Unlock()
	w.supa.table[user+"/"+instagramID(n)] = row
}

func TestListAccounts(t *testing.T) {
	w := start(t)
	if got := w.get("/api/accounts"); got.body != `{"accounts":[]}` {
		t.Errorf("none: %s", got.body)
	}
	w.stored(ada, 1, "5001", nil)
	w.stored(ben, 2, "5002", nil)
	got := w.get("/api/accounts")
	var accounts struct{ Accounts []map[string]any }
	if err := json.Unmarshal([]byte(got.body), &accounts); err != nil || got.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %v", got.body, err)
	}
	want := []map[string]any{{
		"instagram_id": instagramID(1), "username": "brand_1", "name": nil, "picture_url": nil, "page_id": "20001", "page_name": "Page 1",
		"status": "active", "status_reason": nil, "token_expires_at": "2027-01-22T05:28:59.392572Z", "connected_at": "2026-11-23T05:29:21Z",
		"subscribed_fields": []any{"feed"}, "subscription_error": nil,
	}}
	if diff := cmp.Diff(want, accounts.Accounts); diff != "" {
		t.Error(diff)
	}

	w.browser = newBrowser(t)
	if got := w.get("/api/accounts"); got.StatusCode != 401 || !strings.Contains(got.body, `"code":"signed_out"`) {
		t.Errorf("signed out: %d %s", got.StatusCode, got.body)
	}
	got = w.request("GET", "/api/accounts", map[string]string{"Authorization": "Bearer " + session(ada)}, nil)
	if !strings.Contains(got.body, instagramID(1)) {
		t.Errorf("by Bearer: %s", got.body)
	}
	if got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("shared with nobody in particular")
	}
}

func (w *world) disconnect(id string, header map[string]string) answer {
	w.t.Helper()
	return w.request("DELETE", "/api/accounts?instagram_id="+id, header, nil)
}

// did are the steps at Meta that end something.
func (w *world) did() string {
	var steps []string
	for _, request := range w.meta.Requests() {
		if request.Step == "unsubscribe" || request.Step == "revoke" {
			steps = append(steps, request.Step)
		}
	}
	return strings.Join(steps, " ")
}

func TestDisconnect(t *testing.T) {
	for _, c := range []struct {
		name  string
		setUp func(w *world)
		did   string // at Meta
		kept  []string
	}{
		{"the person's last account", func(*world) {}, "unsubscribe revoke", nil},
		{"another account of the person stays", func(w *world) { w.stored(ada, 2, "5001", nil) }, "unsubscribe", []string{ada + "/" + instagramID(2)}},
		{"another user has an account of the person", func(w *world) { w.stored(ben, 2, "5001", nil) }, "unsubscribe", []string{ben + "/" + instagramID(2)}},
		{"another user needs the Page", func(w *world) { w.stored(ben, 1, "5002", nil) }, "revoke", []string{ben + "/" + instagramID(1)}},
		{"another user's connection of the Page is dead", func(w *world) { w.stored(ben, 1, "5002", map[string]any{"status": "reconnect"}) },
			"unsubscribe revoke", []string{ben + "/" + instagramID(1)}},
		{"Meta is down", func(w *world) { w.meta.Order(metasim.Order{Status: 500}) }, "unsubscribe unsubscribe unsubscribe revoke revoke revoke", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1))
			w.connect()
			c.setUp(w)
			got := w.disconnect(instagramID(1), map[string]string{"Origin": w.url})
			if got.StatusCode != http.StatusNoContent || got.body != "" {
				t.Errorf("%d %s: %s", got.StatusCode, got.code(), got.body)
			}
			if did := w.did(); did != c.did {
				t.Errorf("at Meta: %q, want %q\n%s", did, c.did, w.logged())
			}
			var kept []string
			for key := range w.supa.rows() {
				kept = append(kept, key)
			}
			if diff := cmp.Diff(c.kept, kept); diff != "" {
				t.Error(diff)
			}
			if got := w.disconnect(instagramID(1), map[string]string{"Origin": w.url}); got.StatusCode != 404 {
				t.Errorf("again: %d", got.StatusCode)
			}
			if c.name == "Meta is down" && !(strings.Contains(w.logged(), "not_unsubscribed") && strings.Contains(w.logged(), "not_revoked")) {
				t.Errorf("the log does not say what is left to do: %s", w.logged())
			}
		})
	}
}

func TestDisconnectRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		id     string
		header map[string]string // Origin "": our own
		status int
		code   string
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
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			w.stored(ada, 1, "5001", nil)
			w.stored(ben, 2, "5002", nil)
			if c.header == nil {
				c.header = map[string]string{"Origin": w.url}
			}
			got := w.disconnect(c.id, c.header)
			if got.StatusCode != c.status || got.code() != c.code || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d %s: %s", got.StatusCode, got.code(), got.body)
			}
			if len(w.supa.rows()) != 2 || w.did() != "" {
				t.Errorf("rows %v, at Meta %q", w.supa.rows(), w.did())
			}
		})
	}
}

func TestDisconnectByScript(t *testing.T) {
	w := start(t, brand(1))
	w.connect()
	w.browser = newBrowser(t)
	got := w.disconnect(instagramID(1), map[string]string{"Authorization": "Bearer " + session(ada)})
	if got.StatusCode != 204 || len(w.supa.rows()) != 0 {
		t.Errorf("%d %s", got.StatusCode, got.code())
	}
}

// While Supabase is down nothing is undone at Meta either.
func TestDisconnectWhileSupabaseIsDown(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the pauses between tries")
	}
	for _, step := range []string{"list", "tokens", "delete"} {
		w := start(t, brand(1))
		w.connect()
		w.supa.broken(step, html(502))
		got := w.disconnect(instagramID(1), map[string]string{"Origin": w.url})
		if got.StatusCode != 503 || got.code() != "store_unavailable" || len(w.supa.rows()) != 1 || w.did() != "" {
			t.Errorf("%s: %d %s, at Meta %q", step, got.StatusCode, got.code(), w.did())
		}
	}
}
