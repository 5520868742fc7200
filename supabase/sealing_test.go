package supabase_test

import (
	"slices"
	"strings"
	"testing"
)

func TestSealing(t *testing.T) { onBothDatabases(t, empty, sealingCases) }

var sealingCases = []testCase[*project]{
	{"Upsert", func(t *testing.T, p *project) {
		u, id, first, second := p.newUser(t).ID, newID(), newToken(), newToken()
		wantEqual(t, "status of an insert", 201, p.upsert(t, row(u, id, first)))
		p.wantTokens(t, id, first, nil)
		wantEqual(t, "status of an update", 200, p.upsert(t, row(u, id, second)))
		p.wantTokens(t, id, second, nil)
		want := []string{"user_configs/" + u + "/" + id}
		wantEqual(t, "secrets", want, p.secretNames(t, u))
		got := p.sql(t, `select c.token, c.status, s.name from public.user_configs c
			join vault.secrets s on s.id = c.token_secret_id where c.instagram_id = $1`, id)
		wantEqual(t, "row", []object{{"token": nil, "status": "active", "name": want[0]}}, got)
	}},
	{"BulkUpsert", func(t *testing.T, p *project) {
		u, old, fresh := p.newUser(t).ID, newID(), newID()
		p.upsert(t, row(u, old, newToken()))
		tokens := []string{newToken(), newToken()}
		wantEqual(t, "status", 201, p.upsert(t, []object{row(u, old, tokens[0]), row(u, fresh, tokens[1])}))
		p.wantTokens(t, old, tokens[0], nil)
		p.wantTokens(t, fresh, tokens[1], nil)
		p.wantSecrets(t, 2, u)
	}},
	// The rows of Supabase users are linked to auth.users, whoever writes them.
	{"AuthUser", func(t *testing.T, p *project) {
		u, other, id := p.newUser(t).ID, p.newUser(t).ID, newID()
		for _, spelling := range []string{
			u, strings.ToUpper(u), "{" + u + "}", strings.ReplaceAll(u, "-", ""), strings.ToUpper(u), // the last an upsert again
		} {
			token := newToken()
			p.upsert(t, row(spelling, id, token))
			wantEqual(t, spelling, object{"user_id": u, "auth_user_id": u}, p.read(t, id, "user_id, auth_user_id"))
			p.wantTokens(t, id, token, nil)
			p.patch(t, id, object{"user_id": spelling, "name": "the same key is no change"})
		}
		p.patch(t, id, object{"auth_user_id": nil})
		wantEqual(t, "unlinked", object{"auth_user_id": u}, p.read(t, id, "auth_user_id"))

		const nobody = "00000000-0000-4000-8000-000000000000"
		named := with(row(u, id, newToken()), object{"auth_user_id": u})
		p.upsert(t, named)
		for _, bad := range []object{
			with(row(nobody, newID(), newToken()), object{"auth_user_id": nobody}), // a deleted user
			with(named, object{"auth_user_id": other}),
			with(row("auth0|1", newID(), newToken()), object{"auth_user_id": u}), // a user of another app
		} {
			p.wantWriteRefused(t, "POST", upserts, bad, "")
		}
		p.wantWriteRefused(t, "PATCH", one(id), object{"auth_user_id": other}, "")
		p.wantTokens(t, id, named["token"], nil)
		p.wantSecrets(t, 0, other, nobody)
	}},
	// A project that was restored without its root key, or a secret that was changed by hand: Vault's
	// update_secret() and its view fail for it (https://github.com/supabase/vault, 0.3.1).
	{"Unopened", func(t *testing.T, p *project) {
		u, id, other := p.newUser(t).ID, newID(), newID()
		p.upsert(t, []object{row(u, id, newToken()), row(u, other, "another")})
		for _, page := range []bool{false, true} {
			secret := "user_configs/" + u + "/" + id
			if page {
				p.patch(t, id, object{"page_token": newToken()})
				secret += "/page_token"
			}
			p.breakSecret(t, secret)
			rows := p.lookUp(t, id)
			if len(rows) != 1 || (rows[0]["token"] == nil) == page || rows[0]["page_token"] != nil {
				t.Errorf("look-up: %v", rows)
			}
			p.wantTokens(t, other, "another", nil)
			token, pageToken := newToken(), newToken()
			wantEqual(t, "status of a reconnection", 200, p.upsert(t, with(row(u, id, token), object{"page_token": pageToken})))
			p.wantTokens(t, id, token, pageToken)
			p.wantSecrets(t, 3, u)
		}
		p.breakSecret(t, "user_configs/"+u+"/"+id)
		p.disconnect(t, id)
		p.wantSecrets(t, 1, u)
	}},
	{"PageToken", func(t *testing.T, p *project) {
		u, id, token, page := p.newUser(t).ID, newID(), newToken(), newToken()
		p.upsert(t, with(row(u, id, token), object{"page_token": page, "page_id": "102030"}))
		wantEqual(t, "look-up", []object{{"user_id": u, "instagram_id": id, "token": token, "page_id": "102030", "page_token": page,
			"token_expires_at": nil, "status": "active"}}, p.lookUp(t, id))

		// What is left out stays, in an upsert and in a patch.
		again := newToken()
		p.upsert(t, row(u, id, again))
		p.patch(t, id, object{"page_name": "A Page"})
		p.wantTokens(t, id, again, page)
		p.patch(t, id, object{"page_token": "another"})
		p.wantTokens(t, id, again, "another")
		p.wantSecrets(t, 2, u)
	}},
	// With another person or Page a Page's token goes, unless a new one comes along.
	{"PageTokenOfAnother", func(t *testing.T, p *project) {
		for _, c := range []struct {
			name   string
			change object
			want   any
			left   int // secrets
		}{
			{"the same person and Page", object{"page_id": "1", "facebook_user_id": "9"}, "page-one", 2},
			{"another person", object{"page_id": "1", "facebook_user_id": "8"}, nil, 1},
			{"another Page", object{"page_id": "2", "facebook_user_id": "9"}, nil, 1},
			{"another person with a token", object{"page_id": "1", "facebook_user_id": "8", "page_token": "page-two"}, "page-two", 2},
		} {
			t.Run(c.name, func(t *testing.T) {
				u, id, token := p.newUser(t).ID, newID(), newToken()
				p.upsert(t, with(row(u, id, newToken()), object{"page_token": "page-one", "page_id": "1", "facebook_user_id": "9"}))
				// The null as lib/store writes it where Meta gave no token.
				p.upsert(t, with(with(row(u, id, token), object{"page_token": nil}), c.change))
				p.wantTokens(t, id, token, c.want)
				p.wantSecrets(t, c.left, u)
			})
		}
	}},
	{"NothingInClear", func(t *testing.T, p *project) {
		u, id, tokens := p.newUser(t).ID, newID(), []string{newToken(), newToken(), newToken()}
		p.upsert(t, with(row(u, id, tokens[0]), object{"page_token": tokens[1]}))
		p.upsert(t, row(u, id, tokens[2]))
		p.wantNowhere(t, tokens...)

		// The search can find: this is what Vault does with a secret that is handed to create_secret.
		careless := newToken()
		p.sql(t, "select vault.create_secret($1, $2)", careless, unique("careless"))
		if found := p.filesWith(t, careless); !slices.Contains(found, "vault.secrets") {
			t.Errorf("the search found a careless secret in %v only", found)
		}
	}},
	{"DestroyedSecret", func(t *testing.T, p *project) {
		u, id, token := p.newUser(t).ID, newID(), newToken()
		p.upsert(t, row(u, id, newToken()))
		for _, write := range []func(){
			func() { p.upsert(t, row(u, id, token)) },
			func() { p.patch(t, id, object{"token": token}) },
		} {
			p.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+u+"/"+id)
			p.wantTokens(t, id, nil, nil)
			write()
			p.wantTokens(t, id, token, nil)
			p.wantSecrets(t, 1, u)
		}
	}},
	{"DeleteRow", func(t *testing.T, p *project) {
		u, gone, stays, token := p.newUser(t).ID, newID(), newID(), newToken()
		for _, id := range []string{gone, stays} {
			p.upsert(t, with(row(u, id, token), object{"page_token": token}))
		}
		p.disconnect(t, gone)
		name := "user_configs/" + u + "/" + stays
		wantEqual(t, "secrets", []string{name, name + "/page_token"}, p.secretNames(t, u))
		p.wantTokens(t, stays, token, token)
	}},
	{"DeleteUser", func(t *testing.T, p *project) {
		u, other, id, token := p.newUser(t).ID, p.newUser(t).ID, newID(), newToken()
		p.upsert(t, []object{row(u, id, newToken()), row(other, id, token)})
		p.sql(t, "delete from auth.users where id = $1", u)
		p.wantSecrets(t, 0, u)
		p.wantTokens(t, id, token, nil)
	}},
	{"Reconnect", func(t *testing.T, p *project) {
		u := p.newUser(t).ID
		for _, c := range []struct {
			name   string
			change func(id string)
			status string
			reason any
		}{
			{"a new token by upsert", func(id string) { p.upsert(t, row(u, id, newToken())) }, "active", nil},
			{"a new token by patch", func(id string) { p.patch(t, id, object{"token": newToken()}) }, "active", nil},
			{"an upsert without a token", func(id string) { p.upsert(t, object{"user_id": u, "instagram_id": id, "page_name": "A Page"}) }, "reconnect", "revoked"},
			{"an upsert of no token", func(id string) { p.upsert(t, object{"user_id": u, "instagram_id": id, "token": nil}) }, "reconnect", "revoked"},
			{"a patch of something else", func(id string) { p.patch(t, id, object{"page_name": "A Page"}) }, "reconnect", "revoked"},
			{"a token and another status", func(id string) {
				p.patch(t, id, object{"token": newToken(), "status": "expiring", "status_reason": "soon"})
			}, "expiring", "soon"},
		} {
			t.Run(c.name, func(t *testing.T) {
				id := newID()
				p.upsert(t, row(u, id, newToken()))
				p.patch(t, id, object{"status": "reconnect", "status_reason": "revoked"})
				p.wantStatus(t, id, "reconnect", "revoked")
				c.change(id)
				p.wantStatus(t, id, c.status, c.reason)
			})
		}
	}},
	{"EmptyToken", func(t *testing.T, p *project) {
		u, id, token := p.newUser(t).ID, newID(), newToken()
		for _, empty := range []string{"", "  "} {
			p.wantWriteRefused(t, "POST", upserts, row(u, id, empty), "empty token")
		}
		wantEqual(t, "saved", []object{}, p.lookUp(t, id))
		p.wantSecrets(t, 0, u)
		p.upsert(t, row(u, id, token))
		for _, column := range []string{"token", "page_token"} {
			p.wantWriteRefused(t, "PATCH", one(id), object{column: ""}, "empty token")
		}
		p.wantTokens(t, id, token, nil)
	}},
	{"BadValues", func(t *testing.T, p *project) {
		u, id, token := p.newUser(t).ID, newID(), newToken()
		p.upsert(t, with(row(u, id, token), object{"page_token": token}))
		for _, bad := range []object{
			{"instagram_id": id + "/page_token"}, // the name of another row's Page token
			{"instagram_id": ""}, {"instagram_id": strings.Repeat("1", 65)}, {"instagram_id": nil},
			{"user_id": nil}, {"user_id": ""}, {"user_id": strings.Repeat("é", 256)},
			{"user_id": "a\nb"}, {"user_id": "a\x7f"}, {"user_id": "\u0085"}, {"user_id": "\u009f"}, {"user_id": "\u0001"},
			{"status": "great"},
		} {
			p.wantWriteRefused(t, "POST", upserts, with(row(u, newID(), newToken()), bad), "")
		}
		wantEqual(t, "secrets", []object{{"n": 2.0}}, p.sql(t, "select count(*)::int as n from vault.secrets where name like 'user_configs/%'"))
		p.wantTokens(t, id, token, token)
	}},
	{"KeyChange", func(t *testing.T, p *project) {
		u, other, id, token := p.newUser(t).ID, p.newUser(t).ID, newID(), newToken()
		p.upsert(t, row(u, id, token))
		for _, change := range []object{
			{"instagram_id": newID()}, {"user_id": other}, {"user_id": other, "token": newToken()}, {"user_id": "auth0|1"},
			{"user_id": other, "auth_user_id": other},
		} {
			p.wantWriteRefused(t, "PATCH", one(id), change, "cannot change")
		}
		p.wantTokens(t, id, token, nil)
		p.patch(t, id, object{"user_id": u, "instagram_id": id, "page_name": "the same key is no change"})
	}},
	{"ForgedSecretID", func(t *testing.T, p *project) {
		u, id, token := p.newUser(t).ID, newID(), newToken()
		theirs := p.sql(t, "select vault.create_secret('their secret', $1) as id", unique("theirs"))[0]["id"]

		forged := with(row(u, id, token), object{"token_secret_id": theirs, "page_token_secret_id": theirs})
		p.upsert(t, forged)
		p.upsert(t, forged)
		for _, patch := range []object{{"token_secret_id": theirs}, {"page_token_secret_id": theirs}, {"token_secret_id": nil}} {
			p.patch(t, id, patch)
		}
		p.wantTokens(t, id, token, nil)

		bare := newID()
		p.upsert(t, object{"user_id": u, "instagram_id": bare, "token_secret_id": theirs})
		p.wantTokens(t, bare, nil, nil)
	}},
	{"UpdatedAt", func(t *testing.T, p *project) {
		id := newID()
		p.upsert(t, row(p.newUser(t).ID, id, newToken()))
		p.patch(t, id, object{"page_name": "A Page", "updated_at": "2001-01-01T00:00:00Z"})
		wantEqual(t, "updated_at", object{"later": true}, p.read(t, id, "updated_at > connected_at as later"))
	}},
	{"TokenVersion", func(t *testing.T, p *project) {
		u, id, token := p.newUser(t).ID, newID(), newToken()
		upsert := func(more object) func() {
			return func() { p.upsert(t, with(object{"user_id": u, "instagram_id": id}, more)) }
		}
		patch := func(change object) func() { return func() { p.patch(t, id, change) } }
		for _, c := range []struct {
			name  string
			write func()
			want  float64
		}{
			{"a row without a token", upsert(object{"name": "A"}), 0},
			{"a token by upsert", upsert(object{"token": newToken()}), 1},
			{"another by upsert", upsert(object{"token": token}), 2},
			{"the same by upsert", upsert(object{"token": token}), 3},
			{"the same by upsert once more", upsert(object{"token": token}), 4},
			{"one by patch", patch(object{"token": newToken()}), 5},
			{"a Page's token", patch(object{"page_token": newToken()}), 5},
			{"no token", upsert(object{"token": nil}), 5},
			{"another column", patch(object{"name": "B"}), 5},
			{"a version", patch(object{"token_version": 99}), 5},
			{"a version and a token", patch(object{"token_version": 99, "token": newToken()}), 6},
			{"a first row that names a version", func() {
				id = newID()
				upsert(object{"token": newToken(), "token_version": 99})()
			}, 1},
		} {
			c.write()
			wantEqual(t, c.name, c.want, p.read(t, id, "token_version::float8 as v")["v"])
		}
	}},
	{"NewestFirst", func(t *testing.T, p *project) {
		id, tokens := newID(), []string{newToken(), newToken(), newToken()}
		for i, when := range []string{"2026-03-01", "2026-05-01", "2026-04-01"} {
			p.upsert(t, with(row(p.newUser(t).ID, id, tokens[i]), object{"connected_at": when}))
		}
		wantEqual(t, "order", []string{tokens[1], tokens[2], tokens[0]}, texts(p.lookUp(t, id), "token"))
		wantEqual(t, "an unknown id", []object{}, p.lookUp(t, "unknown"))
	}},
	{"Truncate", func(t *testing.T, p *project) {
		u := p.newUser(t).ID
		p.upsert(t, row(u, newID(), newToken()))
		p.wantDenied(t, "truncate public.user_configs")
		if err := p.as(t, "supalite_owner", "truncate public.user_configs cascade"); err != nil {
			t.Fatal(err)
		}
		p.wantSecrets(t, 0, u)
	}},
}
