package appsim

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Style is how one provider signs, as its documentation says: header and claims of its tokens,
// the form of its key set, and what a founder sets for it. {URL} in a text is the provider's
// address.
type Style struct {
	Name      string
	Algorithm string        // RS256, ES256 or EdDSA
	Lifetime  time.Duration // of a token, by default
	Cookie    string        // the app's cookie that holds the JWT itself; "": none does

	issuer   string
	audience string // what JWT_AUDIENCE is
	keySet   string // path of the key set
	keys     int    // in use at one time; the first one signs

	header Claims // besides alg and kid
	claims func(p *Provider, sub string, now int64) Claims

	keyID       func() string
	jwk         Claims                  // changes to a JWK with kty, kid, alg, use and the key itself
	certificate func(der []byte) Claims // what the JWK shows of the key's certificate; nil: nothing
}

// Styles are all styles.
var Styles = []Style{Clerk, Auth0, Firebase, CognitoID, CognitoAccess, WorkOS, BetterAuth, Plain}

// Clerk issues session tokens of version 2. Their azp may be absent.
// https://clerk.com/docs/guides/sessions/session-tokens; the header's cat as in Clerk's SDK.
var Clerk = Style{
	Name: "Clerk", Algorithm: "RS256", Lifetime: time.Minute, Cookie: "__session",
	issuer: "{URL}", audience: "none", keySet: "/.well-known/jwks.json", keys: 1,
	header: Claims{"typ": "JWT", "cat": "cl_B7d4PD111AAA"},
	claims: func(p *Provider, _ string, now int64) Claims {
		claims := Claims{
			"nbf": now - 10, "sid": "sess_" + rand.Text(), "sts": "active", "fva": []int{0, -1},
			"jti": rand.Text(), "v": 2,
		}
		if p.Origin != "" {
			claims["azp"] = p.Origin
		}
		return claims
	},
	keyID: func() string { return "ins_" + rand.Text() },
}

// Auth0 issues access tokens for the app's API. With the scope openid they are for the user info
// endpoint as well, so aud is an array.
// https://auth0.com/docs/secure/tokens/access-tokens,
// https://auth0.com/docs/secure/tokens/json-web-tokens/json-web-key-set-properties
var Auth0 = Style{
	Name: "Auth0", Algorithm: "RS256", Lifetime: 24 * time.Hour,
	issuer: "{URL}/", audience: "https://api.example.com", keySet: "/.well-known/jwks.json", keys: 1,
	header: Claims{"typ": "JWT"},
	claims: func(p *Provider, _ string, _ int64) Claims {
		return Claims{
			"aud": []string{"https://api.example.com", p.URL + "/userinfo"},
			"azp": "my_client_id", "scope": "openid profile email", "permissions": []string{},
		}
	},
	keyID:       func() string { return randomURL(16) },
	certificate: withSHA1,
}

// Firebase issues ID tokens. All its projects share the keys, which lie elsewhere than the issuer.
// https://firebase.google.com/docs/auth/admin/verify-id-tokens
var Firebase = Style{
	Name: "Firebase", Algorithm: "RS256", Lifetime: time.Hour,
	issuer: "{URL}/my-project", audience: "my-project",
	keySet: "/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com", keys: 2,
	header: Claims{"typ": "JWT"},
	claims: func(_ *Provider, sub string, now int64) Claims {
		return Claims{
			"aud": "my-project", "auth_time": now, "user_id": sub, "name": "A person",
			"email": "person@example.com", "email_verified": true,
			"firebase": Claims{
				"identities": Claims{"email": []string{"person@example.com"}}, "sign_in_provider": "password",
			},
		}
	},
	keyID: func() string { return hex.EncodeToString(random(20)) },
}

