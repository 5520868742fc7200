package store

import "context"

// SchemaVersion is the newest migration that this build expects.
const SchemaVersion = "20261123120000"

// Version asks the database for its newest migration.
func (s *Store) Version(ctx context.Context) (string, error) {
	version := ""
	err := s.call(ctx, "asking for the migrations", "igconnect_schema_version", map[string]any{}, &version)
	return version, err
}

// ProbeVault tells whether Vault gives back what was sealed.
func (s *Store) ProbeVault(ctx context.Context) (bool, error) {
	works := false
	err := s.call(ctx, "probing Vault", "probe_vault", map[string]any{}, &works)
	return works, err
}
