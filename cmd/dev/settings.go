package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"igconnect/internal/supalite"
	"igconnect/lib/config"
)

// options say what to start.
type options struct {
	root        string // the project's folder
	at          addresses
	data        string    // folder of what stays until the next start
	databaseURL string    // a PostgreSQL server for Supabase Lite; "": one of its own, in data
	fresh       bool      // forget what stayed, but for the keys
	env         env       // what .env says
	users       string    // the flag -users; "": what .env names, else supabase
	log         io.Writer // of the functions, and of what goes on beside them
}

// settings are the variables of the functions: what .env says, and else what is simulated. Secrets
// that .env does not name are derived from the keys, so that they stay the same too.
func (o options) settings(at addresses, keys supalite.Keys) env {
	e := env{}
	maps.Copy(e, o.env)
	unlessSet := func(name, value string) {
		if e[name] == "" {
			e[name] = value
		}
	}
	derived := func(name string) string {
		mac := hmac.New(sha256.New, []byte(keys.SecretKey))
		mac.Write([]byte("igconnect " + name))
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	e["VERCEL_ENV"] = "development"
	unlessSet("REDIRECT_URI", at.main+"/api/auth/callback")
	if !o.env.realMeta() {
		e["FB_APP_ID"], e["FB_APP_SECRET"] = "1234567890", derived("FB_APP_SECRET")
		e["FB_GRAPH_URL"], e["FB_DIALOG_URL"] = at.meta, at.meta
		unlessSet("WEBHOOK_VERIFY_TOKEN", derived("WEBHOOK_VERIFY_TOKEN"))
		unlessSet("CRON_SECRET", derived("CRON_SECRET"))
	}
	if !o.env.realSupabase() {
		e["SUPABASE_URL"], e["SUPABASE_SECRET_KEY"] = at.supabase, keys.SecretKey
		e["NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"] = keys.PublishableKey
	}
	o.addApp(e, at, derived("VOUCH_SECRET"))
	if e.supabaseUsers() {
		unlessSet("SIGN_IN_URL", e.pagesOrigin(at.main)+"/dev/sign-in")
	}
	return e
}

// origin is where browsers reach the functions: that of REDIRECT_URI. Where that is no address,
// the functions say so.
func (e env) origin(own string) string {
	if c, _ := config.Load(e.get); c.Origin != "" {
		return c.Origin
	}
	return own
}

// pagesOrigin is where the pages of the demo users and of the simulated app are seen: on the host
// that gets the cookies of a session. Of several ports of one host it is ours, because the others
// lead only our functions here.
func (e env) pagesOrigin(own string) string {
	origin := e.origin(own)
	if hostname(origin) == hostname(own) {
		return own
	}
	return origin
}

func hostname(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// overridden says, a line each, what .env names and the functions do not get.
func (o options) overridden(e env) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(o.env)) {
		switch said, is := o.env[name], e[name]; {
		case is == said || strings.HasPrefix(is, said+","): // which may be added to
		case is == "":
			lines = append(lines, name+" in .env has no effect here.")
		default:
			lines = append(lines, fmt.Sprintf("%s in .env has no effect here: it is %s.", name, is))
		}
	}
	return lines
}

// forApp is the lines of an app's .env.local with which it uses this system, and those that the
// workers of examples/ need. What is not known is left out.
func (e env) forApp(at addresses) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s=%s\n", name, quote(value))
		}
	}
	line("NEXT_PUBLIC_SUPABASE_URL", e.supabaseURL())
	if e.supabaseUsers() {
		line("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", e["NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"])
	}
	line("SUPABASE_SECRET_KEY", e.supabaseKey())
	line("IGCONNECT_URL", at.main)
	if e["VOUCH_URL"] != "" {
		fmt.Fprintf(&b, "# The key of tickets. Their aud is %s:\n", e.origin(at.main))
		line("VOUCH_SECRET", e["VOUCH_SECRET"])
	}
	line("WEBHOOK_VERIFY_TOKEN", e["WEBHOOK_VERIFY_TOKEN"])
	line("CRON_SECRET", e["CRON_SECRET"])
	b.WriteString("# For the workers in examples/:\n")
	line("FB_APP_SECRET", e["FB_APP_SECRET"])
	line("FB_GRAPH_URL", e["FB_GRAPH_URL"])
	return b.String()
}
