package supalite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"igconnect/internal/filelock"
)

// ErrNoNode says that Node is missing or too old. Tests skip on it.
var ErrNoNode = errors.New("no Node 20 or newer")

// CheckNode returns nil if Start can run here, or an error that wraps ErrNoNode.
func CheckNode(ctx context.Context) error {
	_, err := findNode(ctx)
	return err
}

// findNode returns the path of Node.
func findNode(ctx context.Context) (string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", fmt.Errorf("%w: Supabase Lite needs it; install it from nodejs.org and try again", ErrNoNode)
	}
	out, err := exec.CommandContext(ctx, node, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("asking Node for its version: %w", err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		return "", fmt.Errorf("%w: this machine has %s; install a newer one from nodejs.org and try again", ErrNoNode, version)
	}
	return node, nil
}

//go:embed npm/*.json npm/*.mjs
var files embed.FS

// install returns the folder that holds server.mjs and its packages, and installs them if they are
// not there. Our own scripts have a folder of their own beside the packages: they change more often.
func install(ctx context.Context, progress io.Writer) (string, error) {
	source, _ := fs.Sub(files, "npm") // fails for a name that is none
	app, err := InstallPackages(ctx, "supalite", "Supabase Lite "+Version+" (about 150 MB)", source, progress, "--omit=dev")
	if err != nil {
		return "", err
	}
	scripts := []string{"server.mjs", "database.mjs", "cors.mjs"}
	content, err := fingerprint(source, scripts...)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(app, "scripts-"+content)
	if err := makeDir(dir, source, scripts, func(string) error { return nil }); err != nil {
		return "", fmt.Errorf("writing the scripts of Supabase Lite: %w", err)
	}
	return dir, nil
}

// InstallPackages returns a folder with the node_modules for the package.json and the
// package-lock.json in source. They are installed once for this machine, by npm ci with the given
// options, in a folder of the user's cache named after name and the lock file, so that it never
// changes once it is there. What is installed is said to progress and in errors.
func InstallPackages(ctx context.Context, name, what string, source fs.FS, progress io.Writer, options ...string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	lock, err := fingerprint(source, "package-lock.json")
	if err != nil {
		return "", err
	}
	installed := filepath.Join(cache, "igconnect", name+"-"+lock)
	if _, err := os.Stat(installed); err == nil {
		return installed, nil
	}
	if err = os.MkdirAll(filepath.Dir(installed), 0o755); err == nil {
		err = installOnce(ctx, installed, what, source, progress, options)
	}
	if err != nil {
		return "", fmt.Errorf("installing %s, for which the first start needs the network: %w", what, err)
	}
	return installed, nil
}

// installOnce lets one process install while the others wait for it.
func installOnce(ctx context.Context, installed, what string, source fs.FS, progress io.Writer, options []string) error {
	unlock, err := waitForLock(ctx, installed+".lock", what, progress)
	if err != nil {
		return err
	}
	defer unlock()
	return makeDir(installed, source, []string{"package.json", "package-lock.json"}, func(dir string) error {
		fmt.Fprintf(progress, "Installing %s, once for this machine\n", what)
		installing := step{doing: "installing", done: "Installed", size: func() int64 { return sizeOf(dir) }}
		end := installing.follow(progress)
		err := installPackages(ctx, dir, options)
		end(err)
		return err
	})
}

// waitForLock takes a lock as soon as nobody else has it.
func waitForLock(ctx context.Context, name, what string, progress io.Writer) (unlock func() error, err error) {
	unlock, err = filelock.Lock(name)
	if !errors.Is(err, filelock.ErrHeld) {
		return unlock, err
	}
	fmt.Fprintf(progress, "Another process is installing %s\n", what)
	waiting := step{doing: "waiting for it", done: "It has ended"}
	end := waiting.follow(progress)
	for errors.Is(err, filelock.ErrHeld) {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-time.After(100 * time.Millisecond):
			unlock, err = filelock.Lock(name)
		}
	}
	end(err)
	return unlock, err
}

// installPackages runs npm ci in dir.
func installPackages(ctx context.Context, dir string, options []string) error {
	program, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("npm is missing: it comes with Node, install both from nodejs.org")
	}
	// No package here needs its install script, so none gets to run one.
	arguments := append([]string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"}, options...)
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	cmd.Env = append(os.Environ(), "DO_NOT_TRACK=1", "NPM_CONFIG_UPDATE_NOTIFIER=false")
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("npm ci: %w\n%s", err, lastLines(said.Bytes()))
	}
	return ctx.Err()
}

// makeDir makes a folder of files of source and of what finish adds, whole or not at all. It does
// nothing if the folder is there.
func makeDir(dir string, source fs.FS, names []string, finish func(dir string) error) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "installing-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	for _, name := range names {
		text, err := fs.ReadFile(source, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(temp, name), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if err := finish(temp); err != nil {
		return err
	}
	err = os.Rename(temp, dir)
	if _, statErr := os.Stat(dir); statErr == nil { // it may be another process that made it
		return nil
	}
	return err
}

// fingerprint names the content of files.
func fingerprint(source fs.FS, names ...string) (string, error) {
	hash := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return "", err
		}
		hash.Write(text)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}
