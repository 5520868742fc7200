package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nextjsBackend is where igconnect answers in TestNextjs: Next.js writes the targets of rewrites into
// its build, which is kept.
const nextjsBackend = "localhost:39017"

// buildNextjs returns a folder with examples/nextjs as next build leaves it, for this test alone. It
// is built once for these files and this machine.
func buildNextjs(t *testing.T) string {
	t.Helper()
	files := sourcesOf(t, "../../examples/nextjs")
	folder := filepath.Join(packagesOf(t, "nextjs"), "app")
	lock(t, folder+".lock")
	stamp, wanted := filepath.Join(folder, "built-of"), fingerprintOf(files)
	if built, err := os.ReadFile(stamp); err == nil && string(built) == wanted {
		return folder
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, folder, files)
	build := nextjs(t.Context(), folder, "build")
	build.Env = append(build.Env, "IGCONNECT_URL=http://"+nextjsBackend)
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("next build: %v\n%s", err, said)
	}
	if err := os.WriteFile(stamp, []byte(wanted), 0o644); err != nil {
		t.Fatal(err)
	}
	return folder
}

// nextjs is a command of Next.js in a folder below its packages, with nothing in its environment but
// what it needs.
func nextjs(ctx context.Context, folder string, args ...string) *exec.Cmd {
	program := filepath.Join(filepath.Dir(folder), "node_modules", "next", "dist", "bin", "next")
	cmd := exec.CommandContext(ctx, "node", append([]string{program}, args...)...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "NEXT_TELEMETRY_DISABLED=1"}
	return cmd
}

// startNextjs serves the app at an address, with the settings that the system prints for apps and more
// in its .env.local.
func startNextjs(t *testing.T, s *system, folder, address string, more env) {
	t.Helper()
	settings := filepath.Join(folder, ".env.local")
	lines := s.env.forApp(s.at)
	for name, value := range more {
		lines += name + "=" + quote(value) + "\n"
	}
	if err := os.WriteFile(settings, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(settings) })
	host, port, _ := strings.Cut(address, ":")
	serve(t, nextjs(context.Background(), folder, "start", "--hostname", host, "--port", port), address)
}
