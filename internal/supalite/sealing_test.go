package supalite_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testUpsert(t *testing.T, p *project) {
	u, id, first, second := p.newUser(t), newID(), newToken(), newToken()

	if status, out := p.upsert(t, row(u, id, first)); status != 201 {
		t.Fatalf("first upsert: status %d, want 201: %s", status, out)
	}
	p.wantToken(t, id, first)
	if status, out := p.upsert(t, row(u, id, second)); status != 200 {
		t.Fatalf("second upsert: status %d, want 200: %s", status, out)
	}
	p.wantToken(t, id, second)

	want := []string{"user_configs/" + u.ID + "/" + id}
	if diff := cmp.Diff(want, p.secrets(t, u)); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	got := p.sql(t, `select c.token, c.status, s.name from public.user_configs c
		join vault.secrets s on s.id = c.token_secret_id where c.instagram_id = $1`, id)
	if diff := cmp.Diff([]object{{"token": nil, "status": "active", "name": want[0]}}, got); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func testPageToken(t *testing.T, p *project) {
	u, id, token, page := p.newUser(t), newID(), newToken(), newToken()
	in := row(u, id, token)
	in["page_token"], in["page_id"] = page, "102030"
	p.mustUpsert(t, in)

	got := p.lookUp(t, id)
	want := []object{{"user_id": u.ID, "instagram_id": id, "token": token, "page_id": "102030", "page_token": page,
		"token_expires_at": nil, "status": "active"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("look-up (-want +got):\n%s", diff)
	}

	// What is left out stays, in an upsert and in a patch.
	again := newToken()
	p.mustUpsert(t, row(u, id, again))
	p.mustPatch(t, id, object{"page_name": "A Page"})
	if got := p.lookUp(t, id)[0]; got["token"] != again || got["page_token"] != page {
		t.Errorf("after an upsert without page_token: token %v, page_token %v", got["token"], got["page_token"])
	}
	p.mustPatch(t, id, object{"page_token": "another"})
	if got := p.lookUp(t, id)[0]; got["token"] != again || got["page_token"] != "another" {
		t.Errorf("after a patch of page_token: token %v, page_token %v", got["token"], got["page_token"])
	}
	if names := p.secrets(t, u); len(names) != 2 {
		t.Errorf("secrets = %v, want two", names)
	}
}

// testPageTokenOfAnother: with another person or Page a Page's token goes, unless a new one comes along.
func testPageTokenOfAnother(t *testing.T, p *project) {
	for _, c := range []struct {
		name   string
		change object
		want   any
	}{
		{"the same person and Page", object{"page_id": "1", "facebook_user_id": "9"}, "page-one"},
		{"another person", object{"page_id": "1", "facebook_user_id": "8"}, nil},
		{"another Page", object{"page_id": "2", "facebook_user_id": "9"}, nil},
		{"another person with a token", object{"page_id": "1", "facebook_user_id": "8", "page_token": "page-two"}, "page-two"},
	} {
		u, id := p.newUser(t), newID()
		in := row(u, id, newToken())
		in["page_token"], in["page_id"], in["facebook_user_id"] = "page-one", "1", "9"
		p.mustUpsert(t, in)
		again := row(u, id, newToken())
		again["page_token"] = nil // as lib/store writes it where Meta gave none
		for name, value := range c.change {
			again[name] = value
		}
		p.mustUpsert(t, again)
		if got := p.lookUp(t, id)[0]; got["page_token"] != c.want {
			t.Errorf("%s: page_token %v, want %v", c.name, got["page_token"], c.want)
		}
		secrets := 2
		if c.want == nil {
			secrets = 1
		}
		if names := p.secrets(t, u); len(names) != secrets {
			t.Errorf("%s: secrets %v", c.name, names)
		}
	}
}

// testNothingInClear looks for tokens in all rows, in the files under them and in the write-ahead log.
func testNothingInClear(t *testing.T, p *project) {
	u, id := p.newUser(t), newID()
	tokens := []string{newToken(), newToken(), newToken()}
	in := row(u, id, tokens[0])
	in["page_token"] = tokens[1]
	p.mustUpsert(t, in)
	p.mustUpsert(t, row(u, id, tokens[2]))

	dump, err := p.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range dump {
		for _, token := range tokens {
			if strings.Contains(rows, token) {
				t.Errorf("a token stands in clear in %s", table)
			}
		}
	}
	for _, token := range tokens {
		if found := filesWith(t, p, token); len(found) > 0 {
			t.Errorf("a token stands in clear in %v", found)
		}
	}

	// The search can find: this is what Vault does with a secret that is handed to create_secret.
	careless := newToken()
	p.sql(t, "select vault.create_secret($1, $2)", careless, unique("careless"))
	if found := filesWith(t, p, careless); !slices.Contains(found, "vault.secrets") {
		t.Errorf("the search found a careless secret in %v only", found)
	}
}

// filesWith returns the relations and the files of the write-ahead log that hold text on disk.
func filesWith(t *testing.T, p *project, text string) []string {
	t.Helper()
	p.sql(t, "checkpoint")
	rows := p.sql(t, `
		select c.oid::regclass::text as name from pg_class c
		where pg_relation_filepath(c.oid) is not null and not c.relisshared
		and position(convert_to($1, 'utf8') in pg_read_binary_file(pg_relation_filepath(c.oid), 0, 1 << 24, true)) > 0
		union all
		select w.name from pg_ls_waldir() w
		where position(convert_to($1, 'utf8') in pg_read_binary_file('pg_wal/' || w.name, 0, 1 << 24, true)) > 0`, text)
	var names []string
	for _, row := range rows {
		names = append(names, row["name"].(string))
	}
	return names
}

func testDestroyedSecret(t *testing.T, p *project) {
	u, id, token := p.newUser(t), newID(), newToken()
	p.mustUpsert(t, row(u, id, newToken()))
	p.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+u.ID+"/"+id)
	p.wantToken(t, id, nil)

	p.mustUpsert(t, row(u, id, token))
	p.wantToken(t, id, token)
	if names := p.secrets(t, u); len(names) != 1 {
		t.Errorf("secrets = %v, want one", names)
	}

	// Also without an upsert.
	p.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+u.ID+"/"+id)
	p.mustPatch(t, id, object{"token": token})
	p.wantToken(t, id, token)
}

