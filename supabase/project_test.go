// Package supabase_test holds the migrations to docs and design: each case runs on both databases
// that Supabase Lite runs on, the embedded one and a PostgreSQL, and asks as a client would. What
// needs several sessions at once stands in concurrency_test.go.
package supabase_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

func TestMain(m *testing.M) { os.Exit(supalitetest.Run(m)) }

// project is a Supabase project with the migrations applied.
type project struct {
	*supalite.Server
	databaseURL string // of a PostgreSQL, for sessions of the test's own; else ""
}

// testCase is a case that begins with what a function below makes of a project.
type testCase[F any] struct {
	name string
	run  func(*testing.T, F)
}

// onBothDatabases runs each case with what fresh returns.
func onBothDatabases[F any](t *testing.T, fresh func(*testing.T, *project) F, cases []testCase[F]) {
	run := func(t *testing.T, p *project) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				c.run(t, fresh(t, p))
				p.wantSealed(t)
				p.wantConsistentInbox(t)
			})
		}
	}
	t.Run("embedded", func(t *testing.T) { run(t, &project{Server: supalitetest.Shared(t)}) })
	t.Run("postgres", func(t *testing.T) { run(t, onPostgres(t)) })
}

// onPostgres is a project on a PostgreSQL, where calls overlap.
func onPostgres(t *testing.T) *project {
	t.Helper()
	server, url := supalitetest.SharedOnPostgres(t)
	return &project{server, url}
}

// empty is a project in which nobody has connected anything: a claim takes from everybody.
func empty(t *testing.T, p *project) *project {
	t.Helper()
	for _, table := range []string{"public.user_configs", "public.instagram_events", "public.instagram_conversations", "igconnect.removed_connections"} {
		p.sql(t, "delete from "+table)
	}
	p.sql(t, "delete from public.erasures")
	return p
}

