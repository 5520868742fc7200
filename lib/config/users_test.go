package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const vouchSecret = "a-vouch-secret-of-32-bytes-or-so"

func TestUsers(t *testing.T) {
	t.Parallel()
	type settings = map[string]string
	type users struct {
		Supabase                     bool
		Vouch                        string
		Secrets                      int
		Issuer, Audience, Keys, Name string
		Unused                       Problems
	}
	for name, c := range map[string]struct {
		change settings
		want   users
	}{
		"Supabase Auth": {nil, users{Supabase: true}},
		"a ticket": {settings{"VOUCH_URL": "https://app.example/instagram/vouch", "VOUCH_SECRET": vouchSecret},
			users{Vouch: "https://app.example/instagram/vouch", Secrets: 1}},
		"a path of our own host, two secrets": {settings{"VOUCH_URL": "/vouch?from=connect", "VOUCH_SECRET": vouchSecret + "," + vouchSecret + "2"},
			users{Vouch: "https://app.example.com/vouch?from=connect", Secrets: 2}},
		"Auth0": {settings{"JWT_ISSUER": "https://tenant.auth0.com/", "JWT_AUDIENCE": "https://api.example"},
			users{Issuer: "https://tenant.auth0.com/", Audience: "https://api.example", Keys: "https://tenant.auth0.com/.well-known/jwks.json"}},
		"Clerk": {settings{"JWT_ISSUER": "https://clerk.example.com", "JWT_AUDIENCE": "none", "JWT_COOKIE": "__session"},
			users{Issuer: "https://clerk.example.com", Audience: "none", Keys: "https://clerk.example.com/.well-known/jwks.json", Name: "__session"}},
		"an issuer that is no URL": {settings{"JWT_ISSUER": "my-issuer", "JWT_AUDIENCE": "x", "JWT_JWKS_URL": "http://localhost:4000/keys"},
			users{Issuer: "my-issuer", Audience: "x", Keys: "http://localhost:4000/keys"}},
		"both": {settings{"JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "x", "VOUCH_URL": "/vouch", "VOUCH_SECRET": vouchSecret},
			users{Issuer: "https://id.example", Audience: "x", Keys: "https://id.example/.well-known/jwks.json", Vouch: "https://app.example.com/vouch", Secrets: 1}},
		"what nothing reads": {settings{"VOUCH_SECRET": "short", "JWT_AUDIENCE": "x", "JWT_COOKIE": ";"},
			users{Supabase: true, Unused: Problems{
				{"VOUCH_SECRET", "has no effect: VOUCH_URL is not set"}, {"JWT_AUDIENCE", "has no effect: JWT_ISSUER is not set"},
				{"JWT_COOKIE", "has no effect: JWT_ISSUER is not set"},
			}}},
		"what Supabase's users need, beside JWTs": {settings{"JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "x", "SUPABASE_AUTH_COOKIE": "sb-mine", "SIGN_IN_URL": "/sign-in"},
			users{Issuer: "https://id.example", Audience: "x", Keys: "https://id.example/.well-known/jwks.json",
				Unused: Problems{{"SUPABASE_AUTH_COOKIE", "has no effect: Supabase Auth is not asked"}}}},
		"two places to send strangers to": {settings{"VOUCH_URL": "/vouch", "VOUCH_SECRET": vouchSecret, "SIGN_IN_URL": "/sign-in"},
			users{Vouch: "https://app.example.com/vouch", Secrets: 1, Unused: Problems{{"SIGN_IN_URL", "has no effect: VOUCH_URL takes its place"}}}},
	} {
		config, problems := load(c.change)
		got := users{
			config.SupabaseUsers, config.VouchURL, len(config.VouchSecrets),
			config.JWTIssuer, config.JWTAudience, config.JWKSURL, config.JWTCookie, config.Unused,
		}
		if diff := cmp.Diff(c.want, got); diff != "" || problems != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, problems, diff)
		}
	}
}

// What is set and wrong is a problem of whoever asks who somebody is: Supabase Auth never takes its place.
func TestUsersProblems(t *testing.T) {
	t.Parallel()
	const vouch, issuer = "https://app.example/vouch", "https://id.example"
	for _, c := range []struct {
		set  map[string]string
		want Problem
	}{
		{map[string]string{"VOUCH_URL": vouch}, Problem{"VOUCH_SECRET", "is missing"}},
		{map[string]string{"VOUCH_URL": vouch, "VOUCH_SECRET": vouchSecret[1:]},
			Problem{"VOUCH_SECRET", "is shorter than 32 bytes: make one with openssl rand -base64 32"}},
		{map[string]string{"VOUCH_URL": vouch, "VOUCH_SECRET": vouchSecret + ",old"},
			Problem{"VOUCH_SECRET", "is shorter than 32 bytes: make one with openssl rand -base64 32"}},
		{map[string]string{"VOUCH_URL": "http://app.example/vouch", "VOUCH_SECRET": vouchSecret},
			Problem{"VOUCH_URL", "must start with https:// (http:// only for localhost)"}},
		{map[string]string{"VOUCH_URL": "//app.example/vouch", "VOUCH_SECRET": vouchSecret},
			Problem{"VOUCH_URL", "must start with https:// (http:// only for localhost)"}},
		{map[string]string{"VOUCH_URL": "app.example/vouch", "VOUCH_SECRET": vouchSecret}, Problem{"VOUCH_URL", "is not a complete URL"}},
		{map[string]string{"VOUCH_URL": vouch + "#x", "VOUCH_SECRET": vouchSecret}, Problem{"VOUCH_URL", "must not have a fragment"}},
		{map[string]string{"JWT_ISSUER": issuer}, Problem{"JWT_AUDIENCE", "is missing"}},
		{map[string]string{"JWT_ISSUER": "my-issuer", "JWT_AUDIENCE": "x"},
			Problem{"JWT_JWKS_URL", "is missing: JWT_ISSUER is no URL that it could be made of"}},
		{map[string]string{"JWT_ISSUER": "http://id.example", "JWT_AUDIENCE": "x"},
			Problem{"JWT_JWKS_URL", "must start with https:// (http:// only for localhost)"}},
		{map[string]string{"JWT_ISSUER": issuer, "JWT_AUDIENCE": "x", "JWT_JWKS_URL": "http://10.0.0.1/keys"},
			Problem{"JWT_JWKS_URL", "must start with https:// (http:// only for localhost)"}},
		{map[string]string{"JWT_ISSUER": issuer, "JWT_AUDIENCE": "x", "JWT_COOKIE": "a=b"},
			Problem{"JWT_COOKIE", "has a character that does not belong there"}},
	} {
		config, problems := load(c.set)
		if diff := cmp.Diff(Problems{c.want}, problems); diff != "" || config.SupabaseUsers {
			t.Errorf("%v: Supabase's users %v (-want +got):\n%s", c.set, config.SupabaseUsers, diff)
		}
		if problems.Among(Connect) == nil || problems.Among(slices.Concat(Deliveries, Handshake)) != nil || strings.Contains(problems.Error(), vouchSecret[1:]) {
			t.Errorf("%v concerns Connect and not the webhook, and shows no secret: %v", c.set, problems)
		}
	}
}
