package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"igconnect/internal/appsim"
	"igconnect/internal/faultproxy"
	"igconnect/internal/functions"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/vercelsim"
	"igconnect/lib/app"
	"igconnect/lib/config"
)

// system is everything that runs. A simulator is nil where the real service is used.
type system struct {
	at       addresses // http://localhost:3000 and so on
	origin   string    // where browsers reach the functions: that of REDIRECT_URI
	env      env       // as the functions see it
	app      *app.App
	played   *appsim.App // the app beside igconnect, where it is simulated and has its own users; else nil
	meta     *metasim.Sim
	supabase *supalite.Server
	proxy    faultproxy.Group // in front of supabase
	clock    clockProxy       // in front of meta

	serving       sync.Mutex // one form of the pages at a time: they share the database
	requests      requestLog // to the functions
	conversations sync.Map   // *conversation by account and sender
	mu            sync.Mutex
	forms         forms // guarded by mu

	failed  chan error // a server ended by itself
	closers []func(context.Context) error
}

// start starts the system, and leaves nothing running where it fails.
func start(ctx context.Context, o options) (s *system, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s = &system{failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	unlock, err := lockData(o.data)
	if err != nil {
		return s, err
	}
	s.onClose(func(context.Context) error { return unlock() })
	ports, at, err := s.listen(o) // before the rest: a held port should not wait for an installation
	if err == nil {
		err = nameHolder(o.data, at.main)
	}
	if err != nil {
		return s, err
	}
	keys, err := supalite.LoadKeys(o.data, o.databaseURL)
	if err != nil {
		return s, err
	}
	s.env = o.settings(at, keys)
	s.at, s.origin, s.played = at, s.env.origin(at.main), o.playedApp(s.env, at)
	handler, err := s.handler(o)
	if err != nil {
		return s, err
	}
	if ports.meta != nil {
		if err := s.startMeta(o, ports.meta); err != nil {
			return s, err
		}
	}
	if ports.supabase != nil {
		if err := s.startSupabase(ctx, o, ports.supabase); err != nil {
			return s, err
		}
	}
	if s.app, err = app.New(app.Options{Getenv: s.env.get, Log: slog.New(slog.NewJSONHandler(o.log, nil))}); err != nil {
		return s, err
	}
	s.serve(ports.main, handler)
	return s, nil
}

// startMeta simulates Meta.
func (s *system) startMeta(o options, l net.Listener) error {
	s.meta = metasim.New(metasim.Config{
		AppID: s.env["FB_APP_ID"], AppSecret: s.env["FB_APP_SECRET"], RedirectURIs: []string{s.env["REDIRECT_URI"]},
	})
	for _, person := range metasim.Demo() {
		s.meta.AddPerson(person)
	}
	if err := s.keepMeta(o); err != nil {
		return fmt.Errorf("reading what the simulated Meta kept: %w", err)
	}
	settings, _ := config.Load(s.env.get)
	s.meta.SetAppSubscriptions(metasim.AppSubscription{
		Object: "instagram", CallbackURL: s.origin + "/api/webhook", Fields: settings.WebhookFields,
	})
	s.clock = clockProxy{s.meta, s.meta.Jumped}
	s.serve(l, &s.clock)
	s.onClose(func(context.Context) error { s.meta.Close(); return nil })
	return nil
}

// keepMeta lets the simulated Meta go on where the last start ended.
func (s *system) keepMeta(o options) error {
	file := filepath.Join(o.data, "meta.json")
	if o.fresh {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.meta.Keep(file, func(err error) { fmt.Fprintln(o.log, sentence(err)) })
}

// startSupabase runs Supabase Lite behind a proxy that can let calls fail.
func (s *system) startSupabase(ctx context.Context, o options, l net.Listener) error {
	migrations := filepath.Join(o.root, "supabase", "migrations")
	_, err := os.Stat(migrations)
	if err != nil {
		return err
	}
	s.supabase, err = supalite.Start(ctx, supalite.Options{
		Dir: o.data, DatabaseURL: o.databaseURL, Fresh: o.fresh, Migrations: os.DirFS(migrations), Progress: o.log,
	})
	if err != nil {
		return err
	}
	s.onClose(func(context.Context) error { return s.supabase.Stop() })
	go func() {
		<-s.supabase.Done()
		s.failed <- errors.New("the process of Supabase Lite has ended")
	}()
	s.serve(l, s.proxy.Proxy("supabase", faultproxy.To(s.supabase.URL)))
	return nil
}

// handler serves what Vercel would deploy, which it refuses where Vercel would, and the
// developer's pages beside it.
func (s *system) handler(o options) (http.Handler, error) {
	deployment, err := vercelsim.Open(o.root, functions.With(func() *app.App { return s.app }))
	if err != nil {
		return nil, err
	}
	deployment.OnPanic = func(v any) {
		fmt.Fprintf(o.log, "A function panicked, on Vercel this ends its process: %v\n", v)
	}
	pages, recorded := s.pages(), s.requests.record(deployment)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dev" || strings.HasPrefix(r.URL.Path, "/dev/") {
			pages.ServeHTTP(w, r)
			return
		}
		recorded.ServeHTTP(w, r)
	}), nil
}

