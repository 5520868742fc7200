package appsim

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)

func atStart() time.Time { return start }

// newProvider serves a provider, below a path where one is given, until the test ends.
func newProvider(t *testing.T, style Style, path string) *Provider {
	t.Helper()
	p := &Provider{Style: style, Origin: "https://app.example.com", Now: atStart}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL + path
	return p
}

// TestStyles shows for each provider what it issues and serves, and that its settings lead there.
func TestStyles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		style    Style
		settings map[string]string // URL stands for the provider's address
		header   string            // names of its members
		claims   string            // names besides iss, sub, iat, exp
		audience string            // as fmt prints it
		keys     int
		jwk      string // names of its members
		lifetime time.Duration
	}{{
		style:    Clerk,
		settings: map[string]string{"JWT_ISSUER": "URL", "JWT_AUDIENCE": "none", "JWT_COOKIE": "__session"},
		header:   "alg cat kid typ", claims: "azp fva jti nbf sid sts v", audience: "<nil>",
		keys: 1, jwk: "alg e kid kty n use", lifetime: 60 * time.Second,
	}, {
		style:    Auth0,
		settings: map[string]string{"JWT_ISSUER": "URL/", "JWT_AUDIENCE": "https://api.example.com"},
		header:   "alg kid typ", claims: "aud azp permissions scope", audience: "[https://api.example.com URL/userinfo]",
		keys: 1, jwk: "alg e kid kty n use x5c x5t", lifetime: 24 * time.Hour,
	}, {
		style: Firebase,
		settings: map[string]string{
			"JWT_ISSUER": "URL/my-project", "JWT_AUDIENCE": "my-project",
			"JWT_JWKS_URL": "URL/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
		},
		header: "alg kid typ", claims: "aud auth_time email email_verified firebase name user_id", audience: "my-project",
		keys: 2, jwk: "alg e kid kty n use", lifetime: time.Hour,
	}, {
		style:    CognitoID,
		settings: map[string]string{"JWT_ISSUER": "URL/us-east-1_Example", "JWT_AUDIENCE": "1example23456789"},
		header:   "alg kid",
		claims:   "aud auth_time cognito:username email email_verified event_id jti origin_jti token_use", audience: "1example23456789",
		keys: 2, jwk: "alg e kid kty n use", lifetime: time.Hour,
	}, {
		style:    CognitoAccess,
		settings: map[string]string{"JWT_ISSUER": "URL/us-east-1_Example", "JWT_AUDIENCE": "1example23456789"},
		header:   "alg kid",
		claims:   "auth_time client_id event_id jti origin_jti scope token_use username version", audience: "<nil>",
		keys: 2, jwk: "alg e kid kty n use", lifetime: time.Hour,
	}, {
		style: WorkOS,
		settings: map[string]string{
			"JWT_ISSUER": "URL/user_management/client_01EXAMPLE", "JWT_AUDIENCE": "none",
			"JWT_JWKS_URL": "URL/sso/jwks/client_01EXAMPLE",
		},
		header: "alg kid", claims: "jti org_id permissions role roles sid", audience: "<nil>",
		keys: 1, jwk: "alg e kid kty n use x5c x5t#S256", lifetime: 300 * time.Second,
	}, {
		style:    BetterAuth,
		settings: map[string]string{"JWT_ISSUER": "URL", "JWT_AUDIENCE": "URL", "JWT_JWKS_URL": "URL/api/auth/jwks"},
		header:   "alg kid", claims: "aud createdAt email emailVerified id name updatedAt", audience: "URL",
		keys: 1, jwk: "crv kid kty x", lifetime: 15 * time.Minute,
	}, {
		style:    Plain,
		settings: map[string]string{"JWT_ISSUER": "URL", "JWT_AUDIENCE": "instagram"},
		header:   "alg kid typ", claims: "aud", audience: "instagram",
		keys: 1, jwk: "alg crv kid kty use x y", lifetime: 10 * time.Minute,
	}}
	if len(tests) != len(Styles) {
		t.Errorf("%d of %d styles are tested", len(tests), len(Styles))
	}
	for i, test := range tests {
		t.Run(test.style.Name, func(t *testing.T) {
			t.Parallel()
			if Styles[i].Name != test.style.Name {
				t.Errorf("the list has %s here", Styles[i].Name)
			}
			for _, path := range []string{"", "/dev/provider"} {
				p := newProvider(t, test.style, path)
				url := func(text string) string { return strings.ReplaceAll(text, "URL", p.URL) }

				settings := map[string]string{}
				for name, value := range test.settings {
					settings[name] = url(value)
				}
				if diff := cmp.Diff(settings, p.Settings()); diff != "" {
					t.Errorf("the settings (-want +got):\n%s", diff)
				}

				keys := keySet(t, p.Settings())
				if len(keys) != test.keys {
					t.Errorf("%d keys, want %d", len(keys), test.keys)
				}
				for _, jwk := range keys {
					checkNames(t, "the key", jwk, test.jwk)
					checkCertificate(t, jwk)
				}

				token := p.Token("user|1")
				if !verify(t, token, keys) {
					t.Error("the signature is not one of the key set")
				}
				header, claims, _, _ := open(t, token)
				checkNames(t, "the header", header, test.header)
				checkNames(t, "the payload", claims, "iss sub iat exp "+test.claims)
				want := map[string]any{
					"iss": settings["JWT_ISSUER"], "sub": "user|1",
					"iat": float64(start.Unix()), "exp": float64(start.Add(test.lifetime).Unix()),
				}
				for name, value := range want {
					if claims[name] != value {
						t.Errorf("%s is %v, want %v", name, claims[name], value)
					}
				}
				if got := fmt.Sprint(claims["aud"]); got != url(test.audience) {
					t.Errorf("aud is %s, want %s", got, url(test.audience))
				}
			}
		})
	}
}

