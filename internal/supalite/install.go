package supalite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"
)

// install returns the folder that holds server.mjs and its packages, and installs them if they are not there. The
// folder is named after what is in it, so that it never changes once it is there.
func install(ctx context.Context, node nodeJS, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "igconnect")
	app := filepath.Join(cache, "supalite-"+fingerprint("package-lock.json"))
	if _, err := os.Stat(app); err != nil {
		if err := os.MkdirAll(cache, 0o755); err != nil {
			return "", fmt.Errorf("making a folder for Supabase Lite: %w", err)
		}
		if err := installOnce(ctx, node, app, progress); err != nil {
			return "", err
		}
	}
	return writeScripts(app)
}

// installOnce lets one process install while the others wait for it.
func installOnce(ctx context.Context, node nodeJS, app string, progress io.Writer) error {
	unlock, err := waitLock(app + ".lock")
	if err != nil {
		return fmt.Errorf("locking the installation of Supabase Lite: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(app); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp(filepath.Dir(app), "installing-")
	if err != nil {
		return fmt.Errorf("making a folder for Supabase Lite: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, name := range []string{"package.json", "package-lock.json"} {
		if err := copyOut(name, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := npmInstall(ctx, node, dir, progress); err != nil {
		return err
	}
	if err := os.Rename(dir, app); err != nil {
		if _, statErr := os.Stat(app); statErr == nil {
			return nil
		}
		return fmt.Errorf("installing Supabase Lite: %w", err)
	}
	return nil
}

func npmInstall(ctx context.Context, node nodeJS, dir string, progress io.Writer) error {
	begin := time.Now()
	fmt.Fprintf(progress, "Installing Supabase Lite %s, once for this machine (about 150 MB)\n", Version)
	stop := tick(progress, begin)
	// No package here needs its install script, so none gets to run one.
	out, err := node.npm(ctx, dir, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error")
	stop()
	if ctx.Err() != nil {
		return fmt.Errorf("installing Supabase Lite: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("installing Supabase Lite, for which the first start needs the network: npm ci: %w\n%s", err, out)
	}
	fmt.Fprintf(progress, "Installed Supabase Lite in %s\n", time.Since(begin).Round(time.Second))
	return nil
}

// tick shows every few seconds that something is still going on, until stop is called.
func tick(progress io.Writer, begin time.Time) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(5 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				fmt.Fprintf(progress, "  still installing, %s\n", time.Since(begin).Round(time.Second))
			}
		}
	}()
	return func() { close(quit); <-done }
}

// writeScripts puts our own scripts beside the packages, in a folder named after their content: they change more often.
func writeScripts(app string) (string, error) {
	dir := filepath.Join(app, "scripts-"+fingerprint("server.mjs", "database.mjs"))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	temp, err := os.MkdirTemp(app, "writing-")
	if err != nil {
		return "", fmt.Errorf("writing the scripts of Supabase Lite: %w", err)
	}
	defer os.RemoveAll(temp)
	for _, name := range []string{"server.mjs", "database.mjs"} {
		if err := copyOut(name, filepath.Join(temp, name)); err != nil {
			return "", err
		}
	}
	if err := os.Rename(temp, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", errors.Join(err, statErr)
		}
	}
	return dir, nil
}

// fingerprint names the content of embedded files.
func fingerprint(names ...string) string {
	hash := sha256.New()
	for _, name := range names {
		text, err := files.ReadFile(path.Join("npm", name))
		if err != nil {
			panic(err) // embedded
		}
		hash.Write(text)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}

func copyOut(name, to string) error {
	text, err := files.ReadFile(path.Join("npm", name))
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, text, 0o644); err != nil {
		return fmt.Errorf("writing the scripts of Supabase Lite: %w", err)
	}
	return nil
}
