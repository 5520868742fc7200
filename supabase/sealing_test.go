package supabase_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSealing(t *testing.T) {
	onBothDatabases(t, empty, []testCase[*project]{
		{"Upsert", testUpsert},
		{"BulkUpsert", testBulkUpsert},
		{"AnyUser", testAnyUser},
		{"SimilarUsers", testSimilarUsers},
		{"AuthUser", testAuthUser},
		{"PageToken", testPageToken},
		{"PageTokenOfAnother", testPageTokenOfAnother},
		{"NothingInClear", testNothingInClear},
		{"DestroyedSecret", testDestroyedSecret},
		{"DeleteRow", testDeleteRow},
		{"DeleteUser", testDeleteUser},
		{"Reconnect", testReconnect},
		{"EmptyToken", testEmptyToken},
		{"BadValues", testBadValues},
		{"KeyChange", testKeyChange},
		{"ForgedSecretID", testForgedSecretID},
		{"UpdatedAt", testUpdatedAt},
		{"TokenVersion", testTokenVersion},
		{"NewestFirst", testNewestFirst},
		{"Truncate", testTruncate},
	})
}

func testUpsert(t *testing.T, p *project) {
	u, id, first, second := p.newUser(t).ID, newID(), newToken(), newToken()
	for _, write := range []struct {
		token  string
		status int
	}{{first, 201}, {second, 200}} {
		if status, out := p.upsert(t, row(u, id, write.token)); status != write.status {
			t.Fatalf("status %d, want %d: %s", status, write.status, out)
		}
		p.wantTokens(t, id, write.token, nil)
	}
	want := []string{"user_configs/" + u + "/" + id}
	if diff := cmp.Diff(want, p.secretNames(t, u)); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	got := p.sql(t, `select c.token, c.status, s.name from public.user_configs c
		join vault.secrets s on s.id = c.token_secret_id where c.instagram_id = $1`, id)
	if diff := cmp.Diff([]object{{"token": nil, "status": "active", "name": want[0]}}, got); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func testBulkUpsert(t *testing.T, p *project) {
	u, old, fresh := p.newUser(t).ID, newID(), newID()
	p.mustUpsert(t, row(u, old, newToken()))
	tokens := []string{newToken(), newToken()}
	if status, out := p.upsert(t, []object{row(u, old, tokens[0]), row(u, fresh, tokens[1])}); status != 201 {
		t.Fatalf("status %d, want 201: %s", status, out)
	}
	p.wantTokens(t, old, tokens[0], nil)
	p.wantTokens(t, fresh, tokens[1], nil)
	if names := p.secretNames(t, u); len(names) != 2 {
		t.Errorf("secrets = %v, want two", names)
	}
}

// testAnyUser takes users whom any app may have through a connection's whole life.
func testAnyUser(t *testing.T, p *project) {
	for _, user := range []string{
		"auth0|5f7c8ec7c33c6c004bbafe82", "user_2NNEqL2nrIRdJ194ndJqAHwEfxC", "7", "12345678901234567890", " ", "a b",
		"saml|x/y", "a/b/c", "/", "%", "100%", "x%2Fy", `say "hi", you`, `back\slash`, "(a,b)", "{a,b}", "null", "it's",
		"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", // a uuid, but not of auth.users: it keeps its spelling
		"用户🙂", strings.Repeat("é", 255), strings.Repeat("/", 255),
	} {
		id, first, second := newID(), newToken(), newToken()
		for _, token := range []string{first, second} {
			if status, out := p.upsert(t, row(user, id, token)); status > 201 {
				t.Fatalf("%q: status %d: %s", user, status, out)
			}
			p.wantTokens(t, id, token, nil)
		}
		if got := p.read(t, id, "user_id, auth_user_id"); got["user_id"] != user || got["auth_user_id"] != nil {
			t.Errorf("%q is stored as %v", user, got)
		}

		in := &inbox{project: p, userID: user, account: id}
		in.ingest(t, 1, in.event("a", "ann", 1))
		in.ingest(t, 0, in.event("a", "ann", 1))
		if rows := in.claim(t, 10); len(rows) != 1 || rows[0].UserID != user || rows[0].ID != in.id("a") {
			t.Errorf("%q: claimed events %+v", user, rows)
		}
		in.finish(t, 1, in.id("a"))
		r := &renewal{project: p}
		due := r.wantClaim(t, 10, id)[0]
		r.settle(t, 1, due.result(object{"checked": true, "token": "renewed"}))
		p.wantTokens(t, id, "renewed", nil)

		p.disconnect(t, id, user)
		if rows := p.lookUp(t, id); len(rows) > 0 {
			t.Errorf("%q has %v after disconnecting", user, rows)
		}
		p.wantSealed(t)
	}
}

// testSimilarUsers has keys that would name the same secret or event if ids stood in them as they are.
func testSimilarUsers(t *testing.T, p *project) {
	page := row("a", "x", "one")
	page["page_token"] = "two"
	p.mustUpsert(t, page)
	p.mustUpsert(t, row("a/x", "page_token", "three"))
	p.mustUpsert(t, row("a%2Fx", "page_token", "four"))
	p.wantTokens(t, "x", "one", "two")
	for _, row := range p.lookUp(t, "page_token") {
		if want := map[any]string{"a/x": "three", "a%2Fx": "four"}[row["user_id"]]; row["token"] != want {
			t.Errorf("%v has the token %v, want %s", row["user_id"], row["token"], want)
		}
	}
	p.disconnect(t, "page_token", "a/x")
	p.wantTokens(t, "page_token", "four", nil)
	p.wantTokens(t, "x", "one", "two")

	p.mustUpsert(t, row("b/1", "2", "token"))
	p.mustUpsert(t, row("b", "1", "token"))
	one, other := &inbox{project: p, account: "2"}, &inbox{project: p, account: "1"}
	p.ingest(t, 2, one.event("k", "ann", 1), other.event("2/k", "ann", 1))
}

// testAuthUser links rows of Supabase users to auth.users, whoever writes them.
func testAuthUser(t *testing.T, p *project) {
	u, other, id := p.newUser(t).ID, p.newUser(t).ID, newID()
	for _, spelling := range []string{
		u, strings.ToUpper(u), "{" + u + "}", strings.ReplaceAll(u, "-", ""), strings.ToUpper(u), // the last an upsert again
	} {
		token := newToken()
		p.mustUpsert(t, row(spelling, id, token))
		if got := p.read(t, id, "user_id, auth_user_id"); got["user_id"] != u || got["auth_user_id"] != u {
			t.Errorf("%s is stored as %v", spelling, got)
		}
		p.wantTokens(t, id, token, nil)
		p.mustPatch(t, id, object{"user_id": spelling, "name": "the same key is no change"})
	}
	p.mustPatch(t, id, object{"auth_user_id": nil})
	if got := p.read(t, id, "auth_user_id"); got["auth_user_id"] != u {
		t.Errorf("unlinked: %v", got)
	}

	const nobody = "00000000-0000-4000-8000-000000000000"
	named := with(row(u, id, newToken()), object{"auth_user_id": u})
	p.mustUpsert(t, named)
	for name, bad := range map[string]object{
		"a deleted user":        with(row(nobody, newID(), newToken()), object{"auth_user_id": nobody}),
		"another user":          with(named, object{"auth_user_id": other}),
		"a user of another app": with(row("auth0|1", newID(), newToken()), object{"auth_user_id": u}),
	} {
		if status, out := p.upsert(t, bad); status < 400 {
			t.Errorf("%s: status %d: %s", name, status, out)
		}
	}
	if status, out := p.patch(t, id, object{"auth_user_id": other}); status < 400 {
		t.Errorf("moved to another user: status %d: %s", status, out)
	}
	p.wantTokens(t, id, named["token"], nil)
	if names := append(p.secretNames(t, other), p.secretNames(t, nobody)...); len(names) > 0 {
		t.Errorf("secrets of refused rows: %v", names)
	}
}

func testPageToken(t *testing.T, p *project) {
	u, id, token, page := p.newUser(t).ID, newID(), newToken(), newToken()
	p.mustUpsert(t, with(row(u, id, token), object{"page_token": page, "page_id": "102030"}))
	want := []object{{"user_id": u, "instagram_id": id, "token": token, "page_id": "102030", "page_token": page,
		"token_expires_at": nil, "status": "active"}}
	if diff := cmp.Diff(want, p.lookUp(t, id)); diff != "" {
		t.Fatalf("look-up (-want +got):\n%s", diff)
	}

	// What is left out stays, in an upsert and in a patch.
	again := newToken()
	p.mustUpsert(t, row(u, id, again))
	p.mustPatch(t, id, object{"page_name": "A Page"})
	p.wantTokens(t, id, again, page)
	p.mustPatch(t, id, object{"page_token": "another"})
	p.wantTokens(t, id, again, "another")
	if names := p.secretNames(t, u); len(names) != 2 {
		t.Errorf("secrets = %v, want two", names)
	}
}

// testPageTokenOfAnother: with another person or Page a Page's token goes, unless a new one comes
// along.
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
		t.Run(c.name, func(t *testing.T) {
			u, id, token := p.newUser(t).ID, newID(), newToken()
			p.mustUpsert(t, with(row(u, id, newToken()), object{"page_token": "page-one", "page_id": "1", "facebook_user_id": "9"}))
			// The null as lib/store writes it where Meta gave no token.
			p.mustUpsert(t, with(with(row(u, id, token), object{"page_token": nil}), c.change))
			p.wantTokens(t, id, token, c.want)
			if names := p.secretNames(t, u); (len(names) == 2) != (c.want != nil) {
				t.Errorf("secrets %v", names)
			}
		})
	}
}

