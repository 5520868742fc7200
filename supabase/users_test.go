package supabase_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"igconnect/internal/supalite"
	"igconnect/lib/secret"
	"igconnect/lib/store"
)

// anyUsers are ids that an app may have for its users, beside those of Supabase Auth. Each of them must be
// told from all others.
var anyUsers = []string{
	"auth0|5f7c8ec7c33c6c004bbafe82", "auth0|1", "auth0|12", "AUTH0|1", "user_2NNEqL2nrIRdJ194ndJqAHwEfxC", "saml|x/y",
	"42", "007", "7", "1e3", "1000", "12345678901234567890", "12345678901234567891", // some are one double
	"null", "true", "NaN", "a", "A", " a", "a ", " ", "a b", "á", "a\u0301", // one letter, in two spellings
	"a/b", "a/b/c", "/", "//", "%", "100%", "x%2Fy", "x/y", "_", "*", ".", "..", ":", "|", ",", "(", ")", `"`, `""`, "'", "--", `\`, `\"`, "$1", "?", "#", "&", "+",
	`say "hi", you`, `back\slash`, "(a,b)", "{a,b}", "it's", "'; drop table public.user_configs; --",
	"in.(x)", "in.(a,b)", "eq.x", "eq.a", "not.is.null", "and(user_id.eq.a)", `a")`, `a"),user_id.neq.("`, "x,user_id.neq.y", "a&user_id=neq.a",
	"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", // uuids, but not of auth.users: they keep their spelling
	"用户🙂", "مستخدم", "\u202eadA", "\u200b",
	strings.Repeat("é", 255), strings.Repeat("/", 255), strings.Repeat("%", 255), strings.Repeat("🙂", 255), strings.Repeat("🙂", 254) + "a",
}

// notUsers are no ids: nothing, too much, and control characters.
var notUsers = []any{
	nil, "", strings.Repeat("a", 256), strings.Repeat("é", 256), strings.Repeat("🙂", 256),
	"a\nb", "a\t", "\u0001", "a\x7f", "\u0085", "\u009f",
}

// crowd is a project in which each of anyUsers has connected one account, the same for all, and another
// account for each, each with a Facebook person of their own.
type crowd struct {
	*renewal
	shared string
	own    map[string]string // account by user
}

func newCrowd(t *testing.T, p *project) *crowd {
	t.Helper()
	c := &crowd{newRenewal(t, p), newID(), map[string]string{}}
	for range 2 { // an insert, then an update
		var rows []object
		for _, user := range anyUsers {
			rows = append(rows, row(user, c.shared, "seed of "+user))
		}
		c.upsert(t, rows)
	}
	var connections, others []object
	for _, user := range anyUsers {
		c.own[user] = newID()
		connections = append(connections, with(c.connection(c.own[user], 60), object{"user_id": user, "token": "own of " + user,
			"facebook_user_id": c.own[user], "status": "active", "retry": false, "connected_at": time.Now()}))
	}
	c.mustCall(t, "save_connections", object{"connections": connections}, &others)
	wantEqual(t, "others", []object{}, others)
	return c
}

// wantUsers checks that a column of rows names each of the users once, or n times.
func wantUsers(t *testing.T, what string, n int, users []string, rows []object) {
	t.Helper()
	var want []string
	for range n {
		want = append(want, users...)
	}
	wantEqual(t, what, slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(texts(rows, "user_id"))))
}

// TestAnyUser holds that the user's id may be any text, through a connection's whole life.
func TestAnyUser(t *testing.T) { onBothDatabases(t, newCrowd, anyUserCases) }

