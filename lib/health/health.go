// Package health says what is missing in the set-up: which setting, which
// migration, what at Meta, and what to do. Start at [Service.Check].
package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

// maxSkew is how far our clock may be from Meta's before signatures and dates
// go wrong.
const maxSkew = time.Minute

// Report is how the deployment is.
type Report struct {
	OK         bool     `json:"ok"`
	Version    string   `json:"version,omitempty"`     // for the operator only, like all that follows
	Users      []string `json:"users,omitempty"`       // who says who the app's users are: supabase, or jwt, vouch, or both
	DatabaseMS int64    `json:"database_ms,omitempty"` // a call to the database, in milliseconds
	Checks     []Check  `json:"checks,omitempty"`
}

// Check is one thing that was looked at. Problem and Fix are sentences without
// any value of a setting.
type Check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Warning bool   `json:"warning,omitempty"` // not ok, but nothing depends on it
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// Service looks at a deployment. Store and Meta must be set where the variables
// of [config.Connect] have no problem.
type Service struct {
	Config   *config.Config
	Problems config.Problems
	Store    *store.Store
	Meta     *graph.Client
	Logo     func(context.Context) error // looks whether the app's logo is a picture; nil without a logo
	Keys     func(context.Context) error // [identity.KeySet.Load] of JWT_JWKS_URL; nil unless users bring JWTs
	Version  string                      // of this release
	Now      func() time.Time
}

// Check tells strangers whether the settings are complete, and the operator what
// is wrong and what to do: strangers start no call to anybody. host is the name,
// without a port, by which the request came.
func (s *Service) Check(ctx context.Context, host string, operator bool) Report {
	checks, near := s.settings(), time.Duration(0)
	if operator {
		probes := []func() []Check{func() []Check { return s.brand(ctx) }}
		if s.Problems.Among(config.Connect) == nil {
			probes = append(probes,
				func() []Check { return s.redirect(host) },
				func() (checks []Check) { checks, near = s.database(ctx); return checks },
				func() []Check { return s.meta(ctx) },
				func() []Check { return s.keys(ctx) },
			)
		}
		found := make([][]Check, len(probes))
		jobs := make([]func(), len(probes))
		for i, probe := range probes {
			jobs[i] = func() { found[i] = probe() }
		}
		upstream.SideBySide(len(jobs), jobs...)
		checks = append(checks, slices.Concat(found...)...)
	}
	report := Report{OK: !slices.ContainsFunc(checks, func(check Check) bool { return !check.OK && !check.Warning })}
	if operator {
		report.Version, report.Users, report.DatabaseMS, report.Checks = s.Version, s.users(), near.Milliseconds(), checks
	}
	return report
}

func (s *Service) settings() []Check {
	var checks []Check
	for _, variable := range config.Settings {
		check := Check{Name: variable, OK: true}
		if err := s.Problems.Among([]string{variable}); err != nil {
			check = Check{Name: variable, Problem: err.Error() + ".", Fix: "Set it in the deployment's environment variables, then deploy again."}
		} else if why := s.Config.Unused.Among([]string{variable}); why != nil {
			const fix = "Remove it from the deployment's environment variables, or set what it belongs to, then deploy again."
			check = Check{Name: variable, Warning: true, Problem: why.Error() + ".", Fix: fix}
		}
		checks = append(checks, check)
	}
	return checks
}

// brand looks at what the pages say about the app. What is wrong there is a warning.
func (s *Service) brand(ctx context.Context) []Check {
	var checks []Check
	for _, variable := range config.Brand {
		check, problem := Check{Name: variable, OK: true}, ""
		if err := s.Problems.Among([]string{variable}); err != nil {
			problem = err.Error() + "."
		} else if variable == "APP_LOGO_URL" && s.Logo != nil {
			if err := s.Logo(ctx); err != nil {
				note.Add(ctx, "logo", err.Error())
				problem = variable + " does not lead to a picture that browsers show."
			}
		}
		if problem != "" {
			const fix = "Correct or remove it in the deployment's environment variables, then deploy again."
			check = Check{Name: variable, Warning: true, Problem: problem, Fix: fix}
		}
		checks = append(checks, check)
	}
	return checks
}

// redirect compares the redirect URI with the name that this very request came
// by.
func (s *Service) redirect(host string) []Check {
	path := strings.ToLower(strings.TrimPrefix(s.Config.RedirectURI, s.Config.Origin))
	switch {
	case !strings.HasSuffix(path, "/api/callback") && !strings.HasSuffix(path, "/api/auth/callback"):
		return failed("redirect_uri", "REDIRECT_URI does not lead to the callback.", "Let it end in /api/auth/callback, here and at Meta.")
	case !strings.EqualFold(host, s.Config.Hostname()):
		return failed("redirect_uri", "REDIRECT_URI is on another host than the one you asked.", "Ask on that host, or set REDIRECT_URI to this one, here and at Meta.")
	}
	return passed("redirect_uri")
}

