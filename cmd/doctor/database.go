package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// project is the Supabase project, as anybody's browser knows it.
type project struct {
	url string
	key string // the publishable one, or the older anon key
}

// lock is a request to Supabase that must be refused to everybody but the
// secret key.
type lock struct {
	name, method, path, body, schema string
}

// locks guard the tokens. The arguments are such that the functions, were they
// to run, would find nothing and change nothing.
var locks = []lock{
	{name: "get_instagram_token", method: http.MethodPost, path: "rpc/get_instagram_token", body: `{"p_instagram_id":"0"}`},
	{name: "claim_instagram_events", method: http.MethodPost, path: "rpc/claim_instagram_events", body: `{"p_limit":0,"p_lease":"1 second"}`},
	{name: "claim_due_connections", method: http.MethodPost, path: "rpc/claim_due_connections", body: `{"p_limit":0,"p_lease":"1 second"}`},
	{name: "user_configs.token", method: http.MethodGet, path: "user_configs?select=token&limit=0"},
	{name: "user_configs.page_token", method: http.MethodGet, path: "user_configs?select=page_token&limit=0"},
	{name: "user_configs.token_secret_id", method: http.MethodGet, path: "user_configs?select=token_secret_id&limit=0"},
	{name: "user_configs.page_token_secret_id", method: http.MethodGet, path: "user_configs?select=page_token_secret_id&limit=0"},
	{name: "vault.decrypted_secrets", method: http.MethodGet, path: "decrypted_secrets?select=id&limit=0", schema: "vault"},
}

// database tries the locks as the two roles that browsers have.
func (d *doctor) database(ctx context.Context) []check {
	p := d.project
	switch {
	case p.key == "" || p.url == "":
		return []check{unchecked("tokens", "Set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY to try what anybody can reach.")}
	case opensEverything(p.key):
		return []check{bad("tokens", "SUPABASE_PUBLISHABLE_KEY holds the secret key, which opens everything.", "Set it to the publishable (or anon) key. If browsers have seen the secret key, make a new one at once.")}
	}
	checks := d.tryLocks(ctx, "anon", anonHeader(p.key))
	if d.session.Empty() {
		return append(checks, unchecked("tokens, as authenticated", "Set DOCTOR_SESSION to the access token of a signed-in user."))
	}
	return append(checks, d.tryLocks(ctx, "authenticated", map[string]string{"Apikey": p.key, "Authorization": "Bearer " + d.session.Reveal()})...)
}

// anonHeader: an older key is a JWT and goes along as Bearer, too.
func anonHeader(key string) map[string]string {
	header := map[string]string{"Apikey": key}
	if !strings.HasPrefix(key, "sb_") {
		header["Authorization"] = "Bearer " + key
	}
	return header
}

func (d *doctor) tryLocks(ctx context.Context, role string, header map[string]string) []check {
	header["Content-Type"] = "application/json"
	var checks []check
	for _, l := range locks {
		header["Accept-Profile"] = cmp.Or(l.schema, "public")
		got, err := d.ask(ctx, l.method, d.project.url+"/rest/v1/"+l.path, l.body, header)
		checks = append(checks, l.judge(role, got, err))
	}
	return checks
}

// judge reads PostgREST's answer. A key or session that is not accepted is also
// answered with 401: only the database's own code says that a lock held.
// https://docs.postgrest.org/en/stable/references/errors.html
func (l lock) judge(role string, got answer, err error) check {
	name := role + ": " + l.name
	if err != nil {
		return silent(name, err)
	}
	var refusal struct {
		Code string `json:"code"` // empty where another part of Supabase sends a number
	}
	_ = json.Unmarshal(got.body, &refusal)
	switch code := refusal.Code; {
	case code == "42501":
		return good(name)
	case l.schema != "" && (code == "PGRST106" || got.status == http.StatusNotAcceptable || got.status == http.StatusNotFound):
		return good(name) // the schema is not offered at all
	case got.status == http.StatusUnauthorized || got.status == http.StatusForbidden:
		return bad(name, "Supabase did not let "+role+" in at all, so this was not tried.", "Copy the publishable key, and the session, anew from this very project. A session lasts an hour.")
	case code == "PGRST202" || code == "PGRST205" || code == "42P01" || code == "42883" || code == "42703":
		return bad(name, "It is not there.", "Run: supabase db push")
	case got.status == http.StatusTooManyRequests || got.status >= 500 && code == "":
		return bad(name, fmt.Sprintf("Supabase answers %d.", got.status), "Try again in some minutes.")
	}
	return bad(name, "The role "+role+" reaches it.", "Revoke it: run the statements on grants in supabase/migrations again, and find out who granted it.")
}

// opensEverything recognises the secret key, in its new form and the old one.
func opensEverything(key string) bool {
	if strings.HasPrefix(key, "sb_secret_") {
		return true
	}
	parts := strings.Split(key, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	return err == nil && strings.Contains(string(payload), `"service_role"`)
}
