package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"igconnect/lib/identity"
)

// keySet judges what JWT_JWKS_URL leads to, and looks for the token's key in it.
func (d *doctor) keySet(ctx context.Context, u *userToken, keys *identity.KeySet, t token) check {
	const name = "JWT_JWKS_URL"
	err := keys.Load(ctx)
	got := d.ask(ctx, http.MethodGet, u.settings.JWKSURL, "", map[string]string{"Accept": "application/json"})
	switch {
	case errors.Is(err, identity.ErrNoKey):
		return wrong(name, "Of the keys there none can be used: "+listed(got, "kty", "crv", "use")+".",
			"Let the issuer sign with RS256 (2048 bits or more), ES256 or EdDSA, or use VOUCH_URL (docs/users.md).")
	case err != nil && got.err != nil:
		return wrong(name, "Nothing answers there: "+reason(got.err)+".", d.keysAt(ctx, u.settings.JWTIssuer))
	case err != nil && got.status != http.StatusOK:
		return wrong(name, fmt.Sprintf("It answers %d.", got.status), d.keysAt(ctx, u.settings.JWTIssuer))
	case err != nil:
		return wrong(name, "It answers no key set.", d.keysAt(ctx, u.settings.JWTIssuer))
	}
	kid, named := t.header["kid"].(string)
	if named && !slices.ContainsFunc(published(got), func(key map[string]any) bool { return key["kid"] == kid }) {
		return wrong(name, fmt.Sprintf("The token's key %q is not there, but %s.", kid, listed(got, "kid")),
			"Is the token new, and of this issuer? Then set JWT_JWKS_URL to the issuer's key set.")
	}
	return passed(name)
}

// published are the keys in an answer.
func published(got answer) []map[string]any {
	var set struct{ Keys []map[string]any }
	_ = json.Unmarshal(got.body, &set) // lib/identity has read it already
	return set.Keys
}

// listed names the keys in an answer by some of their members, which are public.
func listed(got answer, members ...string) string {
	var keys []string
	for _, key := range published(got) {
		keys = append(keys, describe(key, members...))
	}
	return strings.Join(keys, "; ")
}

// keysAt says what to do where JWT_JWKS_URL leads to no keys: the issuer may say where they are.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
func (d *doctor) keysAt(ctx context.Context, issuer string) string {
	const path = "/.well-known/openid-configuration"
	var configuration struct {
		Keys string `json:"jwks_uri"`
	}
	got := d.ask(ctx, http.MethodGet, strings.TrimSuffix(issuer, "/")+path, "", nil)
	if got.status == http.StatusOK && json.Unmarshal(got.body, &configuration) == nil && configuration.Keys != "" {
		return "Set JWT_JWKS_URL to " + configuration.Keys + ": the issuer says that its keys are there."
	}
	return "Set JWT_JWKS_URL to the issuer's key set: its documentation, or jwks_uri in its " + path + ", says where that is."
}
