package appsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// keySet fetches the key set where the settings say that it is.
func keySet(t *testing.T, settings map[string]string) (keys []map[string]any) {
	t.Helper()
	location := settings["JWT_JWKS_URL"]
	if location == "" {
		location = strings.TrimSuffix(settings["JWT_ISSUER"], "/") + "/.well-known/jwks.json"
	}
	response, err := http.Get(location)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var set struct{ Keys []map[string]any }
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the key set: status %d, %v", response.StatusCode, err)
	}
	return set.Keys
}

// open decodes a token without verifying it.
func open(t *testing.T, token string) (header, claims map[string]any, input, signature string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	for i, into := range []*map[string]any{&header, &claims} {
		if err := json.Unmarshal(decode(t, parts[i]), into); err != nil {
			t.Fatal(err)
		}
	}
	return header, claims, parts[0] + "." + parts[1], string(decode(t, parts[2]))
}

func decode(t *testing.T, text any) []byte {
	t.Helper()
	plain, err := base64.RawURLEncoding.Strict().DecodeString(text.(string))
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// publicKey reads a JWK as RFC 7518, section 6, and RFC 8037 say.
func publicKey(t *testing.T, jwk map[string]any) crypto.PublicKey {
	t.Helper()
	switch jwk["kty"] {
	case "RSA":
		n, e := new(big.Int).SetBytes(decode(t, jwk["n"])), new(big.Int).SetBytes(decode(t, jwk["e"]))
		if n.BitLen() != 2048 {
			t.Errorf("an RSA key of %d bits", n.BitLen())
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}
	case "EC":
		point := slices.Concat([]byte{4}, decode(t, jwk["x"]), decode(t, jwk["y"]))
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil || jwk["crv"] != "P-256" {
			t.Fatalf("curve %v: %v", jwk["crv"], err)
		}
		return public
	case "OKP":
		if jwk["crv"] != "Ed25519" {
			t.Errorf("curve %v", jwk["crv"])
		}
		return ed25519.PublicKey(decode(t, jwk["x"]))
	}
	t.Fatalf("a key of the type %v", jwk["kty"])
	return nil
}

// verify reports whether the token is signed by the one key of the set that has its kid.
func verify(t *testing.T, token string, keys []map[string]any) bool {
	t.Helper()
	header, _, input, signature := open(t, token)
	at := slices.IndexFunc(keys, func(jwk map[string]any) bool { return jwk["kid"] == header["kid"] })
	if at < 0 {
		return false
	}
	digest := sha256.Sum256([]byte(input))
	switch public := publicKey(t, keys[at]).(type) {
	case *rsa.PublicKey:
		return header["alg"] == "RS256" && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], []byte(signature)) == nil
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes([]byte(signature[:32])), new(big.Int).SetBytes([]byte(signature[32:]))
		return header["alg"] == "ES256" && len(signature) == 64 && ecdsa.Verify(public, digest[:], r, s)
	case ed25519.PublicKey:
		return header["alg"] == "EdDSA" && ed25519.Verify(public, []byte(input), []byte(signature))
	}
	return false
}
