// Package appsim plays the founder's app for tests and the dev server: a small web app with
// sessions of its own that connects its users through igconnect ([App]), and the provider that
// signs such an app's users in and issues their JWTs ([Provider], in the [Styles] of the providers
// that docs/users.md names). It is written from their documentation and shares no code with what
// it tests; signatures are made with crypto/* alone.
//
// With tickets, signed for the browser at /instagram/vouch:
//
//	app := &appsim.App{Igconnect: origin, Secret: secret, People: appsim.Demo()}
//	server := httptest.NewServer(app)        // or app.Prefix = "/dev/app" on a server of one's own
//	settings := app.Settings(server.URL)     // VOUCH_URL, VOUCH_SECRET
//
// With JWTs, checked against the provider's key set:
//
//	provider := &appsim.Provider{Style: appsim.Firebase}
//	provider.URL = httptest.NewServer(provider).URL
//	settings := provider.Settings()          // JWT_ISSUER, JWT_AUDIENCE, ...
//	token := provider.Token("a user's id")   // or App.Provider = provider, and its page posts it
//
// Fields are set before the first request. All methods may be called from any goroutine.
package appsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Claims are what a token says, or changes to that, where nil leaves a claim out. Headers and keys
// are made of them too.
type Claims map[string]any

// with returns the claims with the changes applied.
func (c Claims) with(changes ...Claims) Claims {
	c = maps.Clone(c)
	for _, change := range changes {
		maps.Copy(c, change)
	}
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	return c
}

// compact is a signed token in the compact serialization of RFC 7515.
func compact(header, claims Claims, sign func(input []byte) []byte) string {
	input := encode(mustJSON(header)) + "." + encode(mustJSON(claims))
	return input + "." + encode(sign([]byte(input)))
}

var encode = base64.RawURLEncoding.EncodeToString

func mustJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("appsim: %v", err)) // a claim that a test made up
	}
	return text
}

// signer returns how a key signs (RFC 7518, section 3; RFC 8037).
func signer(key crypto.Signer) func(input []byte) []byte {
	return func(input []byte) []byte {
		digest := sha256.Sum256(input)
		switch key := key.(type) {
		case ed25519.PrivateKey:
			return ed25519.Sign(key, input)
		case *ecdsa.PrivateKey:
			r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
			must(err)
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		case *rsa.PrivateKey:
			signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
			must(err)
			return signature
		}
		panic(fmt.Sprintf("appsim: no algorithm for %T", key))
	}
}

// must stops at an error of crypto/*, which has none for keys that were just made.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// clock returns now, or the real clock where a field was left nil.
func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}
