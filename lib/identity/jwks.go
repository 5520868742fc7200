package identity

import "time"

// KeySet is the app's published keys (JWKS, RFC 7517), kept in memory.
type KeySet struct {
	url string
	now func() time.Time
}

// NewKeySet returns the keys published at an address. It makes no call.
func NewKeySet(url string, now func() time.Time) *KeySet { return &KeySet{url: url, now: now} }
