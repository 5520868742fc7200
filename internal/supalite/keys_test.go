package supalite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestKeys(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	load := func(dir, url string) keys {
		k, err := loadKeys(dir, url)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	first := load(dir, "")
	if diff := cmp.Diff(first, load(dir, "")); diff != "" {
		t.Errorf("the keys change from start to start:\n%s", diff)
	}
	if first == load(other, "") || load(dir, "postgres://a") == load(dir, "postgres://b") {
		t.Error("two projects have the same keys")
	}
	if !strings.HasPrefix(first.SecretKey, "sb_secret_") || !strings.HasPrefix(first.PublishableKey, "sb_publishable_") {
		t.Errorf("keys without the platform's prefixes: %+v", first)
	}

	if err := os.WriteFile(filepath.Join(dir, "seed"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadKeys(dir, ""); err == nil {
		t.Error("a damaged seed was accepted")
	}
}

func TestReadMigrations(t *testing.T) {
	got, err := readMigrations(fstest.MapFS{
		"20260102_second_one.sql": {Data: []byte("select 2")},
		"20260101_first.sql":      {Data: []byte("select 1")},
		"README.md":               {Data: []byte("not SQL")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []migration{{"20260101", "first", "select 1"}, {"20260102", "second_one", "select 2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("migrations (-want +got):\n%s", diff)
	}
}
