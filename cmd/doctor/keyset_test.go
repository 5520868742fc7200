package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"igconnect/internal/appsim"
)

// An issuer whose keys are not where they usually are often says where.
func TestKeySet(t *testing.T) {
	t.Parallel()
	p := &appsim.Provider{Style: appsim.Plain}
	provide(t, p)
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	keys, gone := answering(200, nil, `{"jwks_uri":"https://id.example.com/my/keys"}`), http.NotFound
	for _, c := range []struct {
		name                string
		keys, configuration http.HandlerFunc
		problem, fix        string
	}{
		{"a page", answering(200, nil, "<html>"), gone, "It answers no key set.", "Set JWT_JWKS_URL to the issuer's key set"},
		{"gone, and told where", gone, keys, "It answers 404.", "Set JWT_JWKS_URL to https://id.example.com/my/keys"},
		{"moved", answering(301, nil, ""), keys, "It answers 301.", "Set JWT_JWKS_URL to https://id.example.com/my/keys"},
		{"too large", answering(200, nil, `{"keys":[]`+strings.Repeat(" ", 70<<10)+`}`), gone, "no key set", "Set JWT_JWKS_URL"},
		{"none", answering(200, nil, `{"keys":[]}`), gone, "Of the keys there none can be used", "Let the issuer sign"},
		{"secrets", answering(200, nil, `{"keys":[{"kty":"oct","k":"c2VjcmV0LWs"},{"kty":"EC","crv":"P-384"}]}`), gone,
			`none can be used: kty "oct"; kty "EC", crv "P-384".`, "Let the issuer sign"},
		{"a hang-up", hangUp, gone, "Nothing answers there: ", "Set JWT_JWKS_URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/.well-known/jwks.json" {
					c.keys(w, r)
				} else {
					c.configuration(w, r)
				}
			}))
			t.Cleanup(issuer.Close)
			settings := map[string]string{"JWT_ISSUER": issuer.URL, "JWT_AUDIENCE": "instagram"}
			checks := judge(t, p.Token("user_ada", appsim.Claims{"iss": issuer.URL}), settings, nil)
			keys, verdict := checks[len(checks)-2], checks[len(checks)-1]
			if keys.Name != "JWT_JWKS_URL" || keys.State != isWrong || verdict.State != isUnchecked {
				t.Errorf("%v %v", keys, verdict)
			}
			if !strings.Contains(keys.Problem, c.problem) || !strings.Contains(keys.Fix, c.fix) || strings.Contains(keys.Problem, "c2Vj") {
				t.Error(keys)
			}
		})
	}
}