func testNothingInClear(t *testing.T, p *project) {
	u, id, tokens := p.newUser(t).ID, newID(), []string{newToken(), newToken(), newToken()}
	p.mustUpsert(t, with(row(u, id, tokens[0]), object{"page_token": tokens[1]}))
	p.mustUpsert(t, row(u, id, tokens[2]))
	p.wantNowhere(t, tokens...)

	// The search can find: this is what Vault does with a secret that is handed to create_secret.
	careless := newToken()
	p.sql(t, "select vault.create_secret($1, $2)", careless, unique("careless"))
	if found := p.filesWith(t, careless); !slices.Contains(found, "vault.secrets") {
		t.Errorf("the search found a careless secret in %v only", found)
	}
}

func testDestroyedSecret(t *testing.T, p *project) {
	u, id, token := p.newUser(t).ID, newID(), newToken()
	p.mustUpsert(t, row(u, id, newToken()))
	for _, write := range []func(){
		func() { p.mustUpsert(t, row(u, id, token)) },
		func() { p.mustPatch(t, id, object{"token": token}) },
	} {
		p.sql(t, "delete from vault.secrets where name = $1", "user_configs/"+u+"/"+id)
		p.wantTokens(t, id, nil, nil)
		write()
		p.wantTokens(t, id, token, nil)
		if names := p.secretNames(t, u); len(names) != 1 {
			t.Errorf("secrets = %v, want one", names)
		}
	}
}

