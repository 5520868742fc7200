package deploytest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"igconnect/internal/supalite"
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
	installed, err := supalite.InstallPackages(t.Context(), "worker-ts", "the packages of examples/worker-ts", os.DirFS(source), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(installed, "node_modules"), modules); err != nil {
		t.Fatal(err)
	}
	return &worker{command: []string{"node", "--import", "ts-blank-space/register", "worker.ts"}, once: "--once", dir: dir}
}
