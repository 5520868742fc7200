package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"igconnect/internal/filelock"
	"igconnect/internal/supalite"
)

// packagesOf returns the folder with the packages of a folder of examples/, which npm ci installs with
// these options, once for this machine.
func packagesOf(t *testing.T, example string, options ...string) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no npm: install Node")
		}
		t.Skipf("there is no npm here: install Node for examples/%s", example)
	}
	installed, err := supalite.InstallPackages(t.Context(), path.Base(example), "the packages of examples/"+example,
		os.DirFS("../../examples/"+example), os.Stderr, options...)
	if err != nil {
		t.Fatal(err)
	}
	return installed
}

// exampleOf returns a copy of a folder of examples/ for this test alone, with its packages beside it.
func exampleOf(t *testing.T, example string, options ...string) string {
	t.Helper()
	folder := t.TempDir()
	writeFiles(t, folder, sourcesOf(t, "../../examples/"+example))
	packages := filepath.Join(packagesOf(t, example, options...), "node_modules")
	if err := os.Symlink(packages, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// serve runs an example that serves at an address until the test ends, and waits until it answers.
func serve(t *testing.T, app *exec.Cmd, address string) {
	t.Helper()
	said := &keptLog{}
	app.Stdout, app.Stderr = said, said
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = app.Process.Signal(syscall.SIGTERM)
		_ = app.Wait() // it was told to end
		if t.Failed() {
			t.Logf("the app said:\n%s", said.bytes())
		}
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		answer, err := http.Get("http://" + address)
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
			err = errors.New(answer.Status)
		}
		if time.Now().After(end) {
			t.Fatalf("the app does not answer: %v", err)
		}
	}
}

// freeAddress is an address of localhost that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

// sourcesOf returns the texts of a folder's files, by their paths in it: those of the app, and not what
// npm, Next.js and a person who tries it have put there. The lock file stands beside the packages.
func sourcesOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	others := []string{"node_modules", ".next", ".env.local", "next-env.d.ts", "users.db", "package-lock.json", "README.md", ".gitignore"}
	tree := os.DirFS(folder)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(others, entry.Name()) && entry.IsDir():
			return fs.SkipDir
		case slices.Contains(others, entry.Name()) || entry.IsDir():
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// writeFiles writes files with these texts, by their paths in folder.
func writeFiles(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		target := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// fingerprintOf names the content of files.
func fingerprintOf(files map[string]string) string {
	sum := sha256.Sum256([]byte(asJSON(files)))
	return hex.EncodeToString(sum[:6])
}

// lock waits until no other test has the lock, and has it until the test ends.
func lock(t *testing.T, name string) {
	t.Helper()
	for {
		unlock, err := filelock.Lock(name)
		if err == nil {
			t.Cleanup(func() { _ = unlock() })
			return
		}
		if !errors.Is(err, filelock.ErrHeld) || t.Context().Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}