// announce says what runs where, where to click, and what an app needs to know.
func (s *system) announce(w io.Writer, o options) {
	meta, supabase := "the real one, app "+s.env["FB_APP_ID"], "the project at "+s.env.supabaseURL()
	if s.meta != nil {
		meta = "simulated at " + s.at.meta
	}
	if s.supabase != nil {
		supabase = "Supabase Lite at " + s.env.supabaseURL()
	}
	begin := s.at.main + "/"
	if s.played != nil {
		begin = s.env.pagesOrigin(s.at.main) + appPath + "/"
	}
	fmt.Fprintf(w, "\n  Connect an account   %s\n  Look behind          %s/dev/\n\n", begin, s.at.main)
	fmt.Fprintf(w, "  Meta       %s\n  Supabase   %s\n  Users      %s\n\n", meta, supabase, s.usersLine())
	for _, line := range o.overridden(s.env) {
		fmt.Fprintf(w, "  %s\n", line)
	}
	if _, problems := config.Load(s.env.get); len(problems) > 0 {
		fmt.Fprintf(w, "  Not right yet in .env: %v.\n", problems)
	}
	if s.origin != s.at.main {
		fmt.Fprintf(w, "  REDIRECT_URI in .env says %s: /api/ of that address must lead to %s.\n", s.origin, s.at.main)
	}
	if s.meta != nil && s.supabase != nil {
		fmt.Fprintf(w, "  For the .env.local of your app (-env with the same flags prints only this):\n\n%s\n",
			s.env.forApp(s.at))
	} else { // a terminal is no place for real secrets
		fmt.Fprint(w, "  For the .env.local of your app, with real secrets: go run ./cmd/dev -env\n\n")
	}
	fmt.Fprintln(w, "  Ctrl-C stops everything.")
}

// onClose remembers what close has to do, by the time that its context ends.
func (s *system) onClose(f func(context.Context) error) { s.closers = append(s.closers, f) }

// close stops everything, the last started first. Requests that are still served get half a
// second, all of them together.
func (s *system) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	var errs []error
	for _, f := range slices.Backward(s.closers) {
		errs = append(errs, f(ctx))
	}
	return errors.Join(errs...)
}

// serve runs an HTTP server on its own goroutine and reports on failed why it ended, unless it was
// closed.
func (s *system) serve(l net.Listener, h http.Handler) {
	srv := &http.Server{Handler: s.ownHosts(h), ReadHeaderTimeout: 10 * time.Second}
	s.onClose(func(ctx context.Context) error {
		if srv.Shutdown(ctx) != nil {
			return srv.Close()
		}
		return nil
	})
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving %s: %w", l.Addr(), err)
		}
	}()
}

// ownHosts lets only requests through that name this machine or the host of REDIRECT_URI, whatever
// the port. A page of another site could point its own name at 127.0.0.1 and would then be of the
// same origin as our pages (DNS rebinding).
func (s *system) ownHosts(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := []string{"localhost", "127.0.0.1", "::1", hostname(s.origin)}
		if asked := hostname("//" + r.Host); asked == "" || !slices.Contains(own, asked) {
			http.Error(w, fmt.Sprintf("This server answers at %s only.", s.origin), http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}
