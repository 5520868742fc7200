package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func bytesOf(n ...byte) string { return base64.RawURLEncoding.EncodeToString(n) }

// modulus is an odd number of that many bits.
func modulus(bits uint) string {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return base64.RawURLEncoding.EncodeToString(n.SetBit(n, 0, 1).Bytes())
}

// TestKeys: which published keys can be used.
func TestKeys(t *testing.T) {
	t.Parallel()
	keys := private()
	ec, rsaKey, ed := ecJWK("k", &keys.ec.PublicKey), rsaJWK("k", &keys.rsa.PublicKey), edJWK("k", keys.ed)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	half := func(name string) string { return ec[name].(string) }
	for _, c := range []struct {
		name string
		jwk  any
		want string // the algorithm; "": it is left out
	}{
		{"EC", ec, "ES256"},
		{"RSA", rsaKey, "RS256"},
		{"OKP", ed, "EdDSA"},
		{"alg", ec.with(members{"alg": "ES256"}), "ES256"},
		{"alg of RSA", rsaKey.with(members{"alg": "RS256"}), "RS256"},
		{"alg of OKP", ed.with(members{"alg": "EdDSA"}), "EdDSA"},
		{"alg of OKP, its new name", ed.with(members{"alg": "Ed25519"}), "EdDSA"},
		{"alg of a broken key", ec.with(members{"alg": "ES256", "y": nil}), ""},
		{"another alg", ec.with(members{"alg": "RS256"}), ""},
		{"another alg of the same key", rsaKey.with(members{"alg": "RS512"}), ""},
		{"alg of PSS", rsaKey.with(members{"alg": "PS256"}), ""},
		{"alg of encryption", rsaKey.with(members{"alg": "RSA-OAEP-256"}), ""},
		{"alg of agreement", ec.with(members{"alg": "ECDH-ES"}), ""},
		{"alg none", ec.with(members{"alg": "none"}), ""},
		{"alg empty", ec.with(members{"alg": ""}), ""},
		{"alg a number", ec.with(members{"alg": 7}), ""},
		{"use sig", ec.with(members{"use": "sig"}), "ES256"},
		{"use enc", ec.with(members{"use": "enc"}), ""},
		{"use empty", ec.with(members{"use": ""}), ""},
		{"key_ops", ec.with(members{"key_ops": []string{"sign", "verify"}}), "ES256"},
		{"key_ops of signing alone", ec.with(members{"key_ops": []string{"sign"}}), ""},
		{"key_ops of nothing", ec.with(members{"key_ops": []string{}}), ""},
		{"no kid", ec.with(members{"kid": nil}), "ES256"},
		{"kid a number", ec.with(members{"kid": 7}), ""},
		{"members of no concern", rsaKey.with(members{"x5c": []string{"MII"}, "x5t": "x", "iat": 1}), "RS256"},
		{"oct", members{"kty": "oct", "kid": "k", "k": "c2VjcmV0", "alg": "HS256"}, ""},
		{"no type", ec.with(members{"kty": nil}), ""},
		{"type in small letters", ec.with(members{"kty": "ec"}), ""},
		{"type of another", ec.with(members{"kty": "RSA"}), ""},
		{"P-384", ecJWK("k", &p384.PublicKey), ""},
		{"P-384 that says P-256", ecJWK("k", &p384.PublicKey).with(members{"crv": "P-256"}), ""},
		{"secp256k1", ec.with(members{"crv": "secp256k1"}), ""},
		{"no curve", ec.with(members{"crv": nil}), ""},
		{"no y", ec.with(members{"y": nil}), ""},
		{"off the curve", ec.with(members{"x": half("y"), "y": half("x")}), ""},
		{"at infinity", ec.with(members{"x": bytesOf(make([]byte, 32)...), "y": bytesOf(make([]byte, 32)...)}), ""},
		{"a longer coordinate", ec.with(members{"x": bytesOf(append([]byte{0}, mustDecode(half("x"))...)...)}), ""},
		{"a shorter coordinate", ec.with(members{"x": bytesOf(mustDecode(half("x"))[1:]...)}), ""},
		{"coordinates of 31 and 33 bytes", ec.with(members{
			"x": bytesOf(mustDecode(half("x"))[:31]...), "y": bytesOf(append(mustDecode(half("x"))[31:], mustDecode(half("y"))...)...),
		}), ""},
		{"padding", ec.with(members{"x": half("x") + "="}), ""},
		{"RSA of 2048 bits", rsaKey.with(members{"n": modulus(2048)}), "RS256"},
		{"RSA of 2047 bits", rsaKey.with(members{"n": modulus(2047)}), ""},
		{"RSA of 2047 bits and a zero", rsaKey.with(members{"n": bytesOf(append([]byte{0}, mustDecode(modulus(2047))...)...)}), ""},
		{"RSA of 1024 bits", rsaKey.with(members{"n": modulus(1024)}), ""},
		{"RSA of 8192 bits", rsaKey.with(members{"n": modulus(8192)}), "RS256"},
		{"RSA of 8193 bits", rsaKey.with(members{"n": modulus(8193)}), ""},
		{"an even modulus", rsaKey.with(members{"n": bytesOf(append([]byte{0x80}, make([]byte, 255)...)...)}), ""},
		{"no modulus", rsaKey.with(members{"n": nil}), ""},
		{"a modulus that is a number", rsaKey.with(members{"n": 7}), ""},
		{"a modulus in base64", rsaKey.with(members{"n": strings.Repeat("/", 342)}), ""},
		{"exponent 3", rsaKey.with(members{"e": bytesOf(3)}), "RS256"},
		{"exponent 1", rsaKey.with(members{"e": bytesOf(1)}), ""},
		{"exponent 0", rsaKey.with(members{"e": bytesOf(0)}), ""},
		{"exponent 4", rsaKey.with(members{"e": bytesOf(4)}), ""},
		{"exponent 2^31-1", rsaKey.with(members{"e": bytesOf(0x7f, 0xff, 0xff, 0xff)}), "RS256"},
		{"exponent 2^31+1", rsaKey.with(members{"e": bytesOf(0x80, 0, 0, 1)}), ""},
		{"exponent 2^64+1", rsaKey.with(members{"e": bytesOf(1, 0, 0, 0, 0, 0, 0, 0, 1)}), ""},
		{"no exponent", rsaKey.with(members{"e": nil}), ""},
		{"Ed448", ed.with(members{"crv": "Ed448"}), ""},
		{"X25519", ed.with(members{"crv": "X25519"}), ""},
		{"a short Ed25519", ed.with(members{"x": bytesOf(make([]byte, 31)...)}), ""},
		{"a long Ed25519", ed.with(members{"x": bytesOf(make([]byte, 33)...)}), ""},
		{"no x", ed.with(members{"x": nil}), ""},
		{"null", nil, ""},
		{"a list", []any{ec}, ""},
		{"a text", "EC", ""},
	} {
		text, err := json.Marshal(c.jwk)
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := readKey(text); ok != (c.want != "") || ok && k.algorithm != c.want {
			t.Errorf("%s: %v of %q, want %q", c.name, ok, k.algorithm, c.want)
		}
	}
}

