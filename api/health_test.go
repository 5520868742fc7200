package api_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/app"
	"igconnect/lib/config"
	"igconnect/lib/health"
	"igconnect/lib/store"
)

// healthy plays the functions of the database that the probes call. Nothing waits.
func healthy(version, vault http.HandlerFunc) http.HandlerFunc {
	return waiting(version, vault, reply(200, `[{"unchecked_since":null,"waiting_since":null,"dead_since":null}]`))
}

// waiting is healthy with something that waits.
func waiting(version, vault, backlog http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/rest/v1/rpc/igconnect_backlog":
			backlog(w, r)
		case "/rest/v1/rpc/igconnect_schema_version":
			version(w, r)
		case "/rest/v1/rpc/probe_vault":
			vault(w, r)
		default:
			reply(404, `{"code":"PGRST202"}`)(w, r)
		}
	}
}

var (
	rightVersion = reply(200, `"`+store.SchemaVersion+`"`)
	vaultWorks   = reply(200, `true`)
)

// deployHealthy deploys the functions where every check passes.
func deployHealthy(t *testing.T) deployment {
	t.Helper()
	d := deploy(t)
	d.Supabase.Break("", healthy(rightVersion, vaultWorks))
	d.subscribed(metasim.AppSubscription{})
	return d
}

// subscribed sets up the app's webhook, with what differs.
func (d deployment) subscribed(s metasim.AppSubscription) {
	s.Object, s.CallbackURL = cmp.Or(s.Object, "instagram"), cmp.Or(s.CallbackURL, d.URL+"/api/webhook")
	if s.Fields == nil {
		s.Fields = []string{"messages", "messaging_postbacks"}
	}
	d.Meta.SetAppSubscriptions(metasim.AppSubscription{Object: "page", CallbackURL: "https://else.example"}, s)
}

// health asks as the operator.
func (d deployment) health() (answer, health.Report) {
	d.T.Helper()
	got := d.Send("GET", "/api/health", map[string]string{"Authorization": "Bearer " + deploytest.CronSecret}, "")
	var report health.Report
	if err := json.Unmarshal([]byte(got.Body), &report); err != nil {
		d.T.Fatalf("%d %s", got.StatusCode, got.Body)
	}
	return got, report
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	d := deployHealthy(t)
	got, report := d.health()
	if got.StatusCode != http.StatusOK || !report.OK || report.Version != app.Version {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
	names := map[string]bool{}
	for _, check := range report.Checks {
		if !check.OK || check.Problem != "" || check.Fix != "" || names[check.Name] {
			t.Errorf("%+v", check)
		}
		names[check.Name] = true
	}
	for _, name := range slices.Concat(config.Settings, config.Brand, []string{"redirect_uri", "supabase", "supabase_key", "migrations", "vault", "daily job", "inbox", "meta_app", "webhook", "clock"}) {
		if !names[name] {
			t.Errorf("no check of %s", name)
		}
	}
	d.wantNoValue(got)
}

// wantNoValue searches an answer for the value of any variable, and the log for
// those that are secret.
func (d deployment) wantNoValue(got answer) {
	d.T.Helper()
	for _, variable := range config.Variables {
		value := d.Setting(variable)
		if value != "" && strings.Contains(got.Body, strings.TrimPrefix(value, "http://")) {
			d.T.Errorf("the value of %s was shown: %s", variable, got.Body)
		}
	}
	for _, hidden := range []string{deploytest.CronSecret, deploytest.VerifyToken} {
		if strings.Contains(d.Watch.Log(), hidden) {
			d.T.Error("a secret was logged")
		}
	}
}

// Accounts that are connected and get no messages are the operator's trouble: a warning, and what to do
// about the permission.
func TestHealthWarnsOfMuteAccounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		settings map[string]string
		mute     string
		fix      string // "": no warning
	}{
		{"none", nil, "0", ""},
		{"not asked for", nil, "3", "Add pages_messaging to FB_LOGIN_SCOPES"},
		{"asked for", map[string]string{"FB_LOGIN_SCOPES": seedScopes + ",pages_messaging"}, "100", "See that Meta has approved pages_messaging"},
		{"by a configuration", map[string]string{"FB_LOGIN_CONFIG_ID": "77"}, "1", "See that Meta has approved pages_messaging"},
		{"messages are not wanted", map[string]string{"WEBHOOK_FIELDS": "feed"}, "3", ""},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deployHealthy(t)
			for name, value := range c.settings {
				d.Set(name, value)
			}
			d.Supabase.Break("", waiting(rightVersion, vaultWorks, reply(200, `[{"mute":`+c.mute+`}]`)))
			got, report := d.health()
			at := slices.IndexFunc(report.Checks, func(c health.Check) bool { return c.Name == "messages" })
			if got.StatusCode != 200 || !report.OK || at < 0 {
				t.Fatalf("%d %s", got.StatusCode, got.Body)
			}
			check := report.Checks[at]
			if warned := c.fix != ""; check.OK == warned || check.Warning != warned || !strings.HasPrefix(check.Fix, c.fix) || warned && !strings.HasPrefix(check.Problem, c.mute+" ") {
				t.Errorf("%+v", check)
			}
		})
	}
}

