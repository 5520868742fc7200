package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"igconnect/internal/faultproxy"
	"igconnect/internal/functions"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/vercelsim"
	"igconnect/lib/app"
	"igconnect/lib/config"
)

// options say what to start.
type options struct {
	root     string // the project's folder
	addr     string
	env      env              // what .env says
	supabase supalite.Options // where the data is
	log      io.Writer        // of the functions, and of what goes on beside them
}

// system is everything that runs. A simulator is nil where the real service is used.
type system struct {
	url      string // http://localhost:3000
	origin   string // where browsers reach it: that of REDIRECT_URI
	env      env    // as the functions see it
	app      *app.App
	meta     *metasim.Sim
	metaURL  string
	supabase *supalite.Server
	proxy    faultproxy.Group // in front of supabase
	clock    clockProxy       // in front of meta

	serving       sync.Mutex // one form of the pages at a time: they share the database
	conversations sync.Map   // *conversation by account and sender
	lostRoles     []owner    // whose role on the Page is gone; guarded by serving
	mu            sync.Mutex
	forms         forms // guarded by mu

	failed  chan error // a server ended by itself
	closers []func() error
}

// start starts the system, and leaves nothing running where it fails.
func start(ctx context.Context, o options) (s *system, err error) {
	if err := o.env.check(); err != nil {
		return nil, err
	}
	main, err := listen(o.addr) // first: a port that is taken should not wait for an installation
	if err != nil {
		return nil, err
	}
	s = &system{url: main.url, origin: main.url, env: env{}, failed: make(chan error, 4)}
	s.onClose(func() error { main.Close(); return nil })
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	handler, err := s.handler(o)
	if err != nil {
		return s, err
	}
	maps.Copy(s.env, o.env)
	s.env["VERCEL_ENV"] = "development"
	for _, step := range []func(context.Context, options) error{s.startMeta, s.startSupabase} {
		if err := step(ctx, o); err != nil {
			return s, err
		}
	}
	if s.app, err = app.New(app.Options{Getenv: s.env.get, Log: slog.New(slog.NewJSONHandler(o.log, nil))}); err != nil {
		return s, err
	}
	s.serve(main, handler)
	return s, nil
}

// startMeta simulates Meta, or leaves the app of .env in place.
func (s *system) startMeta(_ context.Context, o options) error {
	own := s.url + "/api/auth/callback"
	if o.env.realMeta() {
		s.env["REDIRECT_URI"] = cmp.Or(s.env["REDIRECT_URI"], own)
		u, err := url.Parse(s.env["REDIRECT_URI"])
		if err != nil {
			return errors.New("REDIRECT_URI in .env is not a URL")
		}
		s.origin = u.Scheme + "://" + u.Host
		return nil
	}
	l, err := listen("localhost:0")
	if err != nil {
		return err
	}
	s.env["FB_APP_ID"], s.env["FB_APP_SECRET"] = "1234567890", rand.Text()
	s.env["WEBHOOK_VERIFY_TOKEN"], s.env["CRON_SECRET"] = rand.Text(), rand.Text()
	s.env["REDIRECT_URI"], s.env["FB_GRAPH_URL"], s.env["FB_DIALOG_URL"] = own, l.url, l.url
	s.metaURL = l.url
	s.meta = metasim.New(metasim.Config{AppID: s.env["FB_APP_ID"], AppSecret: s.env["FB_APP_SECRET"], RedirectURIs: []string{own}})
	for _, person := range metasim.Demo() {
		s.meta.AddPerson(person)
	}
	settings, _ := config.Load(s.env.get)
	s.meta.SetAppSubscriptions(metasim.AppSubscription{Object: "instagram", CallbackURL: s.origin + "/api/webhook", Fields: settings.WebhookFields})
	s.clock.meta = s.meta
	s.serve(l, &s.clock)
	s.onClose(func() error { s.meta.Close(); return nil })
	return nil
}

