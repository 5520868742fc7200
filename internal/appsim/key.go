package appsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// key is a provider's key: its private half, and its entry in the key set.
type key struct {
	id      string
	private crypto.Signer
	public  Claims // the JWK
}

// rsaKeys are all RSA keys of the process, because generating one takes long. Providers share
// them under ids of their own.
var rsaKeys = [...]func() *rsa.PrivateKey{sync.OnceValue(newRSA), sync.OnceValue(newRSA)}

func newRSA() *rsa.PrivateKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return private
}

// newKey makes the nth key of a provider.
func (s Style) newKey(n int) key {
	k := key{id: s.keyID()}
	jwk := Claims{"kid": k.id, "alg": s.Algorithm, "use": "sig"}
	switch s.Algorithm {
	case "RS256":
		private := rsaKeys[n%len(rsaKeys)]()
		k.private = private
		exponent := big.NewInt(int64(private.E)).Bytes()
		jwk = jwk.with(Claims{"kty": "RSA", "n": encode(private.N.Bytes()), "e": encode(exponent)})
	case "ES256":
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		point, err := private.PublicKey.Bytes() // 4, x, y
		must(err)
		k.private = private
		jwk = jwk.with(Claims{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])})
	case "EdDSA":
		public, private, err := ed25519.GenerateKey(rand.Reader)
		must(err)
		k.private = private
		jwk = jwk.with(Claims{"kty": "OKP", "crv": "Ed25519", "x": encode(public)})
	default:
		panic(fmt.Sprintf("appsim: no algorithm %q", s.Algorithm))
	}
	if s.certificate != nil {
		jwk = jwk.with(s.certificate(selfSigned(k.private)))
	}
	k.public = jwk.with(s.jwk)
	return k
}

// selfSigned is a certificate of the key, in DER.
func selfSigned(private crypto.Signer) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "id.example.com"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4102444800, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(err)
	return der
}

// withSHA1 and withSHA256 are the members of a JWK that show its certificate (RFC 7517, sections
// 4.7 to 4.9), with its fingerprint in the older or the newer form.
func withSHA1(der []byte) Claims {
	fingerprint := sha1.Sum(der)
	return Claims{"x5c": []string{base64.StdEncoding.EncodeToString(der)}, "x5t": encode(fingerprint[:])}
}

func withSHA256(der []byte) Claims {
	fingerprint := sha256.Sum256(der)
	return Claims{"x5c": []string{base64.StdEncoding.EncodeToString(der)}, "x5t#S256": encode(fingerprint[:])}
}