func testDeleteRow(t *testing.T, p *project) {
	u, gone, stays, token := p.newUser(t).ID, newID(), newID(), newToken()
	for _, id := range []string{gone, stays} {
		p.mustUpsert(t, with(row(u, id, token), object{"page_token": token}))
	}
	p.disconnect(t, gone)
	name := "user_configs/" + u + "/" + stays
	if diff := cmp.Diff([]string{name, name + "/page_token"}, p.secretNames(t, u)); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	p.wantTokens(t, stays, token, token)
}

func testDeleteUser(t *testing.T, p *project) {
	u, other, id, token := p.newUser(t).ID, p.newUser(t).ID, newID(), newToken()
	p.mustUpsert(t, []object{row(u, id, newToken()), row(other, id, token)})
	p.sql(t, "delete from auth.users where id = $1", u)
	if names := p.secretNames(t, u); len(names) != 0 {
		t.Errorf("secrets of a deleted user: %v", names)
	}
	p.wantTokens(t, id, token, nil)
}

func testReconnect(t *testing.T, p *project) {
	u := p.newUser(t).ID
	for _, c := range []struct {
		name   string
		change func(id string)
		status string
		reason any
	}{
		{"a new token by upsert", func(id string) { p.mustUpsert(t, row(u, id, newToken())) }, "active", nil},
		{"a new token by patch", func(id string) { p.mustPatch(t, id, object{"token": newToken()}) }, "active", nil},
		{"an upsert without a token", func(id string) {
			p.mustUpsert(t, object{"user_id": u, "instagram_id": id, "page_name": "A Page"})
		}, "reconnect", "revoked"},
		{"an upsert of no token", func(id string) {
			p.mustUpsert(t, object{"user_id": u, "instagram_id": id, "token": nil})
		}, "reconnect", "revoked"},
		{"a patch of something else", func(id string) { p.mustPatch(t, id, object{"page_name": "A Page"}) }, "reconnect", "revoked"},
		{"a token and another status", func(id string) {
			p.mustPatch(t, id, object{"token": newToken(), "status": "expiring", "status_reason": "soon"})
		}, "expiring", "soon"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := newID()
			p.mustUpsert(t, row(u, id, newToken()))
			p.mustPatch(t, id, object{"status": "reconnect", "status_reason": "revoked"})
			p.wantStatus(t, id, "reconnect", "revoked")
			c.change(id)
			p.wantStatus(t, id, c.status, c.reason)
		})
	}
}