// startSupabase runs Supabase Lite behind a proxy that can let calls fail, or
// leaves the project of .env in place.
func (s *system) startSupabase(ctx context.Context, o options) error {
	if o.env.realSupabase() {
		s.env["SIGN_IN_URL"] = cmp.Or(s.env["SIGN_IN_URL"], s.origin+"/dev/sign-in")
		return nil
	}
	migrations := filepath.Join(o.root, "supabase", "migrations")
	_, err := os.Stat(migrations)
	if err != nil {
		return err
	}
	o.supabase.Migrations, o.supabase.Progress = os.DirFS(migrations), o.log
	if s.supabase, err = supalite.Start(ctx, o.supabase); err != nil {
		return err
	}
	s.onClose(s.supabase.Stop)
	go func() {
		<-s.supabase.Done()
		s.failed <- errors.New("the process of Supabase Lite has ended")
	}()
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	s.serve(l, s.proxy.Proxy("supabase", faultproxy.To(s.supabase.URL)))
	s.env["SUPABASE_URL"], s.env["SUPABASE_SECRET_KEY"] = l.url, s.supabase.ServiceKey
	s.env["SIGN_IN_URL"] = s.origin + "/dev/sign-in"
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
	pages := s.pages()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dev" || strings.HasPrefix(r.URL.Path, "/dev/") {
			pages.ServeHTTP(w, r)
			return
		}
		deployment.ServeHTTP(w, r)
	}), nil
}

// announce says what runs where, and where to click.
func (s *system) announce(w io.Writer) {
	meta, supabase := "the real one, app "+s.env["FB_APP_ID"], "the project at "+s.env.supabaseURL()
	if s.meta != nil {
		meta = "simulated at " + s.metaURL
	}
	if s.supabase != nil {
		supabase = "Supabase Lite at " + s.env.supabaseURL()
	}
	fmt.Fprintf(w, "\n  Connect an account   %s/\n  Look behind          %s/dev/\n\n  Meta       %s\n  Supabase   %s\n\n",
		s.origin, s.origin, meta, supabase)
	if s.origin != s.url {
		fmt.Fprintf(w, "  REDIRECT_URI in .env says %s: that address must lead to %s.\n\n", s.origin, s.url)
	}
	fmt.Fprintln(w, "  Ctrl-C stops everything.")
}

func (s *system) onClose(f func() error) { s.closers = append(s.closers, f) }

// close stops everything, the last started first.
func (s *system) close() error {
	var errs []error
	for _, f := range slices.Backward(s.closers) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// listener is a port of this machine and how a browser names it.
type listener struct {
	net.Listener
	url string // http://localhost:3000
}

// listen takes addr; port 0 means any free one.
func listen(addr string) (*listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q is not of the form host:port", addr)
	}
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		n, _ := strconv.Atoi(port)
		next := net.JoinHostPort(host, strconv.Itoa(n+1))
		return nil, fmt.Errorf("port %d is taken: stop what runs there, or choose another with -addr %s", n, next)
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", addr, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return &listener{l, "http://" + net.JoinHostPort(host, port)}, nil
}

// serve runs an HTTP server on its own goroutine and reports on failed why it ended, unless it was
// closed.
func (s *system) serve(l *listener, h http.Handler) {
	srv := &http.Server{Handler: s.ownHosts(h), ReadHeaderTimeout: 10 * time.Second}
	s.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			return srv.Close()
		}
		return nil
	})
	go func() {
		if err := srv.Serve(l.Listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving %s: %w", l.url, err)
		}
	}()
}

// ownHosts lets only requests through that name this machine or the host of REDIRECT_URI, whatever
// the port. A page of another site could point its own name at 127.0.0.1 and would then be of the
// same origin as our pages (DNS rebinding).
func (s *system) ownHosts(h http.Handler) http.Handler {
	name := func(host string) string { return strings.ToLower((&url.URL{Host: host}).Hostname()) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, host, _ := strings.Cut(s.origin, "://")
		own := []string{"localhost", "127.0.0.1", "::1", name(host)}
		if asked := name(r.Host); asked == "" || !slices.Contains(own, asked) {
			http.Error(w, fmt.Sprintf("This server answers at %s only.", s.origin), http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}
