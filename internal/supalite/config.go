package supalite

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// config is the line that server.mjs reads.
type config struct {
	DataDir     string      `json:"dataDir"`
	DatabaseURL string      `json:"databaseURL"`
	Fresh       bool        `json:"fresh"`
	Bootstrap   string      `json:"bootstrap"`
	Vault       string      `json:"vault"`
	Migrations  []migration `json:"migrations"`
	keys
}

type migration struct {
	Version string `json:"version"`
	Name    string `json:"name"`
	SQL     string `json:"sql"`
}

// keys are the secrets of one project. They stay the same from start to start, so that sessions and
// tokens of yesterday are still good.
type keys struct {
	PublishableKey string `json:"publishableKey"`
	SecretKey      string `json:"secretKey"`
	JWTSecret      string `json:"jwtSecret"`
	VaultKey       string `json:"vaultKey"` // AES-256, in hex
	AdminKey       string `json:"adminKey"` // for Server.SQL
}

var (
	//go:embed sql/bootstrap.sql
	bootstrapSQL string
	//go:embed sql/vault.sql
	vaultSQL string
)

// newConfig makes the config of a server whose data folder is dir.
func newConfig(dir string, o Options) (c *config, err error) {
	c = &config{DatabaseURL: o.DatabaseURL, Fresh: o.Fresh, Bootstrap: bootstrapSQL, Vault: vaultSQL}
	if o.DatabaseURL == "" {
		c.DataDir = filepath.Join(dir, "db")
	}
	if c.keys, err = loadKeys(dir, o.DatabaseURL); err != nil {
		return nil, fmt.Errorf("reading the keys of Supabase Lite: %w", err)
	}
	if c.Migrations, err = readMigrations(o.Migrations); err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return c, nil
}

// readMigrations reads the *.sql files of dir in the order of their names, as `supabase db push` does.
func readMigrations(dir fs.FS) ([]migration, error) {
	migrations := []migration{}
	if dir == nil {
		return migrations, nil
	}
	names, err := fs.Glob(dir, "*.sql")
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		version, title, _ := strings.Cut(strings.TrimSuffix(name, ".sql"), "_")
		migrations = append(migrations, migration{version, title, string(text)})
	}
	return migrations, err
}

// loadKeys derives the keys from a random seed that is kept beside the data, or from the URL of the
// database: what protects that protects these.
func loadKeys(dir, databaseURL string) (k keys, err error) {
	seed := []byte(databaseURL)
	if databaseURL == "" {
		if seed, err = loadSeed(filepath.Join(dir, "seed")); err != nil {
			return k, err
		}
	}
	derive := func(label string) []byte {
		mac := hmac.New(sha256.New, seed)
		mac.Write([]byte("supalite " + label))
		return mac.Sum(nil)
	}
	// short has the form of the platform's keys: 22 characters of base64url.
	short := func(label string) string { return base64.RawURLEncoding.EncodeToString(derive(label))[:22] }
	return keys{
		PublishableKey: "sb_publishable_" + short("publishable"),
		SecretKey:      "sb_secret_" + short("secret"),
		JWTSecret:      hex.EncodeToString(derive("jwt")),
		VaultKey:       hex.EncodeToString(derive("vault")),
		AdminKey:       hex.EncodeToString(derive("admin")),
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
