package app

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/graph"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

// maxSkew is how far our clock may be from Meta's before signatures and dates
// go wrong.
const maxSkew = time.Minute

// Health is how the deployment is.
type Health struct {
	OK      bool    `json:"ok"`
	Version string  `json:"version,omitempty"` // for the operator only, like all that follows
	Checks  []Check `json:"checks,omitempty"`
}

// Check is one thing that was looked at. Problem and Fix are sentences without
// any value of a setting.
type Check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// Health tells strangers whether the settings are complete, and the operator
// what is wrong and what to do: strangers start no call to anybody.
func (c *Call) Health() Health {
	checks := c.settings()
	operator := c.ByOperator() == nil
	if operator && c.problems.Among(config.Connect) == nil {
		probes := []func(context.Context) []Check{c.redirect, c.database, c.meta}
		found := make([][]Check, len(probes))
		jobs := make([]func(), len(probes))
		for i, probe := range probes {
			jobs[i] = func() { found[i] = probe(c.R.Context()) }
		}
		upstream.SideBySide(len(jobs), jobs...)
		checks = append(checks, slices.Concat(found...)...)
	}
	health := Health{OK: !slices.ContainsFunc(checks, func(check Check) bool { return !check.OK })}
	if operator {
		health.Version, health.Checks = Version, checks
	}
	return health
}

// settings are the variables, each on its own.
func (c *Call) settings() []Check {
	var checks []Check
	for _, variable := range config.Settings {
		check := Check{Name: variable, OK: true}
		if err := c.problems.Among([]string{variable}); err != nil {
			check = Check{Name: variable, Problem: err.Error() + ".", Fix: "Set it in the deployment's environment variables, then deploy again."}
		}
		checks = append(checks, check)
	}
	return checks
}

// redirect compares the redirect URI with the address that this very request
// came by.
func (c *Call) redirect(context.Context) []Check {
	path := strings.TrimPrefix(c.Config.RedirectURI, c.Config.Origin)
	switch {
	case !strings.HasSuffix(strings.ToLower(path), "/api/callback") && !strings.HasSuffix(strings.ToLower(path), "/api/auth/callback"):
		return failed("redirect_uri", "REDIRECT_URI does not lead to the callback.", "Let it end in /api/auth/callback, here and at Meta.")
	case c.elsewhere():
		return failed("redirect_uri", "REDIRECT_URI is on another host than the one you asked.", "Ask on that host, or set REDIRECT_URI to this one, here and at Meta.")
	}
	return passed("redirect_uri")
}

const (
	noAnswer     = "Supabase does not answer as it should."
	checkAddress = "Check SUPABASE_URL, and that the project is not paused."
)

// database asks Supabase whether the key, the migrations and Vault are right.
func (c *Call) database(ctx context.Context) []Check {
	version, err := c.Store.Version(ctx)
	var refused *store.Error
	switch {
	case err == nil:
	case !errors.As(err, &refused):
		return c.broken("supabase", err, noAnswer, checkAddress)
	case refused.Status == http.StatusUnauthorized:
		return c.broken("supabase_key", err, "Supabase does not accept the key.", "Copy the secret key of this very project into SUPABASE_SECRET_KEY.")
	case refused.Status == http.StatusForbidden:
		return c.broken("supabase_key", err, "The key has not the role service_role.", "Use the secret key, not the publishable or anon one.")
	case refused.Status == http.StatusNotFound:
		return c.broken("migrations", err, "The tables are not there.", "Run: supabase db push")
	default:
		return c.broken("supabase", err, noAnswer, checkAddress)
	}
	checks := append(passed("supabase"), passed("supabase_key")...)
	if version != store.SchemaVersion {
		checks = append(checks, failed("migrations", "The database has other migrations than this version expects.", "Run: supabase db push")...)
	} else {
		checks = append(checks, passed("migrations")...)
	}
	if works, err := c.Store.ProbeVault(ctx); err != nil || !works {
		return append(checks, c.broken("vault", err, "Vault does not give back what was sealed.", "Check the extension supabase_vault under Database, Extensions.")...)
	}
	return append(checks, passed("vault")...)
}

// meta asks Meta whether it knows the app, where it sends events, and what time
// it is there.
func (c *Call) meta(ctx context.Context) []Check {
	client := *c.Graph
	var there time.Time
	client.Seen = func(header http.Header) { there, _ = http.ParseTime(header.Get("Date")) }
	subscriptions, err := client.AppSubscriptions(ctx)
	var refused *graph.Error
	switch {
	case errors.As(err, &refused) && refused.Class == graph.BadApp:
		return c.broken("meta_app", err, "Meta does not accept the app id and secret.", "Compare FB_APP_ID and FB_APP_SECRET with App settings, Basic, at Meta.")
	case err != nil:
		return c.broken("meta", err, "Meta does not answer as it should.", "Try again in some minutes.")
	}
	checks := append(passed("meta_app"), c.webhook(subscriptions)...)
	if skew := c.now().Sub(there); !there.IsZero() && skew.Abs() > maxSkew {
		return append(checks, failed("clock", "The clock here and the one at Meta differ by more than a minute.", "This is the platform's: ask its support.")...)
	}
	return append(checks, passed("clock")...)
}

// webhook compares what the app is subscribed to with what it should be.
func (c *Call) webhook(subscriptions []graph.AppSubscription) []Check {
	const fix = "At Meta, under Webhooks, Instagram: enter the address of /api/webhook and WEBHOOK_VERIFY_TOKEN, and subscribe to the messages fields."
	at := slices.IndexFunc(subscriptions, func(s graph.AppSubscription) bool { return s.Object == "instagram" })
	switch {
	case at < 0:
		return failed("webhook", "The app is not subscribed to Instagram.", fix)
	case !subscriptions[at].Active:
		return failed("webhook", "Meta has switched the app's subscription off.", fix)
	case subscriptions[at].CallbackURL != c.Config.Origin+"/api/webhook":
		return failed("webhook", "Meta sends events to another address.", fix)
	case !slices.Contains(subscriptions[at].Fields, "messages"):
		return failed("webhook", "The app is not subscribed to messages.", fix)
	}
	return passed("webhook")
}

func passed(name string) []Check { return []Check{{Name: name, OK: true}} }

func failed(name, problem, fix string) []Check {
	return []Check{{Name: name, Problem: problem, Fix: fix}}
}

// broken is a failed check whose cause goes to the log.
func (c *Call) broken(name string, cause error, problem, fix string) []Check {
	if cause != nil {
		c.Note(name, cause.Error())
	}
	return failed(name, problem, fix)
}