// session opens a session of its own on a project's PostgreSQL, as its superuser.
func (p *project) session(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), p.config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// config is that of sessions on a project's PostgreSQL, as its superuser, in which Vault works.
func (p *project) config(t *testing.T) *pgx.ConnConfig {
	t.Helper()
	config, err := pgx.ParseConfig(p.databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["supalite.vault_key"] = p.sql(t, "select current_setting('supalite.vault_key') as key")[0]["key"].(string)
	return config
}

type object = map[string]any

// with returns in with more keys.
func with(in, more object) object {
	out := maps.Clone(in)
	maps.Copy(out, more)
	return out
}

// caller is who a REST request comes from.
type caller struct{ key, bearer string }

func (p *project) service() caller             { return caller{key: p.ServiceKey} }
func (p *project) anon() caller                { return caller{key: p.AnonKey} }
func (p *project) user(u supalite.User) caller { return caller{p.AnonKey, u.AccessToken} }

var counter atomic.Int64

// unique returns a name that no other test has.
func unique(prefix string) string { return fmt.Sprintf("%s%d", prefix, counter.Add(1)) }

// newID is an Instagram id beyond a double's digits.
func newID() string { return unique("178414000000000") }

// newToken looks like Meta's.
func newToken() string { return unique("EAAGtoken") + strings.Repeat("xYz0", 40) }

func (p *project) newUser(t *testing.T) supalite.User {
	t.Helper()
	u, err := p.SignUp(t.Context(), unique("person")+"@example.com", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// rest sends a request to PostgREST and returns status and body.
func (p *project) rest(t *testing.T, who caller, method, path string, body any) (int, string) {
	t.Helper()
	status, out, err := p.send(t.Context(), who, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, out
}

// send is rest for any goroutine.
func (p *project) send(ctx context.Context, who caller, method, path string, body any) (int, string, error) {
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			return 0, "", err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, p.URL+"/rest/v1/"+path, &in)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Apikey", who.key)
	if who.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+who.bearer)
	}
	if !strings.HasPrefix(path, "rpc/") && method != "GET" {
		req.Header.Set("Prefer", "resolution=merge-duplicates,return=minimal")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(out), err
}

// upserts is where the recipe's upsert goes.
const upserts = "user_configs?on_conflict=user_id%2Cinstagram_id"

// row is what the recipe's upsert writes.
func row(userID, id, token string) object {
	return object{"user_id": userID, "instagram_id": id, "token": token}
}

// upsert is the recipe's, one row or several. It returns the status, 200 or 201.
func (p *project) upsert(t *testing.T, body any) int {
	t.Helper()
	status, out := p.rest(t, p.service(), "POST", upserts, body)
	if status != 200 && status != 201 {
		t.Fatalf("upsert %q: status %d: %s", body, status, out)
	}
	return status
}

// one is the filter for the rows of an Instagram id, and of one user where that is named, in a form
// that Lite and PostgREST both take: Lite reads eq.<digits> as a double.
func one(id string, userID ...string) string {
	filter := "user_configs?instagram_id=" + equals(id)
	for _, user := range userID {
		filter += "&user_id=" + equals(user)
	}
	return filter
}

// equals is a filter for exactly this text, whatever it holds.
func equals(text string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
	return "in." + url.QueryEscape(`("`+quoted+`")`)
}

func (p *project) patch(t *testing.T, id string, body object) {
	t.Helper()
	if status, out := p.rest(t, p.service(), "PATCH", one(id), body); status != 204 {
		t.Fatalf("patch %v: status %d: %s", body, status, out)
	}
}

// wantWriteRefused checks that a write with the secret key fails with these words.
func (p *project) wantWriteRefused(t *testing.T, method, path string, body any, words string) {
	t.Helper()
	if status, out := p.rest(t, p.service(), method, path, body); status < 400 || !strings.Contains(out, words) {
		t.Errorf("%s of %q: status %d, want a refusal with %q: %s", method, body, status, words, out)
	}
}

// disconnect deletes the rows of an Instagram id, or one user's.
func (p *project) disconnect(t *testing.T, id string, userID ...string) {
	t.Helper()
	if status, out := p.rest(t, p.service(), "DELETE", one(id, userID...), nil); status != 204 {
		t.Fatalf("delete: status %d: %s", status, out)
	}
}

// lookUp asks get_instagram_token with the secret key.
func (p *project) lookUp(t *testing.T, id string) (rows []object) {
	t.Helper()
	p.mustCall(t, "get_instagram_token", object{"p_instagram_id": id}, &rows)
	return rows
}

// wantTokens checks that the look-up finds exactly one row with these tokens; nil is none.
func (p *project) wantTokens(t *testing.T, id string, token, pageToken any) {
	t.Helper()
	rows := p.lookUp(t, id)
	if len(rows) != 1 || rows[0]["token"] != token || rows[0]["page_token"] != pageToken {
		t.Fatalf("get_instagram_token(%s) = %v, want one row with %v and %v", id, rows, token, pageToken)
	}
}

// call calls a function with the secret key, from any goroutine, and decodes its answer into out.
func (p *project) call(ctx context.Context, function string, args object, out any) error {
	status, body, err := p.send(ctx, p.service(), "POST", "rpc/"+function, args)
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("%s: status %d: %s", function, status, body)
	}
	if err := json.Unmarshal([]byte(body), out); err != nil {
		return fmt.Errorf("%s: %w in %s", function, err, body)
	}
	return nil
}

func (p *project) mustCall(t *testing.T, function string, args object, out any) {
	t.Helper()
	if err := p.call(t.Context(), function, args, out); err != nil {
		t.Fatal(err)
	}
}

// wantRefused checks that a function answers with an error that says so.
func (p *project) wantRefused(t *testing.T, function string, args object, words string) {
	t.Helper()
	var out any
	if err := p.call(t.Context(), function, args, &out); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s(%v) = %v, error %v; want one with %q", function, args, out, err, words)
	}
}

// wantCount checks what a function that counts answers.
func (p *project) wantCount(t *testing.T, want int, function string, args object) {
	t.Helper()
	var got int
	p.mustCall(t, function, args, &got)
	if got != want {
		t.Fatalf("%s = %d, want %d", function, got, want)
	}
}

