// Command dev runs the whole system on one machine: the functions and the landing page as Vercel
// serves them, Supabase, and Meta. What .env names is real, all else is simulated.
//
//	go run ./cmd/dev          serve on http://localhost:3000
//	go run ./cmd/dev -env     print what an app's .env.local needs to use it
//	go run ./cmd/dev -once    walk through a connection and a message, check them, and end
//
// Each of them takes -users supabase, jwt or vouch: who says who the app's users are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
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
	o := options{log: os.Stderr, databaseURL: supalite.DatabaseURLFromEnv()}
	flag.StringVar(&o.at.main, "addr", "localhost:3000", "where to listen")
	flag.StringVar(&o.at.supabase, "supabase-addr", "127.0.0.1:54321", "where the simulated Supabase listens")
	flag.StringVar(&o.at.meta, "meta-addr", "localhost:3001", "where the simulated Meta listens")
	flag.StringVar(&o.data, "data", "", "folder of what is kept (default: in the user's cache folder)")
	flag.BoolVar(&o.fresh, "fresh", false, "forget the data of earlier runs, but for the keys")
	flag.StringVar(&o.users, "users", "",
		"who says who the app's users are: supabase, jwt or vouch (default: what .env names, else supabase)")
	once := flag.Bool("once", false, "walk through a connection and a message, check them, and end")
	printEnv := flag.Bool("env", false, "print what the .env.local of an app needs, and end")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends it at once
	ctx, cancel := endWithGoRun(ctx)
	defer cancel()
	var err error
	switch o.root, err = vercelsim.FindRoot(); {
	case flag.NArg() > 0:
		err = fmt.Errorf("there is no argument %q: see -help", flag.Arg(0))
	case err != nil:
	case *once:
		err = runOnce(ctx, os.Stdout, o.root, o.users)
	default:
		if err = o.complete(); err == nil && *printEnv {
			err = o.printEnv(os.Stdout)
		} else if err == nil {
			err = runServer(ctx, o)
		}
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, sentence(err))
		os.Exit(1)
	}
}

// complete reads .env, if there is one, and finds the folder for the data.
func (o *options) complete() error {
	text, err := os.ReadFile(filepath.Join(o.root, ".env"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if o.env, err = parseEnv(string(text)); err != nil {
		return err
	}
	if o.data != "" {
		return nil
	}
	cache, err := os.UserCacheDir()
	o.data = filepath.Join(cache, "igconnect", "dev")
	return err
}

// printEnv prints what an app needs to use the server that the same options would start, whether it
// runs or not.
func (o options) printEnv(w io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	at, err := o.urls()
	if err != nil {
		return err
	}
	keys, err := supalite.LoadKeys(o.data, o.databaseURL)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, o.settings(at, keys).forApp(at))
	return err
}

// runServer serves until ctx ends.
func runServer(ctx context.Context, o options) error {
	s, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	s.announce(os.Stdout, o)
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