// CognitoID issues the ID tokens of a user pool. ID and access tokens have a key each, both in
// one key set.
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
var CognitoID = Style{
	Name: "Cognito, ID token", Algorithm: "RS256", Lifetime: time.Hour,
	issuer: "{URL}/us-east-1_Example", audience: cognitoClient,
	keySet: "/us-east-1_Example/.well-known/jwks.json", keys: 2,
	claims: func(_ *Provider, sub string, now int64) Claims {
		return cognito(now).with(Claims{
			"aud": cognitoClient, "token_use": "id", "cognito:username": sub,
			"email": "person@example.com", "email_verified": true,
		})
	},
	keyID: cognitoKeyID,
}

// CognitoAccess issues the access tokens of a user pool: they have client_id in place of aud.
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
var CognitoAccess = Style{
	Name: "Cognito, access token", Algorithm: "RS256", Lifetime: time.Hour,
	issuer: "{URL}/us-east-1_Example", audience: cognitoClient,
	keySet: "/us-east-1_Example/.well-known/jwks.json", keys: 2,
	claims: func(_ *Provider, sub string, now int64) Claims {
		return cognito(now).with(Claims{
			"client_id": cognitoClient, "token_use": "access", "username": sub,
			"scope": "aws.cognito.signin.user.admin", "version": 2,
		})
	},
	keyID: cognitoKeyID,
}

const cognitoClient = "1example23456789"

// cognito are the claims that both tokens have.
func cognito(now int64) Claims {
	return Claims{
		"auth_time": now, "jti": uuid.NewString(), "origin_jti": uuid.NewString(), "event_id": uuid.NewString(),
	}
}

func cognitoKeyID() string { return base64.StdEncoding.EncodeToString(random(32)) }

// WorkOS issues access tokens of AuthKit's sessions. Their iss has a second form, the bare
// address: founders copy it from a token.
// https://workos.com/docs/reference/authkit/session-tokens
var WorkOS = Style{
	Name: "WorkOS", Algorithm: "RS256", Lifetime: 5 * time.Minute,
	issuer: "{URL}/user_management/client_01EXAMPLE", audience: "none",
	keySet: "/sso/jwks/client_01EXAMPLE", keys: 1,
	claims: func(*Provider, string, int64) Claims {
		return Claims{
			"sid": "session_01" + rand.Text()[:24], "jti": "01" + rand.Text()[:24], "org_id": "org_01EXAMPLE",
			"role": "member", "roles": []string{"member"}, "permissions": []string{},
		}
	},
	keyID:       func() string { return "sso_oidc_key_pair_01" + rand.Text()[:24] },
	certificate: withSHA256,
}

// BetterAuth issues the tokens of Better Auth's plugin jwt(), which hold the user's row. The keys
// of its documentation carry neither alg nor use; those of newer versions carry alg.
// https://www.better-auth.com/docs/plugins/jwt
var BetterAuth = Style{
	Name: "Better Auth", Algorithm: "EdDSA", Lifetime: 15 * time.Minute,
	issuer: "{URL}", audience: "{URL}", keySet: "/api/auth/jwks", keys: 1,
	claims: func(p *Provider, sub string, now int64) Claims {
		at := time.Unix(now, 0).UTC().Format(time.RFC3339)
		return Claims{
			"aud": p.URL, "id": sub, "name": "A person", "email": "person@example.com",
			"emailVerified": true, "createdAt": at, "updatedAt": at,
		}
	},
	keyID: uuid.NewString,
	jwk:   Claims{"alg": nil, "use": nil},
}

// Plain is an issuer of the app's own: ES256, and the claims of RFC 7519 alone.
var Plain = Style{
	Name: "Plain ES256", Algorithm: "ES256", Lifetime: 10 * time.Minute,
	issuer: "{URL}", audience: "instagram", keySet: "/.well-known/jwks.json", keys: 1,
	header: Claims{"typ": "JWT"},
	claims: func(*Provider, string, int64) Claims { return Claims{"aud": "instagram"} },
	keyID:  func() string { return strings.ToLower(rand.Text()) },
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

func randomURL(n int) string { return encode(random(n)) }
