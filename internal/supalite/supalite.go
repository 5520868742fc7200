// Package supalite runs Supabase Lite for the development server and the tests: a Supabase project on this machine,
// with REST, sign-in, Vault or a stand-in for it, and the migrations applied, in one Node process and without Docker.
//
// It needs Node 20 or newer. The first Start installs the pinned npm packages into the user's cache folder.
package supalite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Version is the version of @supabase/lite that npm/package.json pins.
const Version = "0.10.0"

// Options say where the data is kept and what is applied to it.
type Options struct {
	Dir         string    // the data folder, created if missing; "" is one that Stop removes
	Migrations  fs.FS     // <version>_<name>.sql, applied in the order of their names; nil is none
	DatabaseURL string    // a superuser's, of a real server; "" is PostgreSQL in WebAssembly, in Dir
	Progress    io.Writer // is told about the installation; nil discards it
	Fresh       bool      // drops what an earlier start left
}

// DatabaseURLFromEnv returns SUPALITE_DATABASE_URL, for Options.DatabaseURL.
func DatabaseURLFromEnv() string { return os.Getenv("SUPALITE_DATABASE_URL") }

// Server is a running Supabase Lite. Its methods may be called concurrently.
type Server struct {
	URL        string // as SUPABASE_URL, without a slash at the end
	AnonKey    string // the publishable key, sb_publishable_…
	ServiceKey string // the secret key, sb_secret_…
	DataDir    string // where PostgreSQL keeps its files; "" with Options.DatabaseURL

	adminKey string
	client   *http.Client
	proc     *process
	stop     func() error
}

// Start installs Lite if needed, starts it, applies the migrations that are not yet applied, and returns when REST and
// sign-in answer. The server lives until Stop is called or ctx is cancelled.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	node, err := findNode(ctx)
	if err != nil {
		return nil, err
	}
	app, err := install(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	dir, closeDir, err := openDataDir(o)
	if err != nil {
		return nil, fmt.Errorf("opening the folder for the data: %w", err)
	}
	s, err := start(ctx, node, app, dir, o)
	if err != nil {
		return nil, errors.Join(err, closeDir())
	}
	s.stop = sync.OnceValue(func() error {
		s.proc.stop()
		return closeDir()
	})
	context.AfterFunc(ctx, func() { s.stop() })
	return s, nil
}

// newClient gives idle connections up before Node does, after five seconds: a request that meets the
// end of its connection fails.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = 2 * time.Second
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func start(ctx context.Context, node, app, dir string, o Options) (*Server, error) {
	c, err := newConfig(dir, o)
	if err != nil {
		return nil, err
	}
	proc, port, err := launch(ctx, node, app, c)
	if err != nil {
		return nil, fmt.Errorf("starting Supabase Lite: %w", err)
	}
	s := &Server{
		URL: fmt.Sprintf("http://127.0.0.1:%d", port), AnonKey: c.PublishableKey, ServiceKey: c.SecretKey, DataDir: c.DataDir,
		adminKey: c.AdminKey, client: newClient(), proc: proc,
	}
	if err := s.warmUp(ctx); err != nil {
		proc.stop()
		return nil, err
	}
	return s, nil
}

var errLocked = errors.New("locked by another process")

// openDataDir returns the folder of one running server and what closes it. It is locked: two servers on
// one folder would destroy the database.
func openDataDir(o Options) (dir string, closeDir func() error, err error) {
	if o.Dir == "" {
		dir, err = os.MkdirTemp("", "supalite-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return "", nil, err
	}
	unlock, err := lockFile(filepath.Join(o.Dir, "lock"), false)
	if errors.Is(err, errLocked) {
		return "", nil, fmt.Errorf("another Supabase Lite is running on %s: stop it first, or choose another folder", o.Dir)
	}
	if err == nil && o.Fresh {
		if err = os.RemoveAll(filepath.Join(o.Dir, "db")); err != nil {
			unlock()
		}
	}
	return o.Dir, unlock, err
}

// Stop ends the server and waits until its process is gone. A second call does nothing more.
func (s *Server) Stop() error { return s.stop() }

// Done is closed when the process has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.proc.done }

// PID is that of the process.
func (s *Server) PID() int { return s.proc.cmd.Process.Pid }

// warmUp asks REST and sign-in once: Lite reads the schema at its first request.
func (s *Server) warmUp(ctx context.Context) error {
	for _, path := range []string{"/rest/v1/", "/auth/v1/health"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Apikey", s.ServiceKey)
		resp, err := s.client.Do(req)
		if err != nil {
			return fmt.Errorf("asking Supabase Lite for %s: %w", path, s.proc.explain(err))
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("asking Supabase Lite for %s: status %d", path, resp.StatusCode)
		}
	}
	return nil
}
