package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The build expects the newest migration.
func TestSchemaVersion(t *testing.T) {
	files, err := filepath.Glob("../../supabase/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	newest := filepath.Base(files[len(files)-1])[:14]
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	if newest != SchemaVersion || !strings.Contains(string(text), "select '"+SchemaVersion+"'") {
		t.Errorf("the newest migration is %s, the build expects %s; each migration replaces igconnect_schema_version()", newest, SchemaVersion)
	}
}
