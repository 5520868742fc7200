// Command dev runs the whole system on one machine: the functions and the landing page as Vercel
// serves them, Supabase, and Meta. What .env names is real, all else is simulated.
//
//	go run ./cmd/dev          serve on http://localhost:3000
//	go run ./cmd/dev -once    walk through a connection and a message, check them, and end
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
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

// runServer serves until ctx ends, by the settings of .env if there is one.
func runServer(ctx context.Context, root, addr string, fresh bool) error {
	text, err := os.ReadFile(filepath.Join(root, ".env"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	settings, err := parseEnv(string(text))
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	database := supalite.Options{Dir: filepath.Join(cache, "igconnect", "dev"), DatabaseURL: supalite.DatabaseURLFromEnv(), Fresh: fresh}
	s, err := start(ctx, options{root: root, addr: addr, env: settings, log: os.Stderr, supabase: database})
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

// env is the settings of the functions, by the names of environment variables. What the process
// itself has in its environment changes nothing.
type env map[string]string

// get is the value of a variable, as os.Getenv is.
func (e env) get(name string) string { return e[name] }

// realMeta and realSupabase tell whether e names the real services.
func (e env) realMeta() bool     { return e["FB_APP_ID"] != "" }
func (e env) realSupabase() bool { return e.supabaseURL() != "" }

func (e env) supabaseURL() string { return cmp.Or(e["SUPABASE_URL"], e["NEXT_PUBLIC_SUPABASE_URL"]) }
func (e env) supabaseKey() string {
	return cmp.Or(e["SUPABASE_SECRET_KEY"], e["SUPABASE_SERVICE_ROLE_KEY"])
}

// check refuses half a set of credentials: to simulate the service then would
// not be what was meant.
func (e env) check() error {
	if (e["FB_APP_ID"] == "") != (e["FB_APP_SECRET"] == "") {
		return errors.New("set FB_APP_ID and FB_APP_SECRET in .env to use the real Meta, or neither to simulate it")
	}
	if (e.supabaseURL() == "") != (e.supabaseKey() == "") {
		return errors.New("set SUPABASE_URL and SUPABASE_SECRET_KEY in .env to use a real project, or neither to run Supabase here")
	}
	return nil
}

var (
	assignment = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$`)
	quoted     = regexp.MustCompile(`^(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\s*(?:#.*)?$`)
	comment    = regexp.MustCompile(`(?:^|\s+)#.*$`)
	unescape   = strings.NewReplacer(`\n`, "\n", `\"`, `"`, `\\`, `\`, `\$`, `$`)
)

// parseEnv reads lines of KEY=VALUE, with an optional "export", in double
// quotes (with \n, \", \\ and \$), single quotes or none, and comments. Errors name the line
// and never show it: it may hold a secret. Empty values are left out.
func parseEnv(text string) (env, error) {
	e := env{}
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		m := assignment.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("line %d of .env is not of the form NAME=value", i+1)
		}
		name, value := m[1], m[2]
		if value != "" && strings.ContainsRune(`"'`, rune(value[0])) {
			q := quoted.FindStringSubmatch(value)
			if q == nil {
				return nil, fmt.Errorf("line %d of .env has a quote that is not closed, or text after it", i+1)
			}
			value = unescape.Replace(q[1]) + q[2]
		} else {
			value = comment.ReplaceAllString(value, "")
		}
		if value != "" {
			e[name] = value
		}
	}
	return e, nil
}
