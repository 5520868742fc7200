package supalite_test

import (
	"sync"
	"testing"
	"time"

	"igconnect/internal/supalite"
)

// testLifeOnePage: who connects an account through another Page ends what other users connected before, and nothing else.
func testLifeOnePage(t *testing.T, l *life) {
	const earlier, later = "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"
	for _, c := range []struct {
		name         string
		page, at     any // of the earlier connection; nil: none
		by, byPage   any // when the other user connects, and through what
		status, what string
	}{
		{"through another Page", "1", earlier, later, "2", "reconnect", "This Instagram account is linked to another Facebook Page now."},
		{"through the same Page", "1", earlier, later, "1", "active", ""},
		{"an older connection that is written late", "1", later, earlier, "2", "active", ""},
		{"from a client that knows no Page", "1", earlier, later, nil, "active", ""},
		{"the earlier one knows no Page", nil, earlier, later, "2", "active", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			id, other := newID(), l.newUser(t)
			l.mustUpsert(t, l.through(l.user, id, c.page, c.at))
			l.sql(t, "update public.user_configs set checked_at = null where instagram_id = $1", id)
			l.claim(t, 1000)
			l.mustUpsert(t, l.through(other, id, c.byPage, c.by))

			had := l.sql(t, `select status, coalesce(status_reason, '') as reason, lease_id is not null as leased
				from public.user_configs where instagram_id = $1 and user_id::text = $2`, id, l.user.ID)[0]
			if had["status"] != c.status || had["reason"] != c.what || had["leased"] != (c.status == "active") {
				t.Errorf("%v", had)
			}
			has := l.sql(t, "select status from public.user_configs where instagram_id = $1 and user_id::text = $2", id, other.ID)[0]
			if has["status"] != "active" {
				t.Errorf("the new connection: %v", has)
			}
			l.wantSealed(t)
		})
	}
}

// testLifeOnePageRenewal: the account went back to the earlier Page, whose client wrote a new token by the recipe's own
// upsert. The daily check of the later connection does not end the earlier one again.
func testLifeOnePageRenewal(t *testing.T, l *life) {
	id, other := newID(), l.newUser(t)
	l.mustUpsert(t, l.through(l.user, id, "1", "2026-11-23T08:00:00Z"))
	l.mustUpsert(t, l.through(other, id, "2", "2026-11-23T09:00:00Z"))
	l.mustUpsert(t, row(l.user, id, newToken()))
	l.sql(t, "update public.user_configs set checked_at = null where instagram_id = $1", id)
	results := []object{}
	for _, due := range l.claim(t, 1000) {
		results = append(results, due.result(object{"status": "active", "token": newToken()}))
	}
	l.settle(t, 2, results...)
	if rows := l.sql(t, "select 1 from public.user_configs where instagram_id = $1 and status = 'active'", id); len(rows) != 2 {
		t.Errorf("%d of 2 are active", len(rows))
	}
}

// testLifeOnePageRace: two users who connect one account through two Pages at
// once wait for each other, and the later one has it.
func testLifeOnePageRace(t *testing.T, l *life) {
	other := l.newUser(t)
	for range 20 {
		id, now := newID(), time.Now()
		var both sync.WaitGroup
		for user, page := range map[*supalite.User]string{&l.user: "1", &other: "2"} {
			at := now
			if page == "2" {
				at = at.Add(time.Millisecond)
			}
			both.Go(func() {
				if status, body, err := l.send(t.Context(), l.service(), "POST", upserts, l.through(*user, id, page, at), "resolution=merge-duplicates"); err != nil || status > 201 {
					t.Errorf("%d %s %v", status, body, err)
				}
			})
		}
		both.Wait()
		rows := l.sql(t, "select page_id from public.user_configs where instagram_id = $1 and status = 'active' order by connected_at desc", id)
		if len(rows) == 0 || rows[0]["page_id"] != "2" {
			t.Fatalf("active: %v", rows)
		}
	}
}

func (l *life) through(user supalite.User, id string, page, at any) object {
	connection := row(user, id, newToken())
	connection["page_id"], connection["connected_at"] = page, at
	return connection
}