func testEmptyToken(t *testing.T, p *project) {
	u, id, token := p.newUser(t).ID, newID(), newToken()
	for _, empty := range []string{"", "  "} {
		if status, out := p.upsert(t, row(u, id, empty)); status < 400 || !strings.Contains(out, "empty token") {
			t.Errorf("an upsert of %q: status %d: %s", empty, status, out)
		}
	}
	if rows, names := p.lookUp(t, id), p.secretNames(t, u); len(rows)+len(names) > 0 {
		t.Errorf("saved all the same: %v, %v", rows, names)
	}
	p.mustUpsert(t, row(u, id, token))
	for _, column := range []string{"token", "page_token"} {
		if status, out := p.patch(t, id, object{column: ""}); status < 400 || !strings.Contains(out, "empty token") {
			t.Errorf("a patch of %s: status %d: %s", column, status, out)
		}
	}
	p.wantTokens(t, id, token, nil)
}

func testBadValues(t *testing.T, p *project) {
	u, id, token := p.newUser(t).ID, newID(), newToken()
	p.mustUpsert(t, with(row(u, id, token), object{"page_token": token}))
	for _, bad := range []object{
		{"instagram_id": id + "/page_token"}, // the name of another row's Page token
		{"instagram_id": ""}, {"instagram_id": strings.Repeat("1", 65)}, {"instagram_id": nil},
		{"user_id": nil}, {"user_id": ""}, {"user_id": strings.Repeat("é", 256)},
		{"user_id": "a\nb"}, {"user_id": "a\x7f"}, {"user_id": "\u0085"}, {"user_id": "\u009f"}, {"user_id": "\u0001"},
		{"status": "great"},
	} {
		if status, out := p.upsert(t, with(row(u, newID(), newToken()), bad)); status < 400 {
			t.Errorf("%q: status %d: %s", bad, status, out)
		}
	}
	if secrets := p.sql(t, "select name from vault.secrets where name like 'user_configs/%'"); len(secrets) != 2 {
		t.Errorf("secrets = %v, want two", secrets)
	}
	p.wantTokens(t, id, token, token)
}