// Each thing that can be wrong is found, by its name, with a fix.
func TestNotHealthy(t *testing.T) {
	t.Parallel()
	const wrongSecret = "a-wrong-secret-that-nobody-may-see"
	supabase := func(version, vault http.HandlerFunc) func(deployment) {
		return func(d deployment) { d.Supabase.Break("", healthy(version, vault)) }
	}
	waits := func(column string, since time.Duration) func(deployment) {
		at := time.Now().Add(-since).UTC().Format(time.RFC3339)
		return func(d deployment) {
			d.Supabase.Break("", waiting(rightVersion, vaultWorks, reply(200, `[{"`+column+`":"`+at+`"}]`)))
		}
	}
	refusal := func(status int, code, message string) http.HandlerFunc {
		return reply(status, `{"code":"`+code+`","details":null,"hint":null,"message":"`+message+`"}`)
	}
	env := func(variable, value string) func(deployment) { return func(d deployment) { d.Set(variable, value) } }
	webhook := func(s metasim.AppSubscription) func(deployment) { return func(d deployment) { d.subscribed(s) } }
	meta := func(o metasim.Fault) func(deployment) {
		return func(d deployment) { o.Step = "app_subscriptions"; d.Meta.Inject(o) }
	}
	for _, c := range []struct {
		name                string
		set                 func(deployment)
		check, problem, fix string // the one check that fails, and parts of what it says
	}{
		{"a wrong key", supabase(reply(401, `{"message":"Invalid API key"}`), vaultWorks), "supabase_key", "does not accept the key", "SUPABASE_SECRET_KEY"},
		{"a publishable key", supabase(reply(403, `{"code":"42501","message":"permission denied for function igconnect_schema_version"}`), vaultWorks), "supabase_key", "service_role", "secret key"},
		{"no migrations", supabase(reply(404, `{"code":"PGRST202","message":"Could not find the function"}`), vaultWorks), "migrations", "not there", "supabase db push --remote"},
		{"an old version", supabase(reply(200, `"20250101000000"`), vaultWorks), "migrations", "other migrations", "supabase db push --remote"},
		{"a paused project", supabase(reply(540, `{"message":"paused"}`), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"not Supabase", supabase(html(200), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"a gateway", supabase(html(502), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"a redirect", supabase(reply(301, ""), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"Vault gives something else", supabase(rightVersion, reply(200, "false")), "vault", "does not give back", "supabase_vault"},
		{"Vault fails", supabase(rightVersion, reply(400, `{"code":"P0001","message":"boom"}`)), "vault", "does not give back", "supabase_vault"},
		// As PostgREST passes on what PostgreSQL says, by its table of statuses.
		{"a read-only database", supabase(rightVersion, refusal(405, "25006", "cannot execute INSERT in a read-only transaction")), "supabase", "read-only", "disk"},
		{"a full disk", supabase(rightVersion, refusal(503, "53100", "could not extend file: No space left on device")), "supabase", "disk is full", "delete_old_instagram_events"},
		{"no memory", supabase(rightVersion, refusal(503, "53200", "out of memory")), "supabase", "memory", "compute"},
		{"a lock", supabase(rightVersion, refusal(500, "55P03", "canceling statement due to lock timeout")), "supabase", "busy", "long transaction"},
		{"no connection left", supabase(refusal(503, "53300", "sorry, too many clients already"), vaultWorks), "supabase", "too many", "restart"},
		{"no connection in time", supabase(refusal(504, "PGRST003", "Timed out acquiring connection from connection pool."), vaultWorks), "supabase", "no connection left", "restart"},
		{"no database behind the API", supabase(refusal(503, "PGRST002", "Could not query the database for the schema cache. Retrying."), vaultWorks), "supabase", "does not reach", "dashboard"},
		{"a database that shuts down", supabase(refusal(503, "57P03", "the database system is shutting down"), vaultWorks), "supabase", "does not reach", "dashboard"},
		{"no daily job for two days", waits("unchecked_since", 49*time.Hour), "daily job", "last checked 2 days ago", "/api/renew"},
		{"no daily job for weeks", waits("unchecked_since", 15*24*time.Hour), "daily job", "15 days", "CRON_SECRET"},
		{"no worker for a day", waits("waiting_since", 25*time.Hour), "inbox", "for 25 hours", "claim_instagram_events()"},
		{"events that were given up", waits("dead_since", 72*time.Hour), "inbox", "given up after their tenth try, the first 3 days ago", "last_error"},
		{"one that was given up now", waits("dead_since", time.Hour), "inbox", "1 hour ago", "last_error"},
		{"a webhook field that Meta does not know", func(d deployment) {
			d.Supabase.Break("", waiting(rightVersion, vaultWorks, reply(200, `[{"left_out":"subscribing the Page: code 100: left out messages_seen: (#100) Param"}]`)))
		}, "webhook_fields", "left out messages_seen", "WEBHOOK_FIELDS"},
		{"tokens of another root key", func(d deployment) {
			d.Supabase.Break("", waiting(rightVersion, vaultWorks, reply(200, `[{"unchecked_since":null,"waiting_since":null,"dead_since":null,"unopened":3}]`)))
		}, "tokens", "3 saved token(s) cannot be opened", "root key"},
		{"Supabase is not there", env("SUPABASE_URL", "http://127.0.0.1:9"), "supabase", "does not answer", "SUPABASE_URL"},
		{"Meta's secret", env("FB_APP_SECRET", wrongSecret), "meta_app", "does not accept", "FB_APP_SECRET"},
		{"Meta's app id", env("FB_APP_ID", "999"), "meta_app", "does not accept", "FB_APP_ID"},
		{"Meta fails", meta(metasim.Fault{Status: 500}), "meta", "does not answer", "Try again"},
		{"Meta throttles", meta(metasim.Fault{Code: 4}), "meta", "does not answer", "Try again"},
		{"Meta speaks HTML", meta(metasim.Fault{Body: new("<html>")}), "meta", "does not answer", "Try again"},
		{"no webhook", func(d deployment) { d.Meta.SetAppSubscriptions() }, "webhook", "not subscribed to Instagram", "/api/webhook"},
		{"only Pages", webhook(metasim.AppSubscription{Object: "page"}), "webhook", "not subscribed to Instagram", "/api/webhook"},
		{"a webhook that is off", webhook(metasim.AppSubscription{Inactive: true}), "webhook", "switched", "/api/webhook"},
		{"another address", webhook(metasim.AppSubscription{CallbackURL: "https://old.example/api/webhook"}), "webhook", "another address", "/api/webhook"},
		{"no messages", webhook(metasim.AppSubscription{Fields: []string{"comments"}}), "webhook", "messages", "messages"},
		{"a clock behind", func(d deployment) { d.Meta.Jump(2 * time.Minute) }, "clock", "differ", "platform"},
		{"a clock ahead", func(d deployment) { d.Meta.Jump(-2 * time.Minute) }, "clock", "differ", "platform"},
		{"a redirect URI that leads elsewhere", func(d deployment) { d.Set("REDIRECT_URI", d.URL+"/somewhere") }, "redirect_uri", "does not lead", "/api/auth/callback"},
		{"a redirect URI on another host", func(d deployment) {
			d.Set("REDIRECT_URI", "https://app.example/api/auth/callback")
			d.subscribed(metasim.AppSubscription{CallbackURL: "https://app.example/api/webhook"})
		}, "redirect_uri", "another host", "REDIRECT_URI"},
		{"no verify token", env("WEBHOOK_VERIFY_TOKEN", ""), "WEBHOOK_VERIFY_TOKEN", "is missing", "environment variables"},
		{"no app id", env("FB_APP_ID", ""), "FB_APP_ID", "is missing", "environment variables"},
		{"no Supabase", env("SUPABASE_URL", ""), "SUPABASE_URL", "is missing", "environment variables"},
		{"a broken list", env("WEBHOOK_FIELDS", "a b;"), "WEBHOOK_FIELDS", "character", "environment variables"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deployHealthy(t)
			c.set(d)
			got, report := d.health()
			if got.StatusCode != http.StatusServiceUnavailable || report.OK {
				t.Errorf("%d %v", got.StatusCode, report.OK)
			}
			var failed []string
			for _, check := range report.Checks {
				if !check.OK {
					failed = append(failed, check.Name)
				}
				if !check.OK && (!strings.Contains(check.Problem, c.problem) || !strings.Contains(check.Fix, c.fix)) {
					t.Errorf("%+v", check)
				}
			}
			if strings.Join(failed, " ") != c.check {
				t.Errorf("%v failed, want %s", failed, c.check)
			}
			d.wantNoValue(got)
			if strings.Contains(got.Body, wrongSecret) {
				t.Error("the wrong secret was shown")
			}
		})
	}
}

// Functions far from their database work, and are slow: the report says how far it is.
func TestHealthMeasures(t *testing.T) {
	t.Parallel()
	d := deployHealthy(t)
	d.Supabase.SetLatency(80 * time.Millisecond)
	if _, report := d.health(); report.DatabaseMS < 80 {
		t.Errorf("the database is %d ms away, want 80 or more", report.DatabaseMS)
	}
	d.Supabase.Break("", html(502))
	if _, report := d.health(); report.DatabaseMS != 0 {
		t.Errorf("%d ms to a database that does not answer", report.DatabaseMS)
	}
}

// What is on its way is no backlog.
func TestHealthyBacklog(t *testing.T) {
	t.Parallel()
	d := deployHealthy(t)
	ago := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }
	d.Supabase.Break("", waiting(rightVersion, vaultWorks, reply(200, `[{"unchecked_since":"`+ago(47*time.Hour)+`","waiting_since":"`+ago(23*time.Hour)+`","dead_since":null}]`)))
	if got, report := d.health(); !report.OK {
		t.Errorf("%s", got.Body)
	}
	for _, odd := range []http.HandlerFunc{reply(200, "[]"), reply(200, "null"), reply(400, `{"code":"P0001"}`), html(200)} {
		d.Supabase.Break("", waiting(rightVersion, vaultWorks, odd))
		got, report := d.health()
		var failed []string
		for _, check := range report.Checks {
			if !check.OK {
				failed = append(failed, check.Name)
			}
		}
		if strings.Join(failed, ", ") != "daily job, inbox" {
			t.Errorf("failed: %v\n%s", failed, got.Body)
		}
	}
}

// Strangers learn one bit, from the settings alone, and start no call.
func TestHealthForStrangers(t *testing.T) {
	t.Parallel()
	d := deployHealthy(t)
	ask := func(authorization string) answer {
		return d.Send("GET", "/api/health", map[string]string{"Authorization": authorization}, "")
	}
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer x", "Bearer " + deploytest.CronSecret + "x", "Basic " + deploytest.CronSecret, "Bearer " + deploytest.SecretKey, "Bearer " + session(ada)} {
		if got := ask(authorization); got.StatusCode != 200 || got.Body != `{"ok":true}` || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d %s", authorization, got.StatusCode, got.Body)
		}
	}
	d.Supabase.Break("", html(502))
	d.Meta.SetAppSubscriptions()
	if got := ask("Bearer x"); got.Body != `{"ok":true}` {
		t.Errorf("while Supabase fails: %s", got.Body)
	}
	for _, variable := range []string{"FB_APP_SECRET", "WEBHOOK_VERIFY_TOKEN", "CRON_SECRET"} {
		before := d.Setting(variable)
		d.Set(variable, "")
		for _, authorization := range []string{"", "Bearer ", "Bearer x"} {
			if got := ask(authorization); got.StatusCode != http.StatusServiceUnavailable || got.Body != `{"ok":false}` {
				t.Errorf("without %s: %d %s", variable, got.StatusCode, got.Body)
			}
		}
		d.Set(variable, before)
	}
	d.want(d.Send("POST", "/api/health", nil, ""), 405, "method_not_allowed")
	if calls := len(d.Supabase.Requests()) + len(d.Meta.Requests()); calls != 0 {
		t.Errorf("%d calls for strangers", calls)
	}
}
