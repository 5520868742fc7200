// Package supalite runs Supabase Lite for the development server and the tests: a Supabase project on this machine,
// with REST, sign-in, Vault or a stand-in for it, and the migrations applied, in one Node process and without Docker.
//
// It needs Node 20 or newer. The first Start installs the pinned npm packages into the user's cache folder.
package supalite

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"igconnect/internal/filelock"
)

// Version is the version of @supabase/lite that npm/package.json pins.
const Version = "0.10.0"

// Options say where the data is kept and what is applied to it.
type Options struct {
	Dir         string    // the data folder, created if missing; "" is one that Stop removes
	Migrations  fs.FS     // <version>_<name>.sql, applied in the order of their names; nil is none
	DatabaseURL string    // a superuser's, of a real server; "" is PostgreSQL in WebAssembly, in Dir
	Progress    io.Writer // is told of each step; nil discards it
	Fresh       bool      // drops what an earlier start left, but for the keys
	MaxRows     int       // where answers of tables and of functions that return sets end; 0 is 1,000, as on the platform
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
	node, err := findNode(ctx)
	if err != nil {
		return nil, err
	}
	o.Progress = cmp.Or[io.Writer](o.Progress, io.Discard)
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

func start(ctx context.Context, node, app, dir string, o Options) (*Server, error) {
	k, err := LoadKeys(dir, o.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of Supabase Lite: %w", err)
	}
	migrations, err := readMigrations(o.Migrations)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	// Idle connections are given up before Node does, after five seconds: a request that meets the end
	// of its connection fails.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = 2 * time.Second
	s := &Server{AnonKey: k.PublishableKey, ServiceKey: k.SecretKey, adminKey: k.AdminKey,
		client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
	if o.DatabaseURL == "" {
		s.DataDir = filepath.Join(dir, "db")
	}
	proc, port, err := launch(ctx, node, app, o.Progress, steps(s.DataDir, migrations), map[string]any{
		"dataDir": s.DataDir, "databaseURL": o.DatabaseURL, "fresh": o.Fresh, "maxRows": cmp.Or(o.MaxRows, 1000), "keys": k,
		"bootstrap": bootstrapSQL, "vault": vaultSQL, "migrations": migrations,
	})
	if err != nil {
		return nil, fmt.Errorf("starting Supabase Lite: %w", err)
	}
	s.proc, s.URL = proc, fmt.Sprintf("http://127.0.0.1:%d", port)
	asking := step{doing: "starting REST and sign-in", done: "Started REST and sign-in"}
	end := asking.follow(o.Progress)
	for _, path := range []string{"/rest/v1/", "/auth/v1/health"} { // Lite reads the schema at its first request
		if _, err = s.ask(ctx, http.MethodGet, path, s.ServiceKey, nil); err != nil {
			proc.stop()
			err = fmt.Errorf("asking Supabase Lite for %s: %w", path, err)
			break
		}
	}
	end(err)
	return s, err
}

// steps are those of server.mjs, by the names that it says when they begin.
func steps(dataDir string, migrations []migration) map[string]step {
	database := func() int64 { return sizeOf(dataDir) }
	if dataDir == "" {
		database = nil
	}
	return map[string]step{
		"making":  {"making the database", "Made the database", database},
		"opening": {"opening the database", "Opened the database", database},
		"migrating": {"applying migrations", "Applied the migrations", func() (bytes int64) {
			for _, m := range migrations {
				bytes += int64(len(m.SQL))
			}
			return bytes
		}},
	}
}

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
	unlock, err := filelock.Lock(filepath.Join(o.Dir, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
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

// User is somebody who is signed in.
type User struct {
	ID           string
	AccessToken  string
	RefreshToken string
	Session      json.RawMessage // the whole session as Supabase answered it: what @supabase/ssr puts into its cookie
}

// SignUp makes a user, who is signed in at once.
func (s *Server) SignUp(ctx context.Context, email, password string) (User, error) {
	return s.authenticate(ctx, "signing up", "/auth/v1/signup", email, password)
}

// SignIn begins another session of a user.
func (s *Server) SignIn(ctx context.Context, email, password string) (User, error) {
	return s.authenticate(ctx, "signing in", "/auth/v1/token?grant_type=password", email, password)
}

func (s *Server) authenticate(ctx context.Context, doing, path, email, password string) (u User, err error) {
	var session struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		User         struct{ ID string }
	}
	credentials, _ := json.Marshal(map[string]string{"email": email, "password": password})
	if u.Session, err = s.ask(ctx, http.MethodPost, path, s.AnonKey, credentials); err == nil {
		err = json.Unmarshal(u.Session, &session)
	}
	if err != nil {
		return User{}, fmt.Errorf("%s: %w", doing, err)
	}
	u.ID, u.AccessToken, u.RefreshToken = session.User.ID, session.AccessToken, session.RefreshToken
	return u, nil
}

// SQL runs a query as superuser, beside everything that guards the data. With args it is one statement
// with $1, $2, …; without, it may be several, and the rows are those of the last.
//
// Values come as JSON has them: numbers as float64, timestamps as PostgreSQL writes them, json and jsonb
// decoded, bytea as \x and hex.
func (s *Server) SQL(ctx context.Context, query string, args ...any) ([]map[string]any, error) {
	var answer struct{ Rows []map[string]any }
	body, err := json.Marshal(map[string]any{"query": query, "args": args})
	if err == nil {
		body, err = s.ask(ctx, http.MethodPost, "/supalite/sql", s.adminKey, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &answer)
	}
	if err != nil {
		return nil, fmt.Errorf("running SQL: %w", err)
	}
	return answer.Rows, nil
}

// Dump returns all rows of all tables, of every schema but PostgreSQL's own, as text by "schema.table". A search in it
// shows what is stored in clear.
func (s *Server) Dump(ctx context.Context) (map[string]string, error) {
	tables, err := s.SQL(ctx, `
		select format('%I.%I', n.nspname, c.relname) as name
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
		order by 1`)
	if err != nil {
		return nil, fmt.Errorf("listing tables: %w", err)
	}
	dump := make(map[string]string, len(tables))
	for _, table := range tables {
		name := table["name"].(string)
		rows, err := s.SQL(ctx, "select coalesce(string_agg(t::text, E'\\n'), '') as rows from "+name+" t")
		if err != nil {
			return nil, fmt.Errorf("dumping %s: %w", name, err)
		}
		dump[name] = rows[0]["rows"].(string)
	}
	return dump, nil
}

// ask makes a request, with a body of JSON or none, and returns the body of a 200.
func (s *Server) ask(ctx context.Context, method, path, key string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Apikey": {key}, "Authorization": {"Bearer " + key}}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, s.proc.explain(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	return answer, err
}