var anyUserCases = []testCase[*crowd]{
	{"Saved", func(t *testing.T, c *crowd) {
		wantUsers(t, "saved", 2, anyUsers, c.sql(t, "select user_id from public.user_configs where auth_user_id is null"))
		rows := c.lookUp(t, c.shared)
		wantUsers(t, "look-up", 1, anyUsers, rows)
		for _, row := range rows {
			if row["token"] != "seed of "+row["user_id"].(string) {
				t.Errorf("%q has the token %q", row["user_id"], row["token"])
			}
		}
	}},
	// The name of a secret says whose it is, to people who look into Vault.
	{"SecretNames", func(t *testing.T, c *crowd) {
		var rows []object
		for _, name := range texts(c.sql(t, "select name from vault.secrets where starts_with(name, 'user_configs/')"), "name") {
			parts := strings.Split(name, "/")
			user, err := url.PathUnescape(parts[1])
			if err != nil || parts[2] != c.shared && parts[2] != c.own[user] {
				t.Errorf("%q: %q, %v", name, user, err)
			}
			rows = append(rows, object{"user_id": user})
		}
		wantUsers(t, "secrets", 3, anyUsers, rows) // of the shared account, of the own one, and of its Page
	}},
	// The token's subject says whose rows these are, also where it is no uuid.
	{"Read", func(t *testing.T, c *crowd) {
		in := &inbox{account: c.shared}
		c.ingest(t, len(anyUsers), in.event("a", "ann", 1))
		for _, user := range append([]string{"auth0|", "aa", "%%", "__", ""}, anyUsers...) {
			want := []object{{"user_id": user, "n": 2.0}, {"user_id": user, "n": 3.0}} // two accounts; told of each, and a message
			if !slices.Contains(anyUsers, user) {
				want = []object{}
			}
			wantEqual(t, user+" reads", want, c.asUser(t, user, `
				select user_id, count(*) as n from public.user_configs group by 1
				union all select user_id, count(*) from public.instagram_events group by 1 order by n`))
		}
		wantEqual(t, "without a subject", []object{}, c.sql(t, "set local role authenticated; select user_id from public.user_configs"))
	}},
	{"Events", func(t *testing.T, c *crowd) {
		in := &inbox{account: c.shared}
		for _, want := range []int{len(anyUsers), 0} {
			c.ingest(t, want, in.event("a", "ann", 1))
		}
		claim := func(what string, n int) (rows []object) {
			t.Helper()
			c.mustCall(t, "claim_instagram_events", object{"p_limit": 1000, "p_lease": "10 minutes"}, &rows)
			wantUsers(t, what, n, anyUsers, rows)
			return rows
		}
		rows := claim("claimed", 3)
		for _, row := range rows {
			if want := map[any]any{c.shared: "seed of ", c.own[row["user_id"].(string)]: "own of "}[row["instagram_id"]]; row["token"] != want.(string)+row["user_id"].(string) {
				t.Errorf("%q gets the token %q", row["user_id"], row["token"])
			}
		}
		failed := slices.DeleteFunc(rows, func(row object) bool { return row["instagram_id"] != c.shared || row["kind"] != "message" })
		c.wantCount(t, len(anyUsers), "fail_instagram_events", object{"ids": texts(failed, "id"), "reason": "later"})
		(&inbox{project: c.project}).pass(t, "20 seconds")
		c.wantCount(t, len(anyUsers), "finish_instagram_events", object{"ids": texts(claim("again", 1), "id")})
	}},
	{"Renewal", func(t *testing.T, c *crowd) {
		var rows []due
		for range 2 { // what a claim hands out is bounded
			rows = append(rows, c.claim(t, 100)...)
		}
		var results []object
		for _, d := range rows {
			results = append(results, d.result(object{"checked": true, "token": d.Token + "+", "status": "expiring", "status_reason": "soon"}))
		}
		c.settle(t, 2*len(anyUsers), results...)
		for _, row := range c.lookUp(t, c.shared) {
			if row["token"] != "seed of "+row["user_id"].(string)+"+" {
				t.Errorf("%q has the token %q", row["user_id"], row["token"])
			}
		}
		wantUsers(t, "attention", 2, anyUsers, c.sql(t, "select user_id from public.connections_needing_attention"))
	}},
	// What the functions ask PostgREST for, by filters that hold the id.
	{"Store", func(t *testing.T, c *crowd) {
		s, err := store.New(c.URL, secret.New(c.ServiceKey))
		if err != nil {
			t.Fatal(err)
		}
		accounts := func(found []store.Connection) (rows []object) {
			for _, f := range found {
				rows = append(rows, object{"user_id": f.UserID, "instagram_id": f.InstagramID})
			}
			return rows
		}
		ofPerson, err := s.OfPerson(t.Context(), c.own["a/b"]) // and those that name nobody
		wantUsers(t, "OfPerson", 1, append([]string{"a/b"}, anyUsers...), accounts(ofPerson))
		err = errors.Join(err, s.Stop(t.Context(), c.own["a/b"], []string{c.own["a/b"]}, time.Now().Add(time.Hour), "stopped"))
		wantUsers(t, "Stop", 1, []string{"a/b"}, c.sql(t, "select user_id from public.user_configs where status = 'reconnect'"))
		for _, user := range anyUsers {
			found, listErr := s.OfUserOrPerson(t.Context(), user, c.own[user]) // which asks OfUser
			wantEqual(t, "of "+user, []object{{"user_id": user, "instagram_id": c.own[user]}, {"user_id": user, "instagram_id": c.shared}}, accounts(found))
			err = errors.Join(err, listErr, s.SetSubscription(t.Context(), user, []string{c.shared}, store.Subscription{Fields: []string{user}}))
		}
		wantUsers(t, "SetSubscription", 1, anyUsers, c.sql(t, "select user_id from public.user_configs where subscribed_fields = array[user_id]"))
		for n, user := range anyUsers {
			err = errors.Join(err, s.Delete(t.Context(), user, c.shared))
			wantUsers(t, "left without "+user, 1, anyUsers[n+1:], c.sql(t, "select user_id from public.user_configs where instagram_id = $1", c.shared))
		}
		if err != nil {
			t.Error(err)
		}
	}},
	{"Leave", func(t *testing.T, c *crowd) {
		in := &inbox{account: c.shared}
		c.ingest(t, len(anyUsers), in.event("a", "ann", 1))
		const left = `select user_id from public.user_configs union all
			select user_id from public.instagram_events union all
			select user_id from public.instagram_conversations where user_id is not null`
		for n, user := range anyUsers {
			c.deleteUser(t, 2, user)
			wantUsers(t, "left without "+user, 7, anyUsers[n+1:], c.sql(t, left))
		}
		c.wantSecrets(t, 0, "")
	}},
	{"Erased", func(t *testing.T, c *crowd) {
		c.sql(t, "update public.user_configs set facebook_user_id = $1 where facebook_user_id is not null", c.facebook)
		wantEqual(t, "accounts", len(anyUsers), c.erase(t, uuid.NewString()).Accounts)
		wantUsers(t, "left", 1, anyUsers, c.sql(t, "select user_id from public.user_configs"))
	}},
	// The recipe's own upsert, step 5, by the library for which it is written.
	{"SupabaseJS", func(t *testing.T, c *crowd) {
		const upsert = `
			import { createClient } from '@supabase/supabase-js';
			const { SUPABASE_URL, SUPABASE_SECRET_KEY, USERS, ACCOUNT } = process.env;
			const supabase = createClient(SUPABASE_URL, SUPABASE_SECRET_KEY, { auth: { persistSession: false } });
			for (const user of JSON.parse(USERS)) {
				const { error } = await supabase.from('user_configs').upsert({ user_id: user, instagram_id: ACCOUNT, token: 'by supabase-js, of ' + user });
				if (error) throw new Error(error.message);
			}`
		modules, err := supalite.InstallPackages(t.Context(), "worker-ts", "the packages of examples/worker-ts", os.DirFS("../examples/worker-ts"), os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		users, err := json.Marshal(anyUsers)
		if err != nil {
			t.Fatal(err)
		}
		node := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", upsert)
		node.Dir = modules
		node.Env = append(os.Environ(), "SUPABASE_URL="+c.URL, "SUPABASE_SECRET_KEY="+c.ServiceKey, "USERS="+string(users), "ACCOUNT="+c.shared)
		if out, err := node.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		rows := c.lookUp(t, c.shared)
		wantUsers(t, "look-up", 1, anyUsers, rows)
		for _, row := range rows {
			if row["token"] != "by supabase-js, of "+row["user_id"].(string) {
				t.Errorf("%q has the token %q", row["user_id"], row["token"])
			}
		}
	}},
	{"Refused", func(t *testing.T, c *crowd) {
		for _, user := range notUsers {
			named := object{"user_id": user, "instagram_id": newID(), "token": newToken()}
			c.wantWriteRefused(t, "POST", upserts, named, "")
			c.wantRefused(t, "save_connections", object{"connections": []object{with(named, object{"status": "active", "retry": false, "connected_at": time.Now()})}}, "user_id")
			c.wantRefused(t, "delete_user", object{"p_user_id": user}, "p_user_id must be the id of a user")
		}
	}},
	// Keys that would name the same secret or event if ids stood in them as they are.
	{"SimilarUsers", func(t *testing.T, c *crowd) {
		c.upsert(t, with(row("a", "x", "one"), object{"page_token": "two"}))
		c.upsert(t, row("a/x", "page_token", "three"))
		c.upsert(t, row("a%2Fx", "page_token", "four"))
		c.wantTokens(t, "x", "one", "two")
		for _, row := range c.lookUp(t, "page_token") {
			if want := map[any]string{"a/x": "three", "a%2Fx": "four"}[row["user_id"]]; row["token"] != want {
				t.Errorf("%v has the token %v, want %s", row["user_id"], row["token"], want)
			}
		}
		c.disconnect(t, "page_token", "a/x")
		c.wantTokens(t, "page_token", "four", nil)
		c.wantTokens(t, "x", "one", "two")

		c.upsert(t, row("b/1", "2", "token"))
		c.upsert(t, row("b", "1", "token"))
		one, other := &inbox{project: c.project, account: "2"}, &inbox{project: c.project, account: "1"}
		c.ingest(t, 2, one.event("k", "ann", 1), other.event("2/k", "ann", 1))
	}},
}