func passed(name string) []Check { return []Check{{Name: name, OK: true}} }

func failed(name, problem, fix string) []Check {
	return []Check{{Name: name, Problem: problem, Fix: fix}}
}

// broken is a failed check whose cause goes to the log.
func broken(ctx context.Context, name string, cause error, problem, fix string) []Check {
	if cause != nil {
		note.Add(ctx, name, cause.Error())
	}
	return failed(name, problem, fix)
}

// database asks Supabase whether the key, the migrations and Vault are right, and
// measures the way there by a call on a standing connection.
func (s *Service) database(ctx context.Context) (checks []Check, near time.Duration) {
	version, err := store.Probes{Of: s.Store}.Version(ctx)
	if err != nil {
		return faulty(ctx, err), 0
	}
	checks = passed("supabase_key")
	if other := store.OtherMigrations; version != store.SchemaVersion {
		checks = append(checks, failed(other.Check, other.Problem, other.Fix)...)
	} else {
		checks = append(checks, passed("migrations")...)
		checks = append(checks, s.backlog(ctx)...)
	}
	begun := time.Now()
	works, err := store.Probes{Of: s.Store}.Vault(ctx) // which writes
	if err == nil {
		near = time.Since(begun)
	}
	if refused, ok := errors.AsType[*store.Error](err); ok && refused.Trouble() != nil {
		return append(checks, faulty(ctx, err)...), near
	}
	checks = append(checks, passed("supabase")...)
	if err != nil || !works {
		return append(checks, broken(ctx, "vault", err, "Vault does not give back what was sealed.", "Check the extension supabase_vault under Database, Extensions.")...), near
	}
	return append(checks, passed("vault")...), near
}

// faulty is the failed check for a call that Supabase did not answer as it should.
func faulty(ctx context.Context, err error) []Check {
	fault := store.BadAddress
	if refused, ok := errors.AsType[*store.Error](err); ok {
		fault = cmp.Or(refused.Trouble(), refused.Fault(), fault)
	}
	note.Add(ctx, "supabase", err.Error())
	return failed(fault.Check, fault.Problem, fault.Fix)
}

const (
	dailyJob = "daily job"
	inbox    = "inbox"

	// A connection is checked each day: this long without means that a run was missed.
	checkedWithin = 48 * time.Hour
	// After this time nobody may answer a message any more.
	takenWithin = 24 * time.Hour
)

// backlog looks whether the daily job and the workers keep up, and at what they
// left in the rows.
func (s *Service) backlog(ctx context.Context) []Check {
	waits, err := store.Probes{Of: s.Store}.Backlog(ctx)
	if err != nil {
		const problem, fix = "The database does not tell what waits.", "Try again. If it stays so, look at the database's log."
		note.Add(ctx, "backlog", err.Error())
		return append(failed(dailyJob, problem, fix), failed(inbox, problem, fix)...)
	}
	return slices.Concat(tokens(waits), webhookFields(waits), s.messages(waits), s.dailyJob(waits), s.inbox(waits))
}

func tokens(waits store.Backlog) []Check {
	if n := waits.Unopened; n > 0 {
		return failed("tokens", fmt.Sprintf("%d saved token(s) cannot be opened: Vault has another root key than they were sealed with.", n),
			"If the project was moved or restored, ask Supabase's support for its root key. Else these people have to connect again: connections_needing_attention lists them.")
	}
	return passed("tokens")
}

func webhookFields(waits store.Backlog) []Check {
	if said := waits.LeftOut; said != "" {
		return failed("webhook_fields", "Meta refused some of the fields when it was last asked: "+strings.ToValidUTF8(string(said[:min(len(said), 300)]), "")+".",
			"Take those out of WEBHOOK_FIELDS, or correct their names. The other fields are subscribed to.")
	}
	return passed("webhook_fields")
}

// messages warns the operator of accounts that are connected and get no messages:
// their people can do nothing about it where the app lacks a permission.
func (s *Service) messages(waits store.Backlog) []Check {
	const permission = "pages_messaging"
	if waits.Mute == 0 || !slices.Contains(s.Config.WebhookFields, "messages") {
		return passed("messages")
	}
	warning := Check{
		Name: "messages", Warning: true,
		Problem: fmt.Sprintf("%d connected account(s) or more get no messages: their Pages are not subscribed to them.", waits.Mute),
		Fix: "See that Meta has approved " + permission + " for the app (docs/meta-app-review.md): else it gives it to people with a role in the app only. " +
			"Where it refused a single Page, subscription_error in user_configs says why. Then these people connect once more.",
	}
	if s.Config.LoginConfigID == "" && !slices.Contains(s.Config.Scopes, permission) {
		warning.Fix = "Add " + permission + " to FB_LOGIN_SCOPES and have Meta approve it (docs/meta-app-review.md). Then these people connect once more."
	}
	return []Check{warning}
}

