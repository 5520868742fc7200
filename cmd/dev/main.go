// Command dev runs the whole system on one machine: the functions and the
// landing page as Vercel serves them, Supabase, and Meta. What .env names is
// real, all else is simulated.
//
//	go run ./cmd/dev          serve on http://localhost:3000
//	go run ./cmd/dev -once    walk through a connection, check it, and end
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "where to listen")
	fresh := flag.Bool("fresh", false, "forget the data of earlier runs")
	once := flag.Bool("once", false, "walk through a connection with simulators only, check what came out, and end")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("there is no argument %q: see -help", flag.Arg(0))
	case *once:
		err = runOnce(ctx)
	default:
		err = runServer(ctx, *addr, *fresh)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, sentence(err))
		os.Exit(1)
	}
}

// runServer serves until ctx ends.
func runServer(ctx context.Context, addr string, fresh bool) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	settings, err := readEnv(root)
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	s, err := start(ctx, options{
		root: root, addr: addr, env: settings, fresh: fresh,
		data: filepath.Join(cache, "igconnect", "dev"),
	})
	if err != nil {
		return err
	}
	defer s.close()
	s.announce(os.Stdout)
	select {
	case <-ctx.Done():
		fmt.Println("\nStopping.")
		return nil
	case err := <-s.failed:
		return err
	}
}

// sentence makes an error one that a person reads.
func sentence(err error) string {
	text := strings.TrimRight(err.Error(), ".\n")
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

// folder returns the folder dir of the project, which must be there.
func folder(root, dir string) (fs.FS, error) {
	path := filepath.Join(root, dir)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder %s here", dir)
	}
	return os.DirFS(path), nil
}

// serve runs an HTTP server on its own goroutine and reports on failed why it
// ended, unless it was closed.
func (s *system) serve(l *listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
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
