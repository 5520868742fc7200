package main

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/secret"
)

func TestPrivileges(t *testing.T) {
	for _, c := range []struct {
		name, request string
		answer        http.HandlerFunc
		want          string
	}{
		{"an open function", "anon rpc/get_instagram_token", answering(200, nil, `[]`),
			"wrong anon: get_instagram_token: The role anon reaches it."},
		{"a function that runs and complains", "authenticated rpc/claim_instagram_events", answering(400, nil, `{"code":"22023","message":"p_limit must be between 1 and 1000."}`),
			"wrong authenticated: claim_instagram_events: The role authenticated reaches it."},
		{"an open column", "authenticated user_configs.token_secret_id", answering(200, nil, `[]`),
			"wrong authenticated: user_configs.token_secret_id: The role authenticated reaches it."},
		{"an open Vault", "anon decrypted_secrets.id", answering(200, nil, `[]`),
			"wrong anon: vault.decrypted_secrets: The role anon reaches it."},
		{"no migrations", "anon rpc/claim_due_connections", answering(404, nil, `{"code":"PGRST202"}`),
			"wrong anon: claim_due_connections: It is not there."},
		{"a session that ended", "authenticated user_configs.token", answering(401, nil, `{"code":"PGRST303","message":"JWT expired"}`),
			"wrong authenticated: user_configs.token: Supabase did not let authenticated in at all, so this was not tried."},
		{"an outage", "anon user_configs.token", answering(502, nil, `<html>`), "wrong anon: user_configs.token: Supabase answers 502."},
		{"a code of another shape", "anon user_configs.page_token", answering(403, nil, `{"code":403}`),
			"wrong anon: user_configs.page_token: Supabase did not let anon in at all, so this was not tried."},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _ := testDoctor(t)
			d.project.url = newProject(t, map[string]http.HandlerFunc{c.request: c.answer}).URL
			if diff := cmp.Diff([]string{c.want}, notPassed(d.database(t.Context()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A user of the app's own issuer reaches nothing in Supabase where that does not know the issuer, which
// is no mistake; a user of Supabase is let in.
func TestSessionOfAnotherIssuer(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example.com/":       "unchecked tokens, as authenticated: Supabase takes no token of this issuer, so it reaches nothing. With third-party auth it would (docs/users.md).",
		"https://x.supabase.co/auth/v1": "wrong authenticated: get_instagram_token: Supabase did not let authenticated in at all, so this was not tried.",
	} {
		d, _ := testDoctor(t)
		part := base64.RawURLEncoding.EncodeToString
		d.session = secret.New(part([]byte(`{"alg":"ES256"}`)) + "." + part([]byte(`{"iss":"`+issuer+`"}`)) + ".c2ln")
		unknown := map[string]http.HandlerFunc{}
		for _, a := range accesses {
			columns, _, _ := strings.Cut(strings.Replace(a.path, "?select=", ".", 1), "&")
			unknown["authenticated "+columns] = answering(401, nil, `{"code":"PGRST301"}`)
		}
		d.project.url = newProject(t, unknown).URL
		if got := notPassed(d.database(t.Context())); got[0] != want {
			t.Errorf("%s: %v", issuer, got)
		}
	}
}

func TestKeys(t *testing.T) {
	jwt := func(role string) string {
		return "eyJh." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"supabase","role":"`+role+`"}`)) + ".c2ln"
	}
	for key, want := range map[string]bool{"sb_publishable_x": false, "sb_secret_x": true, jwt("anon"): false, jwt("service_role"): true, "a.b.c": false} {
		if got := opensEverything(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
	d, _ := testDoctor(t)
	d.project.key = "sb_secret_x"
	if got := notPassed(d.database(t.Context())); len(got) != 1 || !strings.Contains(got[0], "holds the secret key") {
		t.Errorf("%v", got)
	}
	d.project.key = "sb_publishable_of-another-project"
	if got := notPassed(d.database(t.Context())); len(got) < len(accesses)-1 || !strings.Contains(got[0], "did not let anon in at all") {
		t.Errorf("a key that is not accepted passes for a refusal of the access: %v", got)
	}
	if got := anonBearer(jwt("anon")); got == "" {
		t.Error("an older key is sent as Bearer, too")
	}
}