func (p *project) sql(t *testing.T, query string, args ...any) []object {
	t.Helper()
	rows, err := p.SQL(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// as runs a statement of plpgsql as a role, in a transaction of its own.
func (p *project) as(t *testing.T, role, statement string) error {
	t.Helper()
	_, err := p.SQL(t.Context(), fmt.Sprintf("do $as$ begin set local role %s; %s; end $as$", role, statement))
	return err
}

// wantDenied checks that none of the API's roles may run a statement of plpgsql.
func (p *project) wantDenied(t *testing.T, statement string) {
	t.Helper()
	for _, role := range []string{"anon", "authenticated", "service_role"} {
		if err := p.as(t, role, statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s as %s: %v", statement, role, err)
		}
	}
}

// texts returns a column of rows.
func texts(rows []object, column string) []string {
	values := []string{}
	for _, row := range rows {
		values = append(values, row[column].(string))
	}
	return values
}

// wantEach ends the test unless the rows of a claim are those, in this order.
func wantEach[R any](t *testing.T, rows []R, want []string, name func(R) string) {
	t.Helper()
	got := []string{}
	for _, row := range rows {
		got = append(got, name(row))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("claimed %q, want %q", got, want)
	}
}

// wantEqual compares what a test wants with what it got.
func wantEqual(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// read returns columns of the one row of an Instagram id.
func (p *project) read(t *testing.T, id, columns string) object {
	t.Helper()
	return p.onlyRow(t, "select "+columns+" from public.user_configs where instagram_id = $1", id)
}

func (p *project) onlyRow(t *testing.T, query string, args ...any) object {
	t.Helper()
	rows := p.sql(t, query, args...)
	if len(rows) != 1 {
		t.Fatalf("%d rows of %v", len(rows), args)
	}
	return rows[0]
}

// wantStatus checks status and reason of a row.
func (p *project) wantStatus(t *testing.T, id, status string, reason any) {
	t.Helper()
	wantEqual(t, id, object{"status": status, "status_reason": reason}, p.read(t, id, "status, status_reason"))
}

// secretNames returns the names of all secrets of a user whose id needs no encoding.
func (p *project) secretNames(t *testing.T, userID string) []string {
	t.Helper()
	return texts(p.sql(t, "select name from vault.secrets where starts_with(name, $1) order by name", "user_configs/"+userID+"/"), "name")
}

// wantSecrets checks how many secrets users have together whose ids need no encoding.
func (p *project) wantSecrets(t *testing.T, want int, userIDs ...string) {
	t.Helper()
	var names []string
	for _, id := range userIDs {
		names = append(names, p.secretNames(t, id)...)
	}
	if len(names) != want {
		t.Errorf("secrets = %v, want %d", names, want)
	}
}

// breakSecret makes a secret one that Vault cannot open, as another root key does.
func (p *project) breakSecret(t *testing.T, name string) {
	t.Helper()
	p.sql(t, "update vault.secrets set secret = encode(decode('00' || md5(name) || md5(secret), 'hex'), 'base64') where name = $1", name)
	if _, err := p.SQL(t.Context(), "select decrypted_secret from vault.decrypted_secrets where name = $1", name); err == nil {
		t.Fatalf("%s can still be opened", name)
	}
}

// wantSealed checks what must hold between any two calls: each row has the secrets that it names, and
// each secret its row.
func (p *project) wantSealed(t *testing.T) {
	t.Helper()
	wantEqual(t, "rows without their secret, or secrets without their row", []object{}, p.sql(t, `
		with rows as (
			select 'user_configs/' || replace(replace(user_id, '%', '%25'), '/', '%2F') || '/' || instagram_id as name,
				token_secret_id, page_token_secret_id from public.user_configs
		), named as (
			select name, token_secret_id as id from rows union all select name || '/page_token', page_token_secret_id from rows)
		select n.name as wanted, s.name as found
		from (select * from named where id is not null) n
		full join (select id, name from vault.secrets where name like 'user_configs/%' or name like 'igconnect/%') s
			on s.id = n.id and s.name = n.name
		where n.id is null or s.id is null`))
}

// wantNowhere searches all rows, the files under them and the write-ahead log for secrets in clear.
func (p *project) wantNowhere(t *testing.T, secrets ...string) {
	t.Helper()
	p.wantInNoRow(t, secrets...)
	for _, secret := range secrets {
		if found := p.filesWith(t, secret); len(found) > 0 {
			t.Errorf("a secret stands in clear in %v", found)
		}
	}
}

// wantInNoRow searches all rows.
func (p *project) wantInNoRow(t *testing.T, texts ...string) {
	t.Helper()
	dump, err := p.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range dump {
		for _, text := range texts {
			if strings.Contains(rows, text) {
				t.Errorf("%q stands in %s", text, table)
			}
		}
	}
}

// filesWith returns the relations and the files of the write-ahead log that hold text on disk.
func (p *project) filesWith(t *testing.T, text string) []string {
	t.Helper()
	p.sql(t, "checkpoint")
	return texts(p.sql(t, `
		select c.oid::regclass::text as name from pg_class c
		where pg_relation_filepath(c.oid) is not null and not c.relisshared
		and position(convert_to($1, 'utf8') in pg_read_binary_file(pg_relation_filepath(c.oid), 0, 1 << 24, true)) > 0
		union all
		select w.name from pg_ls_waldir() w
		where position(convert_to($1, 'utf8') in pg_read_binary_file('pg_wal/' || w.name, 0, 1 << 24, true)) > 0`, text), "name")
}
