package supalite_test

import (
	"strings"
	"testing"
)

func testEmptyToken(t *testing.T, p *project) {
	u, id, token := p.newUser(t), newID(), newToken()
	for _, empty := range []string{"", "  "} {
		if status, out := p.upsert(t, row(u, id, empty)); status < 400 || !strings.Contains(out, "empty token") {
			t.Errorf("an upsert of %q: status %d: %s", empty, status, out)
		}
	}
	if rows, names := p.lookUp(t, id), p.secrets(t, u); len(rows)+len(names) > 0 {
		t.Errorf("saved all the same: %v, %v", rows, names)
	}

	p.mustUpsert(t, row(u, id, token))
	for _, column := range []string{"token", "page_token"} {
		if status, out := p.patch(t, id, object{column: ""}); status < 400 || !strings.Contains(out, "empty token") {
			t.Errorf("a patch of %s: status %d: %s", column, status, out)
		}
	}
	p.wantToken(t, id, token)
}

func testBadValues(t *testing.T, p *project) {
	u, id, token := p.newUser(t), newID(), newToken()
	in := row(u, id, token)
	in["page_token"] = token
	p.mustUpsert(t, in)
	with := func(column string, value any) object {
		bad := row(u, newID(), newToken())
		bad[column] = value
		return bad
	}
	for _, test := range []struct {
		name string
		row  object
	}{
		{"a name of another row's Page token", with("instagram_id", id+"/page_token")},
		{"an empty id", with("instagram_id", "")},
		{"a long id", with("instagram_id", strings.Repeat("1", 65))},
		{"no id", with("instagram_id", nil)},
		{"no user", with("user_id", nil)},
		{"an unknown user", with("user_id", "00000000-0000-4000-8000-000000000000")},
		{"an unknown status", with("status", "great")},
	} {
		if status, out := p.upsert(t, test.row); status < 400 {
			t.Errorf("%s: status %d: %s", test.name, status, out)
		}
	}
	if names := p.secrets(t, u); len(names) != 2 {
		t.Errorf("secrets = %v, want two", names)
	}
	if got := p.lookUp(t, id)[0]; got["token"] != token || got["page_token"] != token {
		t.Errorf("another row's tokens changed: %v", got)
	}
}

func testKeyChange(t *testing.T, p *project) {
	u, other, id, token := p.newUser(t), p.newUser(t), newID(), newToken()
	p.mustUpsert(t, row(u, id, token))
	for _, change := range []object{
		{"instagram_id": newID()},
		{"user_id": other.ID},
		{"user_id": other.ID, "token": newToken()},
	} {
		if status, out := p.patch(t, id, change); status < 400 || !strings.Contains(out, "cannot change") {
			t.Errorf("%v: status %d: %s", change, status, out)
		}
	}
	p.wantToken(t, id, token)
	p.mustPatch(t, id, object{"user_id": u.ID, "instagram_id": id, "page_name": "the same key is no change"})
}

func testForgedSecretID(t *testing.T, p *project) {
	u, id, token := p.newUser(t), newID(), newToken()
	theirs := p.sql(t, "select vault.create_secret('their secret', $1) as id", unique("theirs"))[0]["id"]

	forged := row(u, id, token)
	forged["token_secret_id"], forged["page_token_secret_id"] = theirs, theirs
	p.mustUpsert(t, forged)
	p.mustUpsert(t, forged)
	p.mustPatch(t, id, object{"token_secret_id": theirs})
	p.mustPatch(t, id, object{"page_token_secret_id": theirs})
	p.mustPatch(t, id, object{"token_secret_id": nil})
	if got := p.lookUp(t, id)[0]; got["token"] != token || got["page_token"] != nil {
		t.Errorf("token %v, page_token %v; want its own and none", got["token"], got["page_token"])
	}

	bare := newID()
	p.mustUpsert(t, object{"user_id": u.ID, "instagram_id": bare, "token_secret_id": theirs})
	p.wantToken(t, bare, nil)
}
