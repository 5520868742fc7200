package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/lib/secret"
)

const (
	issuerURL = "https://id.example.com/"
	ours      = "https://connect.example.com"
)

// noon is the time of tests that need none of their own.
var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// after is a time in a token.
func after(d time.Duration) float64 { return float64(noon.Add(d).UnixMilli()) / 1000 }

// members are those of a JSON object.
type members map[string]any

// with returns the members with others changed; nil takes one away.
func (m members) with(others members) members {
	all := maps.Clone(m)
	for name, value := range others {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

// claim are the claims of a good session.
func claim(others members) members {
	return members{
		"iss": issuerURL, "aud": ours, "sub": "ada", "iat": after(-time.Second), "exp": after(time.Minute),
	}.with(others)
}

// part is a part of a token: of members, or of JSON text as it is.
func part(of any) string {
	if text, ok := of.(string); ok {
		return base64url([]byte(text))
	}
	text, err := json.Marshal(of)
	if err != nil {
		panic(err)
	}
	return base64url(text)
}

// compact makes a token of a header and claims, each members or a text, and a signature.
func compact(header, claims any, sign func(text string) []byte) string {
	text := part(header) + "." + part(claims)
	return text + "." + base64url(sign(text))
}

// Signatures as RFC 7518 describes them, made by the standard library alone.

func es256(private *ecdsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		hash := sha256.Sum256([]byte(text))
		r, s, err := ecdsa.Sign(rand.Reader, private, hash[:])
		if err != nil {
			panic(err)
		}
		size := (private.Params().BitSize + 7) / 8
		signature := make([]byte, 2*size)
		r.FillBytes(signature[:size])
		s.FillBytes(signature[size:])
		return signature
	}
}

func rs256(private *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		hash := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, hash[:])
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func eddsa(private ed25519.PrivateKey) func(string) []byte {
	return func(text string) []byte { return ed25519.Sign(private, []byte(text)) }
}

func hs256(key string) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

func unsigned(string) []byte { return nil }

// private are keys that all tests use: making them takes time.
var private = sync.OnceValue(func() (keys struct {
	ec, otherEC *ecdsa.PrivateKey
	rsa         *rsa.PrivateKey
	ed          ed25519.PrivateKey
}) {
	var errs [4]error
	keys.ec, errs[0] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	keys.otherEC, errs[1] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	keys.rsa, errs[2] = rsa.GenerateKey(rand.Reader, 2048)
	_, keys.ed, errs[3] = ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(errs[:]...); err != nil {
		panic(err)
	}
	return keys
})

func base64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func ecJWK(kid string, public *ecdsa.PublicKey) members {
	point, err := public.Bytes()
	if err != nil {
		panic(err)
	}
	half := len(point) / 2
	return members{
		"kty": "EC", "crv": public.Params().Name, "kid": kid,
		"x": base64url(point[1 : half+1]), "y": base64url(point[half+1:]),
	}
}

func rsaJWK(kid string, public *rsa.PublicKey) members {
	exponent := big.NewInt(int64(public.E))
	return members{"kty": "RSA", "kid": kid, "n": base64url(public.N.Bytes()), "e": base64url(exponent.Bytes())}
}

func edJWK(kid string, key ed25519.PrivateKey) members {
	public := key.Public().(ed25519.PublicKey)
	return members{"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": base64url(public)}
}

// published is a key set.
func published(keys ...any) string {
	text, err := json.Marshal(members{"keys": keys})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// allKeys publishes one key of each kind.
func allKeys() string {
	keys := private()
	return published(ecJWK("ec", &keys.ec.PublicKey), rsaJWK("rsa", &keys.rsa.PublicKey), edJWK("ed", keys.ed))
}

// issuer serves a key set that can change, and counts how often it was asked.
type issuer struct {
	*httptest.Server
	asked  atomic.Int32
	answer atomic.Pointer[http.HandlerFunc]
}

func newIssuer(t testing.TB, body string) *issuer {
	i := &issuer{}
	i.publish(body)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		(*i.answer.Load())(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(h http.HandlerFunc) { i.answer.Store(&h) }

func (i *issuer) publish(body string) {
	i.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
}

// expect fails unless the issuer was asked n times since the last look.
func (i *issuer) expect(t *testing.T, n int32, when string) {
	t.Helper()
	if got := i.asked.Swap(0); got != n {
		t.Errorf("%s: the keys were fetched %d times, want %d", when, got, n)
	}
}

// app trusts an issuer for our audience.
func (i *issuer) app(now func() time.Time) JWT {
	return JWT{
		Issuer: issuerURL, Audience: ours, Cookie: "session", Origins: []string{ours, "https://app.example.com"},
		Keys: NewKeySet(i.URL, now), Now: now,
	}
}

// bearer sends a token as a script does.
func bearer(token string) Credentials {
	sent := secret.New(token)
	return Credentials{Bearer: &sent}
}