// dailyJob tells a job that never runs from one that does not get through what is
// due, days before that costs anybody the connection.
func (s *Service) dailyJob(waits store.Backlog) []Check {
	const oftener = "call /api/renew more often: docs/lifecycle.md has the few lines of SQL with which the database does so every few minutes."
	switch age := s.age(waits.Unchecked); {
	case age > checkedWithin:
		return failed(dailyJob, "It is late: a connection was last checked "+spoken(age)+" ago."+about(waits.Ending),
			"See that Vercel's cron calls /api/renew each day (Settings, Cron Jobs) with this CRON_SECRET, and what its last run answered. If remaining is not 0, "+oftener)
	case waits.Ending > 0:
		return failed(dailyJob, "It does not get through all that is due."+about(waits.Ending), "Until its answer says remaining: 0, "+oftener)
	case waits.Failing > 0:
		return failed(dailyJob, fmt.Sprintf("The check of %d connection(s) has failed for two days, though Meta answers for others.", waits.Failing),
			"Read failed in the log of /api/renew: it quotes Meta. In user_configs they are those with failures > 0.")
	}
	return passed(dailyJob)
}

// about says how many connections are about to be lost.
func about(ending int) string {
	if ending == 0 {
		return ""
	}
	return fmt.Sprintf(" %d connection(s) that end within a week were not checked for more than a day.", ending)
}

func (s *Service) inbox(waits store.Backlog) []Check {
	switch waiting := s.age(waits.Waiting); {
	case waits.Dead != nil:
		return failed(inbox, "Events were given up after their tenth try, the first "+spoken(s.age(waits.Dead))+" ago.",
			"Read last_error of those with dead_at in public.instagram_events, mend the worker, then delete them.")
	case waiting > takenWithin:
		return failed(inbox, "An event has been waiting for a worker for "+spoken(waiting)+".",
			"Let a worker run that calls claim_instagram_events(). What nobody needs, delete with delete_old_instagram_events().")
	}
	return passed(inbox)
}

// age is how long ago a time was; zero for none.
func (s *Service) age(since *store.Timestamp) time.Duration {
	if since == nil {
		return 0
	}
	return s.Now().Sub(since.Time)
}

// spoken is an age in words.
func spoken(age time.Duration) string {
	hours := max(0, int(age.Hours()))
	switch {
	case hours >= 48:
		return fmt.Sprint(hours/24, " days")
	case hours == 1:
		return "1 hour"
	}
	return fmt.Sprint(hours, " hours")
}

// meta asks Meta whether it knows the app, where it sends events, and what time
// it is there.
func (s *Service) meta(ctx context.Context) []Check {
	var there time.Time
	subscriptions, err := s.Meta.AppSubscriptions(graph.Observe(ctx, func(answer graph.Answer) { there = answer.Date }))
	switch {
	case err != nil && graph.ClassOf(err) == graph.BadApp:
		return broken(ctx, "meta_app", err, "Meta does not accept the app: its id or secret is wrong, or Meta has blocked it.", "Open the App Dashboard (developers.facebook.com/apps): it says if the app is blocked, and why. If not, compare FB_APP_ID and FB_APP_SECRET with App settings, Basic.")
	case err != nil:
		return broken(ctx, "meta", err, "Meta does not answer as it should.", "Try again in some minutes.")
	}
	checks := append(passed("meta_app"), s.webhook(subscriptions)...)
	if skew := s.Now().Sub(there); !there.IsZero() && skew.Abs() > maxSkew {
		return append(checks, failed("clock", "The clock here and the one at Meta differ by more than a minute.", "This is the platform's: ask its support.")...)
	}
	return append(checks, passed("clock")...)
}

// webhook compares what the app is subscribed to with what it should be.
func (s *Service) webhook(subscriptions []graph.AppSubscription) []Check {
	const fix = "At Meta, under Webhooks, Instagram: enter the address of /api/webhook and WEBHOOK_VERIFY_TOKEN, and subscribe to the messages fields."
	at := slices.IndexFunc(subscriptions, func(s graph.AppSubscription) bool { return s.Object == "instagram" })
	switch {
	case at < 0:
		return failed("webhook", "The app is not subscribed to Instagram.", fix)
	case !subscriptions[at].Active:
		return failed("webhook", "Meta has switched the app's subscription off.", fix)
	case subscriptions[at].CallbackURL != s.Config.Origin+"/api/webhook":
		return failed("webhook", "Meta sends events to another address.", fix)
	case !slices.Contains(subscriptions[at].Fields, "messages"):
		return failed("webhook", "The app is not subscribed to messages.", fix)
	}
	return passed("webhook")
}
