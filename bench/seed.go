package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// buildSeed compiles bench/seed beside its packages.
func buildSeed(ctx context.Context, w *world) (*side, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &side{name: "the seed's recipe", url: fmt.Sprint("http://127.0.0.1:", port)}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("looking for Node: %w", err)
	}
	source, dir := filepath.Join(w.root, "bench", "seed"), filepath.Join(w.scratch, "seed")
	tools, err := install(ctx, w, source)
	if err != nil {
		return nil, err
	}
	modules, err := install(ctx, w, source, "--omit=dev")
	if err != nil {
		return nil, err
	}
	if err := compile(ctx, w, source, tools, dir); err != nil {
		return nil, err
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		return nil, err
	}
	for _, folder := range []string{filepath.Join(dir, "dist"), modules} {
		size, err := sizeOf(folder)
		if err != nil {
			return nil, err
		}
		s.size += size
	}
	s.all = program{
		command: []string{node, "dist/server.js"}, dir: dir, port: port,
		env: []string{
			"NODE_ENV=production", "FB_APP_ID=" + appID, "FB_APP_SECRET=" + appSecret, "REDIRECT_URI=" + s.redirectURI(),
			"SUPABASE_URL=" + w.storeURL, "SUPABASE_SECRET_KEY=" + w.lite.ServiceKey,
			"FB_GRAPH_URL=" + w.proofURL, "FB_DIALOG_URL=" + w.proofURL,
		},
	}
	s.login = s.all
	return s, nil
}

// install puts the packages of source's lock file into a folder of the user's cache, once, and returns its
// node_modules. The folder appears whole or not at all.
func install(ctx context.Context, w *world, source string, options ...string) (string, error) {
	lock, err := os.ReadFile(filepath.Join(source, "package-lock.json"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256(fmt.Append(lock, options))
	installed := filepath.Join(cache, "igconnect", "bench-seed-"+hex.EncodeToString(sum[:])[:12])
	modules := filepath.Join(installed, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules, nil
	}
	fmt.Fprintln(w.progress, "Installing the packages of bench/seed, once for this machine")
	if err := os.MkdirAll(filepath.Dir(installed), 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(installed), "installing-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := copyFiles(source, dir, "package.json", "package-lock.json"); err != nil {
		return "", err
	}
	// No package here needs its install script, so none gets to run one.
	ci := exec.CommandContext(ctx, "npm", append([]string{"ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"}, options...)...)
	ci.Dir = dir
	if out, err := ci.CombinedOutput(); err != nil {
		return "", fmt.Errorf("installing the packages of bench/seed, for which the first run needs the network: npm ci: %w\n%s", err, out)
	}
	if err := os.Rename(dir, installed); err != nil {
		if _, statErr := os.Stat(modules); statErr != nil { // no other process was faster
			return "", err
		}
	}
	return modules, nil
}

// compile writes dir/dist, with the compiler and the types in the folder tools.
func compile(ctx context.Context, w *world, source, tools, dir string) error {
	building := filepath.Join(w.scratch, "seed-source")
	for _, folder := range []string{building, dir} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
	}
	if err := copyFiles(source, dir, "package.json"); err != nil {
		return err
	}
	if err := copyFiles(source, building, "package.json", "tsconfig.json", "server.ts"); err != nil {
		return err
	}
	if err := os.Symlink(tools, filepath.Join(building, "node_modules")); err != nil {
		return err
	}
	tsc := exec.CommandContext(ctx, "node", "node_modules/typescript/bin/tsc", "--outDir", filepath.Join(dir, "dist"))
	tsc.Dir = building
	if out, err := tsc.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling bench/seed: %w\n%s", err, out)
	}
	return nil
}

func copyFiles(from, to string, names ...string) error {
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// sizeOf adds up the files below a folder.
func sizeOf(folder string) (int64, error) {
	var size int64
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
