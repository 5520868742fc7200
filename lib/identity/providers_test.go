package identity_test

import (
	"cmp"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"igconnect/internal/appsim"
	"igconnect/lib/identity"
	"igconnect/lib/secret"
)

// TestProviders tries the settings that docs/users.md names for each provider on a local issuer
// that signs as the provider's documentation says, before and after it changes its key.
func TestProviders(t *testing.T) {
	t.Parallel()
	const user, origin = "auth0|a/b", "https://app.example.com"
	for _, style := range appsim.Styles {
		t.Run(style.Name, func(t *testing.T) {
			t.Parallel()
			now := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
			clock := func() time.Time { return now }
			provider := &appsim.Provider{Style: style, Origin: origin, Now: clock}
			server := httptest.NewServer(provider)
			defer server.Close()
			provider.URL = server.URL
			settings := provider.Settings()
			standard := strings.TrimSuffix(settings["JWT_ISSUER"], "/") + "/.well-known/jwks.json"
			source := identity.JWT{
				Issuer: settings["JWT_ISSUER"], Audience: settings["JWT_AUDIENCE"], Cookie: settings["JWT_COOKIE"],
				Origins: []string{origin}, Now: clock,
				Keys: identity.NewKeySet(cmp.Or(settings["JWT_JWKS_URL"], standard), clock),
			}
			check := func(what, token, want string) {
				t.Helper()
				sent := secret.New(token)
				credentials := identity.Credentials{Form: &sent}
				if style.Cookie != "" {
					credentials = identity.Credentials{Cookies: []*http.Cookie{{Name: style.Cookie, Value: token}}}
				}
				got, err := source.CurrentUser(t.Context(), credentials)
				if got != want || (err == nil) != (want != "") || want == "" && !errors.Is(err, identity.ErrSignedOut) {
					t.Errorf("%s: %q, %v; want %q", what, got, err, want)
				}
			}
			check("a token", provider.Token(user), user)
			check("for somebody else's app", provider.Token(user, appsim.Claims{"aud": "other", "client_id": nil}), "")
			check("of another issuer", provider.Token(user, appsim.Claims{"iss": settings["JWT_ISSUER"] + "x"}), "")
			now = now.Add(time.Minute + time.Second) // an unknown key may be asked about again
			provider.Rotate()
			token := provider.Token(user)
			check("of a new key", token, user)
			now = now.Add(style.Lifetime + 11*time.Second)
			check("expired", token, "")
			if got := provider.Fetches(); got > 3 {
				t.Errorf("%d fetches of the key set", got)
			}
		})
	}
}
