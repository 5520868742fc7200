package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

// leaves has the app's server disconnect all of a user's accounts.
func (d vouched) leaves(user string) answer {
	d.T.Helper()
	return d.Send("DELETE", "/api/accounts", map[string]string{"Authorization": "Bearer " + d.app.ServerTicket(user)}, "")
}

// Of a user who leaves everything goes, here first. At Meta, a Page is unsubscribed unless another user needs
// it, and each person's grant is revoked once, after that, with the last account of that person.
func TestLeave(t *testing.T) {
	t.Parallel()
	leaver, other := people[0].ID, people[1].ID
	for _, c := range []struct {
		name  string
		setUp func(d vouched)
		did   string // at Meta, beside the two accounts of the first person
		kept  []string
	}{
		{"two accounts of a person", func(vouched) {}, "unsubscribe unsubscribe revoke 5001", nil},
		{"an account of another person", func(d vouched) { d.stored(leaver, 3, "5002", nil) },
			"unsubscribe unsubscribe unsubscribe revoke 5001 revoke 5002", nil},
		{"one whose token is gone", func(d vouched) { d.stored(leaver, 3, "5002", map[string]any{"token": nil, "page_token": nil}) },
			"unsubscribe unsubscribe revoke 5001", nil},
		{"one of a person whom nobody knows yet", func(d vouched) { d.stored(leaver, 3, "", map[string]any{"facebook_user_id": nil}) },
			"unsubscribe unsubscribe unsubscribe revoke 5001", nil},
		{"another user has an account of the person", func(d vouched) { d.stored(other, 3, "5001", nil) },
			"unsubscribe unsubscribe", []string{other + "/" + instagramID(3)}},
		{"another user needs a Page", func(d vouched) { d.stored(other, 1, "5002", nil) },
			"unsubscribe revoke 5001", []string{other + "/" + instagramID(1)}},
		{"another user's connection of the Page is dead", func(d vouched) { d.stored(other, 1, "5002", map[string]any{"status": "reconnect"}) },
			"unsubscribe unsubscribe revoke 5001", []string{other + "/" + instagramID(1)}},
		{"an account is connected meanwhile", func(d vouched) {
			d.Supabase.Fault("delete", func(rw http.ResponseWriter, r *http.Request) {
				d.stored(leaver, 3, "5001", nil)
				d.Supabase.Pass("delete")(rw, r)
			})
		}, "unsubscribe unsubscribe", []string{leaver + "/" + instagramID(3)}},
		{"Meta is down", func(d vouched) { d.Meta.Inject(metasim.Fault{Status: 500}) },
			strings.Repeat("unsubscribe ", 6) + "revoke 5001 revoke 5001 revoke 5001", nil},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d, _ := deployVouched(t)
			d.stored(leaver, 1, "5001", map[string]any{"status": "reconnect", "token": "dead-token"})
			d.stored(leaver, 2, "5001", nil)
			c.setUp(d)
			if got := d.leaves(leaver); got.StatusCode != http.StatusNoContent || got.Body != "" {
				t.Errorf("%d %s: %s", got.StatusCode, got.Code(), got.Body)
			}
			if did := d.ended(); did != c.did {
				t.Errorf("at Meta: %q, want %q\n%s", did, c.did, d.Watch.Log())
			}
			if kept := slices.Collect(maps.Keys(d.Supabase.Rows())); !slices.Equal(kept, c.kept) {
				t.Errorf("kept: %v, want %v", kept, c.kept)
			}
			if c.name == "Meta is down" && !(strings.Contains(d.Watch.Log(), "not_unsubscribed") && strings.Contains(d.Watch.Log(), "not_revoked")) {
				t.Errorf("the log does not say what is left to do: %s", d.Watch.Log())
			}
			if len(c.kept) == 0 {
				d.want(d.leaves(leaver), 204, "", "again")
			}
		})
	}
}

