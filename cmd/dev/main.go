// Command dev runs the whole system on one machine: the functions and the
// landing page as Vercel serves them, Supabase, and Meta. What .env names is
// real, all else is simulated.
//
//	go run ./cmd/dev          serve on http://localhost:3000
//	go run ./cmd/dev -once    walk through a connection and a message, check them, and end
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"igconnect/internal/supalite"
	"igconnect/internal/vercelsim"
)

func main() {
	addr := flag.String("addr", "localhost:3000", "where to listen")
	fresh := flag.Bool("fresh", false, "forget the data of earlier runs")
	once := flag.Bool("once", false, "walk through a connection and a message with simulators only, check what came out, and end")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := vercelsim.FindRoot()
	switch {
	case flag.NArg() > 0:
		err = fmt.Errorf("there is no argument %q: see -help", flag.Arg(0))
	case err != nil:
	case *once:
		err = runOnce(ctx, root)
	default:
		err = runServer(ctx, root, *addr, *fresh)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, sentence(err))
		os.Exit(1)
	}
}

// runServer serves until ctx ends.
func runServer(ctx context.Context, root, addr string, fresh bool) error {
	settings, err := readEnv(root)
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	s, err := start(ctx, options{
		root: root, addr: addr, env: settings, log: os.Stderr, supabase: supalite.Options{
			Dir: filepath.Join(cache, "igconnect", "dev"), DatabaseURL: supalite.DatabaseURLFromEnv(), Fresh: fresh,
		},
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
