// Command doctor examines a deployment from outside and says, line by line, what is well, what is
// wrong, and what to do:
//
//	CRON_SECRET=… go run ./cmd/doctor -url https://connect.example.com
//
// It changes nothing there. Secrets come from the environment, a file or standard input, never from
// a flag, which other programs of the machine could read:
//
//	CRON_SECRET               the operator's, for all that /api/health knows
//	DOCTOR_SESSION            access token of a signed-in user, for the login
//	JWT_ISSUER                with JWT_AUDIENCE, JWT_JWKS_URL and ALLOWED_ORIGINS as in
//	                          the deployment: whether the JWT of -token counts
//	SUPABASE_URL              with SUPABASE_PUBLISHABLE_KEY: what anybody can
//	SUPABASE_PUBLISHABLE_KEY  reach of the database
//
// It ends with 0 if nothing is wrong, with 1 if something is, and with 2 if it was called wrongly.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const (
	patience = 90 * time.Second // for everything
	oneCall  = 25 * time.Second // /api/health asks others, too
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run examines and prints, and returns the exit status.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	raw := flags.String("url", "", "the deployment, such as https://connect.example.com")
	app := flags.String("app", "", "your app, such as https://app.example.com, if it is on another origin: may people come back to it?")
	file := flags.String("secret-file", "", "file that holds the CRON_SECRET; else the variable of that name counts")
	asJSON := flags.Bool("json", false, "print JSON")
	var withToken, misplaced bool
	flags.BoolFunc("token", "read a user's JWT from standard input: does it count, by the JWT_… settings in the environment?", func(value string) error {
		withToken, misplaced = true, value != "true"
		return nil
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	d, err := newDoctor(*raw, *file, getenv)
	if err == nil && *app != "" {
		d.origin, err = parseApp(*app)
	}
	switch {
	case err != nil:
	case misplaced || withToken && flags.NArg() > 0: // an error that quotes the token would show it once more
		err = errors.New("-token takes the token from standard input: other programs can read arguments")
	case withToken:
		d.token, err = readUserToken(stdin, d.url, getenv)
	case flags.NArg() > 0:
		err = fmt.Errorf("there is no argument %q: see -help", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(stderr, "doctor:", err)
		return 2
	}

	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := newReport(d.url, d.examine(ctx))
	if *asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	} else {
		_, err = io.WriteString(stdout, r.text(coloured(stdout, getenv)))
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "doctor:", err)
		return 2
	case !r.OK:
		return 1
	}
	return 0
}

// newDoctor reads where to look and with which secrets.
func newDoctor(raw, file string, getenv func(string) string) (*doctor, error) {
	base, plain, err := parseBase(raw)
	if err != nil {
		return nil, fmt.Errorf("-url %w", err)
	}
	get := func(name string) string { return strings.TrimSpace(getenv(name)) }
	cron := get("CRON_SECRET")
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading -secret-file: %w", err)
		}
		if cron = strings.TrimSpace(string(text)); cron == "" {
			return nil, errors.New("the file of -secret-file is empty")
		}
	}
	var p project
	p.key = cmp.Or(get("SUPABASE_PUBLISHABLE_KEY"), get("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"), get("SUPABASE_ANON_KEY"), get("NEXT_PUBLIC_SUPABASE_ANON_KEY"))
	if address := cmp.Or(get("SUPABASE_URL"), get("NEXT_PUBLIC_SUPABASE_URL")); address != "" {
		if p.url, _, err = parseBase(address); err != nil {
			return nil, fmt.Errorf("SUPABASE_URL %w", err)
		}
	}
	client := &http.Client{Transport: upstream.NewTransport(), CheckRedirect: upstream.NoRedirects, Timeout: oneCall}
	return &doctor{base, plain, secret.New(cron), secret.New(get("DOCTOR_SESSION")), p, "", nil, client}, nil
}

// parseBase reads an address that ends after its host. Secrets are sent there: without https only
// to this machine. plain is the address that somebody reaches who types no https; "" where the
// deployment has none, or a port of its own.
func parseBase(raw string) (base, plain string, err error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(raw), "/"))
	switch {
	case raw == "":
		return "", "", errors.New("is missing: name the deployment, such as https://connect.example.com")
	case err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return "", "", errors.New("must be a complete address, such as https://connect.example.com")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return "", "", errors.New("must end after the host name")
	case u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return "", "", errors.New("must start with https://, for secrets are sent there (http:// only for localhost)")
	case u.Scheme == "https" && u.Port() == "":
		plain = "http://" + u.Host
	}
	return u.String(), plain, nil
}

// coloured reports whether lines may be green and red: on a terminal, unless NO_COLOR says
// otherwise (https://no-color.org).
func coloured(w io.Writer, getenv func(string) string) bool {
	file, ok := w.(*os.File)
	if !ok || getenv("NO_COLOR") != "" || cmp.Or(getenv("TERM"), "dumb") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