func mustDecode(text string) []byte {
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return data
}

// TestReadKeys: what is a key set, and which of its keys count.
func TestReadKeys(t *testing.T) {
	t.Parallel()
	keys := private()
	good, odd := ecJWK("good", &keys.ec.PublicKey), members{"kty": "oct", "kid": "odd"}
	many := func(n int) (all []any) {
		for range n {
			all = append(all, odd)
		}
		return append(all, good)
	}
	short := &rsa.PublicKey{N: new(big.Int).SetBytes(mustDecode(modulus(1024))), E: 65537}
	for name, c := range map[string]struct {
		body string
		n    int
		err  error
	}{
		"one":                   {published(good), 1, nil},
		"all kinds":             {allKeys(), 3, nil},
		"among odd ones":        {published(nil, 7, "x", []int{1}, odd, good, members{}), 1, nil},
		"two of one kid":        {published(good, ecJWK("good", &keys.otherEC.PublicKey)), 2, nil},
		"the twentieth":         {published(many(19)...), 1, nil},
		"the twenty-first":      {published(many(20)...), 0, ErrNoKey},
		"members beside":        {`{"issuer":"x","keys":` + strings.TrimPrefix(published(good), `{"keys":`), 1, nil},
		"spaces around":         {" \n" + published(good) + "\n", 1, nil},
		"an empty list":         {`{"keys":[]}`, 0, ErrNoKey},
		"odd ones alone":        {published(odd, rsaJWK("short", short)), 0, ErrNoKey},
		"keys null":             {`{"keys":null}`, 0, ErrUnavailable},
		"keys an object":        {`{"keys":{}}`, 0, ErrUnavailable},
		"keys a text":           {`{"keys":"x"}`, 0, ErrUnavailable},
		"Keys":                  {strings.Replace(published(good), "keys", "Keys", 1), 0, ErrUnavailable},
		"keys twice":            {`{"keys":[],` + strings.TrimPrefix(published(good), "{"), 0, ErrUnavailable},
		"x509, as Firebase has": {`{"3f2a":"-----BEGIN CERTIFICATE-----"}`, 0, ErrUnavailable},
		"a discovery document":  {`{"issuer":"x","jwks_uri":"https://id.example.com/jwks"}`, 0, ErrUnavailable},
		"a key alone":           {strings.TrimSuffix(strings.TrimPrefix(published(good), `{"keys":[`), `]}`), 0, ErrUnavailable},
		"a list":                {`[` + published(good) + `]`, 0, ErrUnavailable},
		"null":                  {`null`, 0, ErrUnavailable},
		"HTML":                  {`<!doctype html><title>x</title>`, 0, ErrUnavailable},
		"nothing":               {``, 0, ErrUnavailable},
		"cut":                   {strings.TrimSuffix(published(good), "}"), 0, ErrUnavailable},
		"JSON and more":         {published(good) + "x", 0, ErrUnavailable},
	} {
		if got, err := readKeys([]byte(c.body)); len(got) != c.n || !errors.Is(err, c.err) {
			t.Errorf("%s: %d keys, %v, want %d, %v", name, len(got), err, c.n, c.err)
		}
	}
}

// TestPick: which of the keys a token means.
func TestPick(t *testing.T) {
	t.Parallel()
	keys := []key{{"a", "ES256", 0}, {"b", "ES256", 1}, {"b", "ES256", 2}, {"b", "RS256", 3}, {"", "EdDSA", 4}}
	for _, c := range []struct {
		kid, algorithm string
		found          []any
		known          bool
	}{
		{"a", "ES256", []any{0}, true},
		{"a", "RS256", nil, true},
		{"b", "ES256", []any{1, 2}, true},
		{"b", "RS256", []any{3}, true},
		{"c", "ES256", nil, false},
		{"A", "ES256", nil, false},
		{"", "ES256", nil, true},
		{"", "RS256", []any{3}, true},
		{"", "EdDSA", []any{4}, true},
	} {
		found, known := pick(keys, c.kid, c.algorithm)
		if len(found) != len(c.found) || known != c.known || len(found) > 0 && found[0] != c.found[0] {
			t.Errorf("%q, %s: %v, %v", c.kid, c.algorithm, found, known)
		}
	}
}
