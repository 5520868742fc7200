package supalite

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keys are the secrets of one project. They stay the same from start to start, so that sessions and tokens of yesterday
// are still good.
type keys struct {
	PublishableKey string `json:"publishableKey"`
	SecretKey      string `json:"secretKey"`
	JWTSecret      string `json:"jwtSecret"`
	VaultKey       string `json:"vaultKey"` // AES-256, in hex
	AdminKey       string `json:"adminKey"` // for Server.SQL
}

// loadKeys derives the keys from a random seed that is kept beside the data, or from the URL of the database: what
// protects that protects these.
func loadKeys(dir, databaseURL string) (keys, error) {
	seed := []byte(databaseURL)
	if databaseURL == "" {
		var err error
		if seed, err = loadSeed(filepath.Join(dir, "seed")); err != nil {
			return keys{}, fmt.Errorf("reading the keys of Supabase Lite: %w", err)
		}
	}
	return keys{
		PublishableKey: "sb_publishable_" + short(derive(seed, "publishable")),
		SecretKey:      "sb_secret_" + short(derive(seed, "secret")),
		JWTSecret:      hex.EncodeToString(derive(seed, "jwt")),
		VaultKey:       hex.EncodeToString(derive(seed, "vault")),
		AdminKey:       hex.EncodeToString(derive(seed, "admin")),
	}, nil
}

func loadSeed(name string) ([]byte, error) {
	seed, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		seed = make([]byte, 32)
		rand.Read(seed)
		return seed, os.WriteFile(name, seed, 0o600)
	}
	if err == nil && len(seed) != 32 {
		err = fmt.Errorf("%s is damaged: start afresh", name)
	}
	return seed, err
}

func derive(seed []byte, label string) []byte {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("supalite " + label))
	return mac.Sum(nil)
}

// short has the form of the platform's keys: 22 characters of base64url.
func short(key []byte) string { return base64.RawURLEncoding.EncodeToString(key)[:22] }
