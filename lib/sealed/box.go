// Package sealed puts values into cookies that only this deployment can read and
// write: AES-256-GCM, with the cookie's name bound into each seal as additional
// data. A login keeps its state there, so that no table is needed.
//
// Start at [Cookies], which reads and writes the cookies of a [Jar]. It does not
// know what the values mean, and it cannot tell whether a cookie was used before.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"igconnect/lib/secret"
)

// ErrUnreadable reports that a sealed value is missing, altered, cut, made for
// another name or sealed with a key that we do not have.
var ErrUnreadable = errors.New("unreadable seal")

// Box seals with its first key and opens with any of them, so that a secret can
// be rotated while logins are under way. [NewBox] makes one.
type Box struct{ keys []cipher.AEAD }

// NewBox derives one key from each secret (HKDF-SHA256, RFC 5869); the first
// seals. There must be at least one secret. What is sealed for one deployment
// does not open in another, even one with the same secrets.
func NewBox(secrets []secret.String, deployment string) (*Box, error) {
	box, info := &Box{}, "igconnect sealed cookies v1 "+deployment
	for _, s := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(s.Reveal()), nil, info, 32)
		if err != nil {
			return nil, fmt.Errorf("deriving the cookie key: %w", err)
		}
		block, _ := aes.NewCipher(key) // refuses only keys of another length
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("making the cookie cipher: %w", err)
		}
		box.keys = append(box.keys, aead)
	}
	return box, nil
}

// Seal encrypts plain for the given name; the result is unpadded base64url.
func (b *Box) Seal(name string, plain []byte) string {
	return base64.RawURLEncoding.EncodeToString(b.keys[0].Seal(nil, nil, plain, []byte(name)))
}

// Open returns what was sealed for the given name, or [ErrUnreadable].
func (b *Box) Open(name, value string) ([]byte, error) {
	// Strict: else the last character's spare bits could be altered unseen. The
	// decoder passes over line breaks even so.
	raw, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || strings.ContainsAny(value, "\r\n") {
		return nil, ErrUnreadable
	}
	for _, key := range b.keys {
		if plain, err := key.Open(nil, nil, raw, []byte(name)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrUnreadable
}

// Random returns n random bytes as unpadded base64url.
func Random(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: https://pkg.go.dev/crypto/rand#Read
	return base64.RawURLEncoding.EncodeToString(b)
}
