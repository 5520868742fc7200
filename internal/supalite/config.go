package supalite

import (
	_ "embed"
	"fmt"
	"io/fs"
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

//go:embed sql/bootstrap.sql
var bootstrapSQL string

//go:embed sql/vault.sql
var vaultSQL string

func newConfig(data *dataDir, o Options) (c *config, err error) {
	c = &config{DatabaseURL: o.DatabaseURL, Fresh: o.Fresh, Bootstrap: bootstrapSQL, Vault: vaultSQL}
	if o.DatabaseURL == "" {
		c.DataDir = filepath.Join(data.path, "db")
	}
	if c.keys, err = loadKeys(data.path, o.DatabaseURL); err != nil {
		return nil, err
	}
	c.Migrations, err = readMigrations(o.Migrations)
	return c, err
}

// readMigrations reads the *.sql files of dir in the order of their names, as `supabase db push` does.
func readMigrations(dir fs.FS) ([]migration, error) {
	if dir == nil {
		return []migration{}, nil
	}
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing migrations: %w", err)
	}
	migrations := make([]migration, len(names))
	for i, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("reading migration: %w", err)
		}
		version, title, _ := strings.Cut(strings.TrimSuffix(name, ".sql"), "_")
		migrations[i] = migration{version, title, string(text)}
	}
	return migrations, nil
}