// checkNames compares the names of an object's members, whose order says nothing.
func checkNames[V any](t *testing.T, what string, object map[string]V, names string) {
	t.Helper()
	want := slices.Sorted(slices.Values(strings.Fields(names)))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(object))); diff != "" {
		t.Errorf("members of %s (-want +got):\n%s", what, diff)
	}
}

// checkCertificate checks that a certificate, where there is one, is of the key.
func checkCertificate(t *testing.T, jwk map[string]any) {
	t.Helper()
	chain, _ := jwk["x5c"].([]any)
	if chain == nil {
		return
	}
	der, err := base64.StdEncoding.DecodeString(chain[0].(string))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if !certificate.PublicKey.(*rsa.PublicKey).Equal(publicKey(t, jwk)) {
		t.Error("the certificate is of another key")
	}
	old, newer := sha1.Sum(der), sha256.Sum256(der)
	for name, want := range map[string][]byte{"x5t": old[:], "x5t#S256": newer[:]} {
		if got, there := jwk[name]; there && string(decode(t, got)) != string(want) {
			t.Errorf("%s is not the certificate's", name)
		}
	}
}

// TestRotate shows that tokens of the former key stay good until the next rotation.
func TestRotate(t *testing.T) {
	t.Parallel()
	for _, style := range Styles {
		t.Run(style.Name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, style, "")
			p.Rotate()
			first := p.Token("ada")
			known := keySet(t, p.Settings())
			p.Rotate()
			second := p.Token("ada")
			if verify(t, second, known) {
				t.Error("a key set from before knows the new key")
			}
			now := keySet(t, p.Settings())
			if !verify(t, first, now) || !verify(t, second, now) {
				t.Error("the key set lacks one of both keys")
			}
			if now[0]["n"] == known[0]["n"] && now[0]["x"] == known[0]["x"] {
				t.Error("the new key is the former one under another id")
			}
			p.Rotate()
			if now := keySet(t, p.Settings()); verify(t, first, now) || !verify(t, second, now) {
				t.Error("after another rotation the first key is listed, or the second is not")
			}
			if got := p.Fetches(); got != 3 {
				t.Errorf("%d fetches, want 3", got)
			}
			if diff := cmp.Diff([]string{first, second}, p.Secrets()); diff != "" {
				t.Errorf("the tokens issued (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSignatureLength shows that r and s are padded: one in 256 begins with a zero byte.
func TestSignatureLength(t *testing.T) {
	t.Parallel()
	p := newProvider(t, Plain, "")
	for range 1000 {
		if _, _, _, signature := open(t, p.Token("ada")); len(signature) != 64 {
			t.Fatalf("a signature of %d bytes", len(signature))
		}
	}
}

func TestChangedClaims(t *testing.T) {
	t.Parallel()
	p := newProvider(t, Clerk, "")
	p.Origin = ""
	token := p.Token("ada", Claims{"sts": "pending", "exp": nil}, Claims{"aud": []string{"b"}, "sts": "active"})
	if !verify(t, token, keySet(t, p.Settings())) {
		t.Error("the signature is wrong")
	}
	_, claims, _, _ := open(t, token)
	checkNames(t, "the payload", claims, "aud fva iat iss jti nbf sid sts sub v")
	if claims["sts"] != "active" {
		t.Errorf("sts is %v, want the last change", claims["sts"])
	}
}

// TestOtherAddresses shows that a provider serves nothing but its key set.
func TestOtherAddresses(t *testing.T) {
	t.Parallel()
	p := newProvider(t, Auth0, "/dev/provider")
	for _, request := range []string{
		"GET /", "GET /dev/provider", "GET /.well-known/jwks.json", "POST /dev/provider/.well-known/jwks.json",
	} {
		method, path, _ := strings.Cut(request, " ")
		recorder := httptest.NewRecorder()
		p.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
		if recorder.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", request, recorder.Code)
		}
	}
	if p.Fetches() != 0 {
		t.Error("a fetch was counted")
	}
}
