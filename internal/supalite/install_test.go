package supalite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// fakes puts a PATH in place that holds these shell scripts and the system's own programs, but neither Node nor npm.
func fakes(t *testing.T, scripts map[string]string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the fakes are shell scripts")
	}
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{"PATH": dir, "HOME": t.TempDir(), "XDG_CACHE_HOME": ""} {
		t.Setenv(name, value)
	}
}

func TestStartWithoutMeans(t *testing.T) {
	const node20 = "echo v20.1.0"
	for _, test := range []struct {
		name    string
		scripts map[string]string
		want    string
		noNode  bool
	}{
		{"no Node", nil, "install it from nodejs.org", true},
		{"an old Node", map[string]string{"node": "echo v18.19.0"}, "this machine has v18.19.0", true},
		{"no npm", map[string]string{"node": node20}, "npm is missing", false},
		{"no network", map[string]string{"node": node20, "npm": "echo npm error code ENOTFOUND >&2; exit 1"},
			"the first start needs the network", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakes(t, test.scripts)
			_, err := Start(t.Context(), Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error = %v, want %q in it", err, test.want)
			}
			if errors.Is(err, ErrNoNode) != test.noNode {
				t.Errorf("errors.Is(%v, ErrNoNode) = %t", err, !test.noNode)
			}
			left, _ := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".cache", "igconnect", "installing-*"))
			if len(left) > 0 {
				t.Errorf("half an installation was left: %v", left)
			}
		})
	}
}

// TestInstallTogether lets several processes, as good as, install at once: one does.
func TestInstallTogether(t *testing.T) {
	fakes(t, map[string]string{"npm": `echo run >>"$HOME/runs"; /bin/sleep 0.2; /bin/mkdir node_modules`})
	var wg sync.WaitGroup
	apps, errs := make([]string, 4), make([]error, 4)
	var progress bytes.Buffer
	for i := range apps {
		wg.Go(func() {
			var quiet bytes.Buffer
			apps[i], errs[i] = install(t.Context(), &quiet)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	runs, _ := os.ReadFile(filepath.Join(os.Getenv("HOME"), "runs"))
	if string(runs) != "run\n" {
		t.Errorf("npm ran %d times, want once", bytes.Count(runs, []byte("\n")))
	}
	again, err := install(t.Context(), &progress)
	if err != nil || again != apps[0] || progress.Len() > 0 {
		t.Errorf("the second time: %q, %v, said %q; want %q and nothing said", again, err, &progress, apps[0])
	}
	for _, name := range []string{"server.mjs", "database.mjs", "../node_modules"} {
		if _, err := os.Stat(filepath.Join(again, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestInstallCancelled(t *testing.T) {
	fakes(t, map[string]string{"npm": "/bin/sleep 60"})
	ctx, cancel := context.WithCancel(t.Context())
	var progress bytes.Buffer
	done := make(chan error)
	go func() { _, err := install(ctx, &progress); done <- err }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

// TestLockFile holds the lock file against the manifest and against leaks of where it was made.
func TestLockFile(t *testing.T) {
	manifest, err := files.ReadFile("npm/package.json")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manifest), `"@supabase/lite": "`+Version+`"`) {
		t.Errorf("package.json does not pin @supabase/lite %s", Version)
	}
	lock, err := files.ReadFile("npm/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), `"resolved"`) {
		t.Error("package-lock.json holds download addresses")
	}
	if packages, sums := strings.Count(string(lock), `"node_modules/`), strings.Count(string(lock), `"integrity"`); sums < packages {
		t.Errorf("package-lock.json: %d packages, %d checksums", packages, sums)
	}
}

func TestKeys(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	load := func(dir, url string) Keys {
		k, err := LoadKeys(dir, url)
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
	if _, err := LoadKeys(dir, ""); err == nil {
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
