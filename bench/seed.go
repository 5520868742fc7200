package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"igconnect/internal/supalite"
)

// buildSeed compiles bench/seed beside its packages.
func buildSeed(ctx context.Context, around *setting) (*side, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &side{name: "the seed's recipe", url: fmt.Sprint("http://127.0.0.1:", port)}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("looking for Node: %w", err)
	}
	source, dir := os.DirFS(filepath.Join(around.root, "bench", "seed")), filepath.Join(around.scratch, "seed")
	if err := os.CopyFS(dir, source); err != nil {
		return nil, err
	}
	modules := filepath.Join(dir, "node_modules")
	link := func(name string, options ...string) error {
		installed, err := supalite.InstallPackages(ctx, name, "the packages of bench/seed", source, around.progress, options...)
		if err != nil {
			return err
		}
		if err := os.RemoveAll(modules); err != nil {
			return err
		}
		return os.Symlink(filepath.Join(installed, "node_modules"), modules)
	}

	// The compiler's packages stand there first, and then only those that the program needs.
	if err := link("bench-seed-tools"); err != nil {
		return nil, err
	}
	tsc := exec.CommandContext(ctx, node, "node_modules/typescript/bin/tsc", "--outDir", "dist")
	tsc.Dir = dir
	if out, err := tsc.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling bench/seed: %w\n%s", err, out)
	}
	if err := link("bench-seed", "--omit=dev"); err != nil {
		return nil, err
	}
	for _, folder := range []string{filepath.Join(dir, "dist"), modules} {
		if err := addSizes(folder, &s.size); err != nil {
			return nil, err
		}
	}
	s.all = program{
		command: []string{node, "dist/server.js"}, dir: dir, port: port,
		env: append(around.environment(s, around.proofURL), "NODE_ENV=production"),
	}
	s.login = s.all
	return s, nil
}

// addSizes adds up the files below a folder, or that a link leads to.
func addSizes(folder string, size *int64) error {
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	return filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			*size += info.Size()
		}
		return err
	})
}