func testKeyChange(t *testing.T, p *project) {
	u, other, id, token := p.newUser(t).ID, p.newUser(t).ID, newID(), newToken()
	p.mustUpsert(t, row(u, id, token))
	for _, change := range []object{
		{"instagram_id": newID()}, {"user_id": other}, {"user_id": other, "token": newToken()}, {"user_id": "auth0|1"},
		{"user_id": other, "auth_user_id": other},
	} {
		if status, out := p.patch(t, id, change); status < 400 || !strings.Contains(out, "cannot change") {
			t.Errorf("%v: status %d: %s", change, status, out)
		}
	}
	p.wantTokens(t, id, token, nil)
	p.mustPatch(t, id, object{"user_id": u, "instagram_id": id, "page_name": "the same key is no change"})
}

func testForgedSecretID(t *testing.T, p *project) {
	u, id, token := p.newUser(t).ID, newID(), newToken()
	theirs := p.sql(t, "select vault.create_secret('their secret', $1) as id", unique("theirs"))[0]["id"]

	forged := with(row(u, id, token), object{"token_secret_id": theirs, "page_token_secret_id": theirs})
	p.mustUpsert(t, forged)
	p.mustUpsert(t, forged)
	for _, patch := range []object{{"token_secret_id": theirs}, {"page_token_secret_id": theirs}, {"token_secret_id": nil}} {
		p.mustPatch(t, id, patch)
	}
	p.wantTokens(t, id, token, nil)

	bare := newID()
	p.mustUpsert(t, object{"user_id": u, "instagram_id": bare, "token_secret_id": theirs})
	p.wantTokens(t, bare, nil, nil)
}

func testUpdatedAt(t *testing.T, p *project) {
	id := newID()
	p.mustUpsert(t, row(p.newUser(t).ID, id, newToken()))
	p.mustPatch(t, id, object{"page_name": "A Page", "updated_at": "2001-01-01T00:00:00Z"})
	if p.read(t, id, "updated_at > connected_at as later")["later"] != true {
		t.Error("updated_at did not move")
	}
}

func testTokenVersion(t *testing.T, p *project) {
	u, id, token := p.newUser(t).ID, newID(), newToken()
	upsert := func(more object) func() {
		return func() { p.mustUpsert(t, with(object{"user_id": u, "instagram_id": id}, more)) }
	}
	patch := func(change object) func() { return func() { p.mustPatch(t, id, change) } }
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
		if got := p.read(t, id, "token_version::float8 as v")["v"]; got != c.want {
			t.Errorf("%s: version %v, want %v", c.name, got, c.want)
		}
	}
}

func testNewestFirst(t *testing.T, p *project) {
	id, tokens := newID(), []string{newToken(), newToken(), newToken()}
	for i, when := range []string{"2026-03-01", "2026-05-01", "2026-04-01"} {
		p.mustUpsert(t, with(row(p.newUser(t).ID, id, tokens[i]), object{"connected_at": when}))
	}
	var got []string
	for _, row := range p.lookUp(t, id) {
		got = append(got, row["token"].(string))
	}
	if diff := cmp.Diff([]string{tokens[1], tokens[2], tokens[0]}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if rows := p.lookUp(t, "unknown"); len(rows) != 0 {
		t.Errorf("an unknown id: %v", rows)
	}
}

func testTruncate(t *testing.T, p *project) {
	u := p.newUser(t).ID
	p.mustUpsert(t, row(u, newID(), newToken()))
	for _, role := range []string{"anon", "authenticated", "service_role"} {
		if err := p.as(t, role, "truncate public.user_configs"); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("truncate as %s: %v", role, err)
		}
	}
	if err := p.as(t, "supalite_owner", "truncate public.user_configs cascade"); err != nil {
		t.Fatal(err)
	}
	if names := p.secretNames(t, u); len(names) > 0 {
		t.Errorf("the owner's truncate left %v", names)
	}
}