// ended are the steps at Meta that end something, with the person of a revocation, in their order; those
// revocations that are side by side in that of the persons.
func (d vouched) ended() string {
	var steps, revoked []string
	for _, request := range d.Meta.Requests() {
		switch request.Step {
		case "unsubscribe":
			if steps = append(steps, request.Step); len(revoked) > 0 {
				d.T.Error("unsubscribed after a token was revoked")
			}
		case "revoke":
			revoked = append(revoked, "revoke "+strings.Split(request.Path, "/")[2])
			if token := request.Header.Get("Authorization"); strings.Contains(token, "dead-token") {
				d.T.Error("revoked with a token that may be dead")
			}
		}
	}
	slices.Sort(revoked)
	return strings.Join(append(steps, revoked...), " ")
}

// Nobody but the app's server means all accounts by naming none, nor does who names one badly.
func TestLeaveRefused(t *testing.T) {
	t.Parallel()
	for _, w := range ways {
		for query, want := range map[string]string{
			"": "bad_request", "?": "bad_request", "?instagramId=1": "bad_request", "?instagram_id": "not_found", "?instagram_id=": "not_found",
			"?instagram_id=%zz": "not_found", "?instagram_id=1;2": "not_found", "?instagram_id=all": "not_found",
		} {
			if w.name == "a ticket" && strings.Trim(query, "?") == "" {
				continue
			}
			parallel(t, w.name+"/"+query, func(t *testing.T) {
				d := w.deploy(t)
				d.stored(d.users[0], 1, "5001", nil)
				d.want(d.asks(0, "DELETE", "/api/accounts"+query), map[string]int{"bad_request": 400, "not_found": 404}[want], want)
				if len(d.Supabase.Rows()) != 1 || d.did() != "" {
					t.Errorf("rows %v, at Meta %q", d.Supabase.Rows(), d.did())
				}
			})
		}
	}
	d, _ := connected(t, brand(1))
	d.want(d.Send("DELETE", "/api/accounts", map[string]string{"Origin": d.URL}, ""), 400, "bad_request", "by cookie")
}

// While Supabase is down nothing is undone at Meta but for what is gone here.
func TestLeaveWhileSupabaseIsDown(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the pauses between tries")
	const accounts = 150 // deleted in two calls
	for step, unsubscribed := range map[string]int{"list": 0, "tokens": 0, "delete": 0, "the second delete": 100} {
		parallel(t, step, func(t *testing.T) {
			d, _ := deployVouched(t)
			for n := range accounts {
				d.stored(people[0].ID, n, "5001", nil)
			}
			if step == "the second delete" {
				d.Supabase.Fault("delete", nil, html(502), html(502), html(502))
			} else {
				d.Supabase.Break(step, html(502))
			}
			d.want(d.leaves(people[0].ID), 503, "store_unavailable")
			if got := strings.Count(d.did(), "unsubscribe"); got != unsubscribed || len(d.Supabase.Rows()) != accounts-unsubscribed || strings.Contains(d.did(), "revoke") {
				t.Errorf("%d rows are left, at Meta %q", len(d.Supabase.Rows()), d.did())
			}
			d.Supabase.Break(step, nil)
			d.want(d.leaves(people[0].ID), 204, "")
			if got := strings.Count(d.did(), "unsubscribe"); got != accounts || !strings.HasSuffix(d.did(), "unsubscribe revoke") {
				t.Errorf("at Meta in the end %q", d.did())
			}
		})
	}
}

// A hundred accounts of many people end in time, also where Meta hangs.
func TestLeaveWhileMetaHangs(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the real limits")
	d, _ := deployVouched(t)
	for n := range 100 {
		d.stored(people[0].ID, n, fmt.Sprint(5001+n/2), nil)
	}
	d.Meta.Inject(metasim.Fault{Hang: true})
	begun := time.Now()
	d.want(d.leaves(people[0].ID), 204, "")
	if took := time.Since(begun); took > 23*time.Second || len(d.Supabase.Rows()) != 0 || !strings.Contains(d.did(), "revoke") {
		t.Errorf("took %v, left %d, at Meta %q", took, len(d.Supabase.Rows()), d.did())
	}
}
