package main

import (
	"net/http/httptest"
	"strings"
	"testing"
)

const ownSecret = "a-secret-of-the-founder-of-32-bytes-or-more"

// TestUsers shows what the flag -users and .env make of each other: what the functions are told of
// the app's users, and what the app is told.
func TestUsers(t *testing.T) {
	t.Parallel()
	const (
		simulated = "http://localhost:3000/dev/app/instagram/vouch"
		real      = "http://localhost:4000/instagram/vouch"
		issuer    = "http://localhost:3000/dev/issuer"
		proxying  = "http://localhost:4000/api/auth/callback"
	)
	for name, tt := range map[string]struct {
		users string
		env   env
		want  env    // of what matters to the test
		block string // a part of what the app is told
	}{
		"nothing": {
			"", env{}, env{"VOUCH_URL": "", "VOUCH_SECRET": "", "JWT_ISSUER": ""}, "PUBLISHABLE_KEY=the-publishable-key\n",
		},
		"Supabase Auth": {
			"supabase", env{}, env{"VOUCH_URL": "", "JWT_ISSUER": ""}, "PUBLISHABLE_KEY=the-publishable-key\n",
		},
		"tickets": {
			"vouch", env{}, env{"VOUCH_URL": simulated, "SIGN_IN_URL": "", "ALLOWED_ORIGINS": ""},
			"# The key of tickets. Their aud is http://localhost:3000:\nVOUCH_SECRET=",
		},
		"tickets, with a secret of .env": {
			"vouch", env{"VOUCH_SECRET": ownSecret}, env{"VOUCH_URL": simulated, "VOUCH_SECRET": ownSecret},
			"VOUCH_SECRET=" + ownSecret + "\n",
		},
		"tickets of the app in .env": {
			"", env{"VOUCH_URL": real}, env{"VOUCH_URL": real, "SIGN_IN_URL": ""}, "VOUCH_SECRET=",
		},
		"said twice": {"vouch", env{"VOUCH_URL": real}, env{"VOUCH_URL": real}, "VOUCH_SECRET="},
		"tickets for a proxying app": {
			"vouch", env{"REDIRECT_URI": proxying}, env{"VOUCH_URL": simulated, "ALLOWED_ORIGINS": "http://localhost:3000"},
			"Their aud is http://localhost:4000:\n",
		},
		"tickets on another host": {
			"vouch", env{"REDIRECT_URI": "https://dev.example.com/api/auth/callback"},
			env{"VOUCH_URL": "https://dev.example.com/dev/app/instagram/vouch", "ALLOWED_ORIGINS": ""},
			"Their aud is https://dev.example.com:\n",
		},
		"JWTs": {"jwt", env{"JWT_JWKS_URL": "https://elsewhere.example/jwks"}, env{
			"JWT_ISSUER": issuer, "JWT_AUDIENCE": "instagram", "JWT_JWKS_URL": "", "JWT_COOKIE": "app_jwt",
			"VOUCH_URL": "", "VOUCH_SECRET": "", "SIGN_IN_URL": "http://localhost:3000/dev/app/sign-in",
		}, "SUPABASE_SECRET_KEY=the-secret-key\nIGCONNECT_URL=http://localhost:3000\nWEBHOOK"},
		"JWTs for a proxying app": {
			"jwt", env{"REDIRECT_URI": proxying, "ALLOWED_ORIGINS": "http://localhost:5000"},
			env{"JWT_ISSUER": issuer, "ALLOWED_ORIGINS": "http://localhost:5000,http://localhost:3000"}, "",
		},
		"JWTs of the app in .env": {
			"", env{"JWT_ISSUER": "https://a.example/", "JWT_AUDIENCE": "a"},
			env{"JWT_ISSUER": "https://a.example/", "JWT_AUDIENCE": "a", "JWT_COOKIE": "", "SIGN_IN_URL": ""}, "IGCONNECT_URL=",
		},
		"both of .env": {
			"jwt", env{"JWT_ISSUER": "https://a.example/", "VOUCH_URL": real, "VOUCH_SECRET": ownSecret},
			env{"JWT_ISSUER": "https://a.example/", "VOUCH_URL": real, "VOUCH_SECRET": ownSecret}, "VOUCH_SECRET=",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := usual(t, tt.env)
			o.users = tt.users
			if err := o.check(); err != nil {
				t.Fatal(err)
			}
			at, err := o.urls()
			if err != nil {
				t.Fatal(err)
			}
			got := o.settings(at, appKeys)
			for name, want := range tt.want {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
			if (got["VOUCH_URL"] != "") != (len(got["VOUCH_SECRET"]) >= 32) {
				t.Errorf("the secret of tickets has %d bytes", len(got["VOUCH_SECRET"]))
			}
			block := got.forApp(at)
			if !strings.Contains(block, tt.block) || strings.Contains(block, "PUBLISHABLE_KEY") != got.supabaseUsers() {
				t.Errorf("the app is told no %q:\n%s", tt.block, block)
			}
			for _, line := range o.overridden(got) {
				if want := "JWT_JWKS_URL in .env has no effect here."; line != want || tt.env["JWT_JWKS_URL"] == "" {
					t.Errorf("it says %q", line)
				}
			}
		})
	}
}

func TestUsersRefused(t *testing.T) {
	t.Parallel()
	vouching, issuing := env{"VOUCH_URL": "/vouch"}, env{"JWT_ISSUER": "https://a.example/"}
	for _, tt := range []struct {
		users string
		env   env
		want  string
	}{
		{"clerk", env{}, `-users is one of supabase, jwt, vouch, and not "clerk"`},
		{"jwt", vouching, "-users jwt does not fit .env, which names your app's own way (-users vouch): leave -users out"},
		{"supabase", issuing, "-users supabase does not fit .env, which names your app's own way (-users jwt)"},
	} {
		o := usual(t, tt.env)
		o.users = tt.users
		_, startErr := start(t.Context(), o)
		for _, err := range []error{startErr, o.printEnv(t.Output())} {
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("-users %s: %v", tt.users, err)
			}
		}
	}
}

// TestUsersOfRealApp shows what /dev/ tells of an app that .env names, and that it offers nothing
// that has no effect there.
func TestUsersOfRealApp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  env
		want string
	}{
		{env{"VOUCH_URL": "https://a.example/vouch"}, "Then it asks your app, at <code>https://a.example/vouch</code>."},
		{env{"JWT_ISSUER": "https://a.example", "JWT_COOKIE": "__session"}, "The session is your app's JWT, in the cookie __session."},
		{env{"JWT_ISSUER": "https://a.example"}, "No cookie says who you are (JWT_COOKIE is not set)"},
	} {
		tt.env["SUPABASE_URL"] = "http://127.0.0.1:1" // nobody listens
		pages := (&system{origin: "http://localhost:3000", env: tt.env}).pages()
		rec := httptest.NewRecorder()
		pages.ServeHTTP(rec, httptest.NewRequest("GET", "/dev/", nil))
		body := rec.Body.String()
		offers := strings.Contains(body, "/dev/app") || strings.Contains(body, "/dev/sign-")
		if !strings.Contains(body, tt.want) || offers {
			t.Errorf("%v: %d, no %q:\n%s", tt.env, rec.Code, tt.want, body)
		}
		for _, path := range []string{"/dev/sign-in", "/dev/app/", "/dev/issuer/.well-known/jwks.json"} {
			rec := httptest.NewRecorder()
			if pages.ServeHTTP(rec, httptest.NewRequest("GET", path, nil)); rec.Code != 404 {
				t.Errorf("%v: %s answers %d", tt.env, path, rec.Code)
			}
		}
	}
}
