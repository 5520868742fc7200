package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// refusal is a request that must be refused.
type refusal struct {
	name, method, path, body, authorization string
	status                                  int
	code                                    string // of igconnect's own refusal
	otherwise                               string // what it means if it isn't refused
	ofMeta                                  bool   // Meta calls it
}

// refusals are of requests that only Meta, the cron job or a signed-in user may make. Were one let
// through, it would do no harm: a renewal begins early, no more.
func (d *doctor) refusals(ctx context.Context) []check {
	handshake := "/api/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=" + rand.Text()
	var checks []check
	for _, r := range []refusal{
		{"webhook refuses a wrong token", "GET", handshake, "", "", 403, "forbidden", "Anybody can confirm it as a webhook of his own.", true},
		{"webhook refuses unsigned events", "POST", "/api/webhook", "{}", "", 401, "bad_signature", "Anybody can invent messages.", true},
		{"renew refuses without secret", "GET", "/api/renew", "", "", 401, "unauthorized", "Anybody can start it.", false},
		{"renew refuses a wrong secret", "GET", "/api/renew", "", "Bearer " + rand.Text(), 401, "unauthorized", "Anybody can start it.", false},
		{"deauthorize refuses unsigned", "POST", "/api/deauthorize", unsigned, "", 401, "bad_signature", "Anybody can disconnect people.", true},
		{"deletion refuses unsigned", "POST", "/api/deletion", unsigned, "", 401, "bad_signature", "Anybody can delete people's data.", true},
		{"accounts refuse strangers", "GET", "/api/accounts", "", "", 401, "signed_out", "Anybody can read them.", false},
	} {
		header := map[string]string{"Authorization": r.authorization}
		if r.body == unsigned {
			header["Content-Type"] = "application/x-www-form-urlencoded"
		}
		got := d.ask(ctx, r.method, d.url+r.path, r.body, header)
		there := slashed(d.url+r.path, got)
		if there != "" {
			got = d.ask(ctx, r.method, there, r.body, header)
		}
		line := r.judge(got)
		if there != "" && r.ofMeta && line.State == isOK {
			line = wrong(r.name, "It does so only at "+strings.Split(strings.TrimPrefix(there, d.url), "?")[0]+", where it leads to. Meta follows no redirect: nothing that it sends arrives.",
				"The app in between has trailingSlash: set skipTrailingSlashRedirect: true in its next.config.js, or see docs/beside-your-app.md.")
		}
		checks = append(checks, line)
	}
	return checks
}

const unsigned = "signed_request=e30.e30"

func (r refusal) judge(got answer) check {
	switch own := got.header.Get("X-Error-Code"); {
	case got.refused(r.status, r.code):
		return passed(r.name)
	case own == "misconfigured":
		return wrong(r.name, "It is not set up: a setting that it needs is missing or broken.", "See the settings above; the log names them all.")
	case got.status >= 200 && got.status < 300:
		return wrong(r.name, "It does not. "+r.otherwise, "Deploy the newest version of igconnect, and look for a cache or proxy in between.")
	case own != "":
		return wrong(r.name, fmt.Sprintf("It does so with %d %s instead of %d %s.", got.status, own, r.status, r.code), "Deploy the newest version of igconnect.")
	}
	return notIgconnect(r.name, got)
}

// project is the Supabase project, as anybody's browser knows it.
type project struct {
	url string
	key string // the publishable one, or the older anon key
}

// access is a request to Supabase that must be refused to everybody but the secret key.
type access struct{ name, method, path, body, schema string }

// accesses lead to the tokens. The arguments are such that the functions, were they to run, would
// find nothing and change nothing.
var accesses = []access{
	{"get_instagram_token", "POST", "rpc/get_instagram_token", `{"p_instagram_id":"0"}`, "public"},
	{"claim_instagram_events", "POST", "rpc/claim_instagram_events", `{"p_limit":0,"p_lease":"1 second"}`, "public"},
	{"claim_due_connections", "POST", "rpc/claim_due_connections", `{"p_limit":0,"p_lease":"1 second"}`, "public"},
	{"user_configs.token", "GET", "user_configs?select=token&limit=0", "", "public"},
	{"user_configs.page_token", "GET", "user_configs?select=page_token&limit=0", "", "public"},
	{"user_configs.token_secret_id", "GET", "user_configs?select=token_secret_id&limit=0", "", "public"},
	{"user_configs.page_token_secret_id", "GET", "user_configs?select=page_token_secret_id&limit=0", "", "public"},
	{"vault.decrypted_secrets", "GET", "decrypted_secrets?select=id&limit=0", "", "vault"},
}

