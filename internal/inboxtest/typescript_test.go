package inboxtest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"igconnect/internal/supalite/supalitetest"
)

// TestTypes checks the types of examples/worker-ts.
func TestTypes(t *testing.T) {
	supalitetest.Need(t)
	check := exec.CommandContext(t.Context(), "npm", "run", "check")
	check.Dir = installTypeScript(t).dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// installTypeScript puts examples/worker-ts beside its packages, which are
// installed once for this machine.
func installTypeScript(t *testing.T) *worker {
	t.Helper()
	const source = "../../examples/worker-ts"
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "node_modules")
	if err := os.RemoveAll(modules); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(installPackages(t, dir), modules); err != nil {
		t.Fatal(err)
	}
	return &worker{command: []string{"node", "--import", "ts-blank-space/register", "worker.ts"}, once: "--once", dir: dir}
}

// installPackages returns the node_modules of a folder with a lock file, in a
// folder of the user's cache that is named after it. The folder appears whole
// or not at all.
func installPackages(t *testing.T, source string) string {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(source, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(lock)
	installed := filepath.Join(cache, "igconnect", "worker-ts-"+hex.EncodeToString(sum[:])[:12])
	modules := filepath.Join(installed, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules
	}
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(installed), "installing-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// No package here needs its install script, so none gets to run one.
	ci := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	ci.Dir = dir
	if out, err := ci.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v: %s", err, out)
	}
	if err := os.Rename(dir, installed); err != nil {
		if _, statErr := os.Stat(modules); statErr != nil { // no other process was faster
			t.Fatal(err)
		}
	}
	return modules
}
