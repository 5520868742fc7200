package store

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestColumns: a column is added in two places, its migration and its row type.
// Each column of user_configs is a field of Connection or of Account in it, or
// is named here: it is sealed, leased to the renewal, or kept by the database.
func TestColumns(t *testing.T) {
	t.Parallel()
	elsewhere := append(columnsOf(reflect.TypeFor[Tokens]()),
		"token_secret_id", "page_token_secret_id", "lease_id", "leased_until", "token_version", "status_since", "updated_at")
	want := append(columnsOf(reflect.TypeFor[Connection]()), elsewhere...)
	got := migratedColumns(t)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-row type +migrations):\n%s", diff)
	}
}

var (
	sqlComment  = regexp.MustCompile(`--.*`)
	tableChange = regexp.MustCompile(`(?:create|alter) table public\.user_configs\b[^;]*;`)
	newColumn   = regexp.MustCompile(`(?m)^\s+(?:add column )?([a-z_]+)\s+(?:uuid|text|timestamptz|bigint|integer|boolean|jsonb)\b`)
)

// migratedColumns reads the columns of user_configs from the migrations, wherever
// these create the table or add to it.
func migratedColumns(t *testing.T) (columns []string) {
	t.Helper()
	files, err := filepath.Glob("../../supabase/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range tableChange.FindAllString(sqlComment.ReplaceAllString(string(text), ""), -1) {
			for _, column := range newColumn.FindAllStringSubmatch(change, -1) {
				columns = append(columns, column[1])
			}
		}
	}
	return columns
}