func testDeleteRow(t *testing.T, p *project) {
	u, gone, stays, token := p.newUser(t), newID(), newID(), newToken()
	for _, id := range []string{gone, stays} {
		in := row(u, id, token)
		in["page_token"] = newToken()
		p.mustUpsert(t, in)
	}
	if status, out := p.rest(t, p.service(), "DELETE", one(gone), nil); status != 204 {
		t.Fatalf("delete: status %d: %s", status, out)
	}
	name := "user_configs/" + u.ID + "/" + stays
	if diff := cmp.Diff([]string{name, name + "/page_token"}, p.secrets(t, u)); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	p.wantToken(t, stays, token)
}

func testDeleteUser(t *testing.T, p *project) {
	u, other, token := p.newUser(t), p.newUser(t), newToken()
	id := newID()
	p.mustUpsert(t, []object{row(u, id, newToken()), row(other, id, token)})
	p.sql(t, "delete from auth.users where id = $1", u.ID)
	if names := p.secrets(t, u); len(names) != 0 {
		t.Errorf("secrets of a deleted user: %v", names)
	}
	p.wantToken(t, id, token)
}

func testBulkUpsert(t *testing.T, p *project) {
	u, old, fresh := p.newUser(t), newID(), newID()
	p.mustUpsert(t, row(u, old, newToken()))
	tokens := []string{newToken(), newToken()}
	if status, out := p.upsert(t, []object{row(u, old, tokens[0]), row(u, fresh, tokens[1])}); status != 201 {
		t.Fatalf("status %d, want 201: %s", status, out)
	}
	p.wantToken(t, old, tokens[0])
	p.wantToken(t, fresh, tokens[1])
	if names := p.secrets(t, u); len(names) != 2 {
		t.Errorf("secrets = %v, want two", names)
	}
}

func testReconnect(t *testing.T, p *project) {
	u := p.newUser(t)
	status := func(id string) string {
		got := p.sql(t, "select status, status_reason from public.user_configs where instagram_id = $1", id)[0]
		reason, _ := got["status_reason"].(string)
		return strings.TrimSpace(got["status"].(string) + " " + reason)
	}
	for _, test := range []struct {
		name   string
		change func(id string)
		want   string
	}{
		{"a new token by upsert", func(id string) { p.mustUpsert(t, row(u, id, newToken())) }, "active"},
		{"a new token by patch", func(id string) { p.mustPatch(t, id, object{"token": newToken()}) }, "active"},
		{"an upsert without a token", func(id string) {
			p.mustUpsert(t, object{"user_id": u.ID, "instagram_id": id, "page_name": "A Page"})
		}, "reconnect revoked"},
		{"an upsert of no token", func(id string) {
			p.mustUpsert(t, object{"user_id": u.ID, "instagram_id": id, "token": nil})
		}, "reconnect revoked"},
		{"a patch of something else", func(id string) { p.mustPatch(t, id, object{"page_name": "A Page"}) }, "reconnect revoked"},
		{"a token and another status", func(id string) {
			p.mustPatch(t, id, object{"token": newToken(), "status": "expiring", "status_reason": "soon"})
		}, "expiring soon"},
	} {
		id := newID()
		p.mustUpsert(t, row(u, id, newToken()))
		p.mustPatch(t, id, object{"status": "reconnect", "status_reason": "revoked"})
		if got := status(id); got != "reconnect revoked" {
			t.Fatalf("before %s: %q", test.name, got)
		}
		test.change(id)
		if got := status(id); got != test.want {
			t.Errorf("after %s: %q, want %q", test.name, got, test.want)
		}
	}
}

func testUpdatedAt(t *testing.T, p *project) {
	u, id := p.newUser(t), newID()
	p.mustUpsert(t, row(u, id, newToken()))
	p.mustPatch(t, id, object{"page_name": "A Page", "updated_at": "2001-01-01T00:00:00Z"})
	got := p.sql(t, "select updated_at > connected_at as later from public.user_configs where instagram_id = $1", id)
	if got[0]["later"] != true {
		t.Error("updated_at did not move")
	}
}
