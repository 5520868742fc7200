package supabase_test

import (
	"fmt"
	"testing"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/secret"
	"igconnect/lib/store"
)

// TestMaxRows: what PostgREST ends at its max-rows, tables and sets alike, lists read on.
// https://docs.postgrest.org/en/stable/references/configuration.html#db-max-rows
func TestMaxRows(t *testing.T) {
	t.Parallel()
	const maxRows = 4
	p := &project{Server: supalitetest.Start(t, supalite.Options{MaxRows: maxRows})}
	user, shared := p.newUser(t).ID, "17841400000000999"
	rows, want := []object{}, []string{}
	add := func(user, account string) {
		rows = append(rows, with(row(user, account, newToken()), object{"facebook_user_id": "5001"}))
	}
	for n := range 9 { // saved together, so their ids tell the order
		want = append(want, fmt.Sprintf("17841400000000%03d", n))
		add(user, want[n])
	}
	for range maxRows + 1 { // of one account: their users tell it
		add(p.newUser(t).ID, shared)
	}
	p.upsert(t, rows)

	var cut []object
	p.mustCall(t, "get_instagram_token", object{"p_instagram_id": shared}, &cut)
	if len(cut) != maxRows {
		t.Errorf("%d rows of a set of %d, want it cut at %d", len(cut), maxRows+1, maxRows)
	}
	s, err := store.New(p.URL, secret.New(p.ServiceKey))
	if err != nil {
		t.Fatal(err)
	}
	seen := func(list []store.Connection, err error) []string {
		if err != nil {
			t.Error(err)
		}
		got := []string{}
		for _, c := range list {
			got = append(got, c.InstagramID)
		}
		return got
	}
	wantEqual(t, "OfUser", want, seen(s.OfUser(t.Context(), user)))
	for range maxRows + 1 {
		want = append(want, shared)
	}
	wantEqual(t, "OfPerson", want, seen(s.OfPerson(t.Context(), "5001")))
	wantEqual(t, "OfUserOrPerson", want, seen(s.OfUserOrPerson(t.Context(), user, "5001")))
	users := map[string]bool{}
	list, _ := s.OfPerson(t.Context(), "5001")
	for _, c := range list {
		users[c.UserID] = true
	}
	if len(users) != maxRows+2 {
		t.Errorf("%d users in the list, want each of %d once", len(users), maxRows+2)
	}
}
