package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// key is one published key that can verify.
type key struct {
	id        string // kid; "": it has none
	algorithm string // the only one that it is for, as golang-jwt calls it
	public    any
}

// maxKeys bounds the keys of a set: the first ones count.
const maxKeys = 20

// readKeys reads a JWK set (RFC 7517). Keys of other kinds and broken ones are left out;
// if none is left the error wraps [ErrNoKey], and for what is no set [ErrUnavailable].
func readKeys(body []byte) (keys []key, err error) {
	set, err := readObject(body)
	var published []json.RawMessage
	if err != nil || json.Unmarshal(set["keys"], &published) != nil || published == nil {
		return nil, fmt.Errorf("%w: the answer is no key set", ErrUnavailable)
	}
	for _, one := range published[:min(len(published), maxKeys)] {
		if k, ok := readKey(one); ok {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w among the first %d", ErrNoKey, maxKeys)
	}
	return keys, nil
}

// readKey reads a JWK, and reports whether it can verify. The type of the key fixes its
// algorithm, with which alg, use and key_ops must agree where they are there.
func readKey(published json.RawMessage) (k key, ok bool) {
	var jwk struct {
		ID        string   `json:"kid"`
		Type      string   `json:"kty"`
		Curve     string   `json:"crv"`
		X         string   `json:"x"`
		Y         string   `json:"y"`
		N         string   `json:"n"`
		E         string   `json:"e"`
		Use       *string  `json:"use"`
		Uses      []string `json:"key_ops"`
		Algorithm *string  `json:"alg"`
	}
	if json.Unmarshal(published, &jwk) != nil {
		return key{}, false
	}
	k.id = jwk.ID
	switch {
	case jwk.Use != nil && *jwk.Use != "sig", jwk.Uses != nil && !slices.Contains(jwk.Uses, "verify"):
		return key{}, false
	case jwk.Type == "EC" && jwk.Curve == "P-256":
		k.algorithm = jwt.SigningMethodES256.Alg()
		k.public, ok = p256(jwk.X, jwk.Y)
	case jwk.Type == "RSA":
		k.algorithm = jwt.SigningMethodRS256.Alg()
		k.public, ok = rsaKey(jwk.N, jwk.E)
	case jwk.Type == "OKP" && jwk.Curve == "Ed25519":
		x, err := decode(jwk.X)
		k.algorithm = jwt.SigningMethodEdDSA.Alg()
		k.public, ok = ed25519.PublicKey(x), err == nil && len(x) == ed25519.PublicKeySize
	}
	if jwk.Algorithm != nil {
		named := algorithms[*jwk.Algorithm]
		ok = ok && named != nil && named.Alg() == k.algorithm
	}
	return k, ok
}

// p256 makes a key of the coordinates of a point, which must lie on the curve.
func p256(x, y string) (*ecdsa.PublicKey, bool) {
	const size = 32 // of a coordinate, in full (RFC 7518, section 6.2.1.2)
	left, err := decode(x)
	right, err2 := decode(y)
	if errors.Join(err, err2) != nil || len(left) != size { // both together have their length from the curve
		return nil, false
	}
	const uncompressed = 4 // SEC 1, section 2.3.3
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{uncompressed}, left, right))
	return public, err == nil
}

// rsaKey makes a key of a modulus and an exponent. Keys below 2048 bits may not be used
// (RFC 7518, section 3.3); those above 8192 only take time.
func rsaKey(n, e string) (*rsa.PublicKey, bool) {
	modulus, err := decode(n)
	exponent, err2 := decode(e)
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus)}
	odd := new(big.Int).SetBytes(exponent)
	if errors.Join(err, err2) != nil || public.N.Bit(0) == 0 || public.N.BitLen() < 2048 || public.N.BitLen() > 8192 ||
		odd.Bit(0) == 0 || odd.Cmp(big.NewInt(3)) < 0 || odd.Cmp(big.NewInt(math.MaxInt32)) > 0 {
		return nil, false
	}
	public.E = int(odd.Int64())
	return public, true
}

// pick returns the keys of a kid and an algorithm, and reports whether the kid is known.
// Two keys may have one kid. Without a kid there must be no doubt which key is meant.
func pick(keys []key, kid, algorithm string) (found []any, known bool) {
	for _, k := range keys {
		if kid != "" && k.id != kid {
			continue
		}
		known = true
		if k.algorithm == algorithm {
			found = append(found, k.public)
		}
	}
	if kid == "" && len(found) > 1 {
		return nil, true
	}
	return found, known
}