// database tries the accesses as the two roles that browsers have.
func (d *doctor) database(ctx context.Context) []check {
	key := d.project.key
	switch {
	case key == "" || d.project.url == "":
		return []check{unchecked("tokens", "Set SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY to try what anybody can reach.")}
	case opensEverything(key):
		return []check{wrong("tokens", "SUPABASE_PUBLISHABLE_KEY holds the secret key, which opens everything.", "Set it to the publishable (or anon) key. If browsers have seen the secret key, make a new one at once.")}
	}
	checks := d.tryAs(ctx, "anon", anonBearer(key))
	if d.session.Empty() {
		return append(checks, unchecked("tokens, as authenticated", "Set DOCTOR_SESSION to the access token of a signed-in user."))
	}
	const role = "authenticated"
	users := d.tryAs(ctx, role, "Bearer "+d.session.Reveal())
	session, isJWT := readToken(d.session.Reveal())
	if isJWT && !strings.HasSuffix(session.text("iss"), "/auth/v1") && users[0].Problem == notLetIn(role) {
		const why = "Supabase takes no token of this issuer, so it reaches nothing. With third-party auth it would (docs/users.md)."
		return append(checks, unchecked("tokens, as authenticated", why))
	}
	return append(checks, users...)
}

// notLetIn is the problem where Supabase refuses a role's token itself.
func notLetIn(role string) string {
	return "Supabase did not let " + role + " in at all, so this was not tried."
}

// anonBearer is the Authorization that goes along with a key: an older one is a JWT and is sent as
// Bearer, too.
func anonBearer(key string) string {
	if strings.HasPrefix(key, "sb_") {
		return ""
	}
	return "Bearer " + key
}

func (d *doctor) tryAs(ctx context.Context, role, authorization string) []check {
	var checks []check
	for _, a := range accesses {
		got := d.ask(ctx, a.method, d.project.url+"/rest/v1/"+a.path, a.body, map[string]string{
			"Apikey": d.project.key, "Authorization": authorization, "Content-Type": "application/json", "Accept-Profile": a.schema,
		})
		checks = append(checks, a.judge(role, got))
	}
	return checks
}

// judge reads PostgREST's answer. A key or session that is not accepted is also answered with 401:
// only the database's own code says that it refused the access.
// https://docs.postgrest.org/en/stable/references/errors.html
func (a access) judge(role string, got answer) check {
	name := role + ": " + a.name
	var refusal struct {
		Code string `json:"code"` // empty where another part of Supabase sends a number
	}
	_ = json.Unmarshal(got.body, &refusal)
	switch code := refusal.Code; {
	case got.err != nil:
		return notIgconnect(name, got)
	case code == "42501":
		return passed(name)
	case a.schema != "public" && (code == "PGRST106" || got.status == http.StatusNotAcceptable || got.status == http.StatusNotFound):
		return passed(name) // the schema is not offered at all
	case got.status == http.StatusUnauthorized || got.status == http.StatusForbidden:
		return wrong(name, notLetIn(role), "Copy the publishable key, and the session, anew from this very project. A session lasts an hour.")
	case code == "PGRST202" || code == "PGRST205" || code == "42P01" || code == "42883" || code == "42703":
		return wrong(name, "It is not there.", "Run: supabase db push --remote")
	case got.status == http.StatusTooManyRequests || got.status >= 500 && code == "":
		return wrong(name, fmt.Sprintf("Supabase answers %d.", got.status), "Try again in some minutes.")
	}
	return wrong(name, "The role "+role+" reaches it.", "Revoke it: run the statements on grants in supabase/migrations again, and find out who granted it.")
}

// opensEverything reports whether a key is the secret one, in its new form or the old one, a JWT.
func opensEverything(key string) bool {
	payload := strings.Split(key+".", ".")[1]
	claims, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	return strings.HasPrefix(key, "sb_secret_") || err == nil && strings.Contains(string(claims), `"service_role"`)
}
