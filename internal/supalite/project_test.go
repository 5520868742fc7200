package supalite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"igconnect/internal/supalite"
)

// project is the server with what the tests ask of it, each as a client would.
type project struct{ *supalite.Server }

type object = map[string]any

// caller is who a REST request comes from.
type caller struct{ key, bearer string }

func (p *project) service() caller             { return caller{key: p.ServiceKey} }
func (p *project) anon() caller                { return caller{key: p.AnonKey} }
func (p *project) user(u supalite.User) caller { return caller{p.AnonKey, u.AccessToken} }
func row(u supalite.User, id, token string) object {
	return object{"user_id": u.ID, "instagram_id": id, "token": token}
}

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
func (p *project) rest(t *testing.T, who caller, method, path string, body any, prefer ...string) (int, string) {
	t.Helper()
	status, out, err := p.send(t.Context(), who, method, path, body, prefer...)
	if err != nil {
		t.Fatal(err)
	}
	return status, out
}

// send is rest for any goroutine.
func (p *project) send(ctx context.Context, who caller, method, path string, body any, prefer ...string) (int, string, error) {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, "", err
		}
		in = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.URL+"/rest/v1/"+path, in)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Apikey", who.key)
	if who.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+who.bearer)
	}
	req.Header.Set("Prefer", strings.Join(prefer, ","))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(out), err
}

// upserts is where the seed's upsert goes.
const upserts = "user_configs?on_conflict=user_id%2Cinstagram_id"

// upsert is the seed's, one row or several.
func (p *project) upsert(t *testing.T, body any) (int, string) {
	t.Helper()
	return p.rest(t, p.service(), "POST", upserts, body, "resolution=merge-duplicates", "return=minimal")
}

func (p *project) mustUpsert(t *testing.T, body any) {
	t.Helper()
	if status, out := p.upsert(t, body); status != 200 && status != 201 {
		t.Fatalf("upsert: status %d: %s", status, out)
	}
}

// one is the filter for the row of that Instagram id, in the form that Lite and PostgREST both take.
func one(id string) string { return fmt.Sprintf(`user_configs?instagram_id=in.("%s")`, id) }

func (p *project) patch(t *testing.T, id string, body object) (int, string) {
	t.Helper()
	return p.rest(t, p.service(), "PATCH", one(id), body, "return=minimal")
}

func (p *project) mustPatch(t *testing.T, id string, body object) {
	t.Helper()
	if status, out := p.patch(t, id, body); status != 204 {
		t.Fatalf("patch %v: status %d: %s", body, status, out)
	}
}

// lookUp asks get_instagram_token as service_role.
func (p *project) lookUp(t *testing.T, id string) []object {
	t.Helper()
	status, out := p.rest(t, p.service(), "POST", "rpc/get_instagram_token", object{"p_instagram_id": id})
	if status != 200 {
		t.Fatalf("get_instagram_token: status %d: %s", status, out)
	}
	var rows []object
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// wantToken checks that the look-up finds exactly one row with that token; nil is none.
func (p *project) wantToken(t *testing.T, id string, token any) {
	t.Helper()
	rows := p.lookUp(t, id)
	if len(rows) != 1 || rows[0]["token"] != token {
		t.Fatalf("get_instagram_token(%s) = %v, want one row with token %v", id, rows, token)
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

// secrets returns the names of a user's secrets.
func (p *project) secrets(t *testing.T, u supalite.User) []string {
	t.Helper()
	names := []string{}
	for _, row := range p.sql(t, "select name from vault.secrets where name like $1 order by name", "user_configs/"+u.ID+"/%") {
		names = append(names, row["name"].(string))
	}
	return names
}

// as runs statements as a role, in a transaction of their own.
func (p *project) as(t *testing.T, role, statements string) error {
	t.Helper()
	_, err := p.SQL(t.Context(), fmt.Sprintf("do $as$ begin set local role %s; %s; end $as$", role, statements))
	return err
}

// wantDenied checks for PostgreSQL's "permission denied".
func wantDenied(t *testing.T, what string, status int, body string) {
	t.Helper()
	if (status != 401 && status != 403) || !strings.Contains(body, "42501") {
		t.Errorf("%s: status %d, want 401 or 403 with 42501: %s", what, status, body)
	}
}
