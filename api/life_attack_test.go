package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

// The database's own check of a stopped connection's inbox is in
// internal/supalite; here is what the renewal does with odd answers.

// manyDue puts n connections of one living token into a real database, due.
func manyDue(t *testing.T, n int) (*world, func() map[string]int, func()) {
	t.Helper()
	var pages []metasim.Page
	for i := 1; i <= n; i++ {
		pages = append(pages, brand(600+i))
	}
	w, lite, user := startWithLite(t, pages...)
	chooser := w.get(w.login("", metasim.Approval{}))
	form := map[string][]string{}
	for i := 1; i <= n; i++ {
		form["instagram_id"] = append(form["instagram_id"], instagramID(600+i))
	}
	w.tryAgain(chooser, form)
	statuses := func() map[string]int {
		counts := map[string]int{}
		for _, row := range sql(t, lite, "select status, count(*)::int as n from public.user_configs where user_id::text = $1 group by status", user.ID) {
			counts[row["status"].(string)] = int(row["n"].(float64))
		}
		return counts
	}
	due := func() {
		sql(t, lite, "update public.user_configs set checked_at = now() + interval '1 day' where user_id::text <> $1", user.ID)
		sql(t, lite, "update public.user_configs set checked_at = null, lease_id = null, leased_until = null where user_id::text = $1", user.ID)
	}
	return w, statuses, due
}

func (w *world) runRenew() (run struct{ Checked, Renewed, Reconnect, Failed, Remaining int }) {
	w.t.Helper()
	got := w.request("GET", "/api/renew", map[string]string{"Authorization": "Bearer " + cronSecret}, nil)
	if err := json.Unmarshal([]byte(got.body), &run); err != nil || got.StatusCode != http.StatusOK {
		w.t.Fatalf("%d %s\n%s", got.StatusCode, got.body, w.logged())
	}
	return run
}

// One wrong answer of Meta's, given to all, stops nobody for good.
func TestNoMassReconnect(t *testing.T) {
	w, statuses, due := manyDue(t, 12)
	valid := func(rest string) *string {
		body := fmt.Sprintf(`{"data":{"app_id":"%s","user_id":"5001","is_valid":true,"expires_at":%d%s}}`, appID, time.Now().Add(50*24*time.Hour).Unix(), rest)
		return &body
	}
	text := func(body string) *string { return &body }
	for name, order := range map[string]metasim.Order{
		"no scopes":                 {Step: "debug_token", Body: valid("")},
		"empty scopes":              {Step: "debug_token", Body: valid(`,"scopes":[]`)},
		"no app":                    {Step: "debug_token", Body: text(`{"data":{"is_valid":true,"scopes":["email"]}}`)},
		"invalid without a reason":  {Step: "debug_token", Body: text(`{"data":{"is_valid":false}}`)},
		"invalid for a passing one": {Step: "debug_token", Body: text(`{"data":{"is_valid":false,"error":{"code":2,"message":"later"}}}`)},
		"the Page's token, 190":     {Step: "subscriptions", Code: 190},
		"a passing 190":             {Step: "debug_token", Code: 190, Transient: true},
		"a 190 with HTTP 500":       {Step: "subscriptions", Code: 190, Subcode: 460, Status: 500},
		"HTML":                      {Step: "debug_token", Body: text("<html>")},
	} {
		due()
		w.meta.Clear()
		w.meta.Order(order)
		run := w.runRenew()
		if run.Reconnect != 0 || statuses()["active"] != 12 {
			t.Errorf("%s: %+v, %v", name, run, statuses())
		}
	}
	w.meta.Clear()
	due()
	if run := w.runRenew(); run.Checked != 12 || run.Failed != 0 {
		t.Errorf("afterwards: %+v\n%s", run, w.logged())
	}

	// A reason that Meta names counts, however many it hits.
	due()
	w.meta.ChangePassword("5001")
	if run := w.runRenew(); run.Reconnect != 12 || statuses()["reconnect"] != 12 {
		t.Errorf("a changed password: %+v, %v", run, statuses())
	}
}

// A text that the database refuses costs its own row at most.
func TestOddTextsAreStored(t *testing.T) {
	w, statuses, due := manyDue(t, 3)
	due()
	w.meta.Order(metasim.Order{Step: "subscriptions", Code: 100, Message: "no\x00such\x1bfield"})
	if run := w.runRenew(); run.Checked != 3 || statuses()["active"] != 3 {
		t.Errorf("%+v, %v\n%s", run, statuses(), w.logged())
	}
	if strings.Contains(w.logged(), `\u0000`) {
		t.Error("the log holds a NUL")
	}
}
