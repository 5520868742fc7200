package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"igconnect/internal/metasim"
	"igconnect/lib/app"
	"igconnect/lib/config"
	"igconnect/lib/store"
)

// healthy plays the two functions of the database that the probes call.
func healthy(version, vault http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
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

// startHealthy is a world in which every check passes.
func startHealthy(t *testing.T) *world {
	w := start(t)
	w.supa.broken("", healthy(rightVersion, vaultWorks))
	w.subscribed(metasim.AppSubscription{})
	return w
}

// subscribed sets up the app's webhook, with what differs.
func (w *world) subscribed(s metasim.AppSubscription) {
	if s.Object == "" {
		s.Object = "instagram"
	}
	if s.CallbackURL == "" {
		s.CallbackURL = w.url + "/api/webhook"
	}
	if s.Fields == nil {
		s.Fields = []string{"messages", "messaging_postbacks"}
	}
	w.meta.SetAppSubscriptions(metasim.AppSubscription{Object: "page", CallbackURL: "https://else.example"}, s)
}

// health asks as the operator.
func (w *world) health() (answer, app.Health) {
	w.t.Helper()
	got := w.request("GET", "/api/health", map[string]string{"Authorization": "Bearer " + cronSecret}, nil)
	var health app.Health
	if err := json.Unmarshal([]byte(got.body), &health); err != nil {
		w.t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	return got, health
}

func TestHealthy(t *testing.T) {
	w := startHealthy(t)
	got, health := w.health()
	if got.StatusCode != http.StatusOK || !health.OK || health.Version != app.Version {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	names := map[string]bool{}
	for _, check := range health.Checks {
		if !check.OK || check.Problem != "" || check.Fix != "" || names[check.Name] {
			t.Errorf("%+v", check)
		}
		names[check.Name] = true
	}
	for _, name := range slices.Concat(config.Settings, []string{"redirect_uri", "supabase", "supabase_key", "migrations", "vault", "meta_app", "webhook", "clock"}) {
		if !names[name] {
			t.Errorf("no check of %s", name)
		}
	}
	w.wantNoValue(got)
}

// wantNoValue searches an answer for the value of any variable, and the log for
// those that are secret.
func (w *world) wantNoValue(got answer) {
	w.t.Helper()
	for _, variable := range config.Variables {
		value := os.Getenv(variable)
		if value != "" && strings.Contains(got.body, strings.TrimPrefix(value, "http://")) {
			w.t.Errorf("the value of %s was shown: %s", variable, got.body)
		}
	}
	for _, hidden := range []string{cronSecret, verifyToken} {
		if strings.Contains(w.logged(), hidden) {
			w.t.Error("a secret was logged")
		}
	}
}

// Each thing that can be wrong is found, by its name, with a fix.
func TestNotHealthy(t *testing.T) {
	const wrongSecret = "a-wrong-secret-that-nobody-may-see"
	supabase := func(version, vault http.HandlerFunc) func(*world) {
		return func(w *world) { w.supa.broken("", healthy(version, vault)) }
	}
	env := func(variable, value string) func(*world) { return func(w *world) { w.t.Setenv(variable, value) } }
	meta := func(o metasim.Order) func(*world) {
		return func(w *world) { o.Step = "app_subscriptions"; w.meta.Order(o) }
	}
	for _, c := range []struct {
		name    string
		set     func(*world)
		check   string // the one that fails
		problem string // part of it
		fix     string
	}{
		{"a wrong key", supabase(reply(401, `{"message":"Invalid API key"}`), vaultWorks), "supabase_key", "does not accept the key", "SUPABASE_SECRET_KEY"},
		{"a publishable key", supabase(reply(403, `{"code":"42501","message":"permission denied for function igconnect_schema_version"}`), vaultWorks), "supabase_key", "service_role", "secret key"},
		{"no migrations", supabase(reply(404, `{"code":"PGRST202","message":"Could not find the function"}`), vaultWorks), "migrations", "not there", "supabase db push"},
		{"an old version", supabase(reply(200, `"20250101000000"`), vaultWorks), "migrations", "other migrations", "supabase db push"},
		{"a paused project", supabase(reply(540, `{"message":"paused"}`), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"not Supabase", supabase(html(200), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"a gateway", supabase(html(502), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"a redirect", supabase(reply(301, ""), vaultWorks), "supabase", "does not answer", "SUPABASE_URL"},
		{"Vault gives something else", supabase(rightVersion, reply(200, "false")), "vault", "does not give back", "supabase_vault"},
		{"Vault fails", supabase(rightVersion, reply(400, `{"code":"P0001","message":"boom"}`)), "vault", "does not give back", "supabase_vault"},
		{"Supabase is not there", env("SUPABASE_URL", "http://127.0.0.1:9"), "supabase", "does not answer", "SUPABASE_URL"},
		{"Meta's secret", env("FB_APP_SECRET", wrongSecret), "meta_app", "does not accept", "FB_APP_SECRET"},
		{"Meta's app id", env("FB_APP_ID", "999"), "meta_app", "does not accept", "FB_APP_ID"},
		{"Meta fails", meta(metasim.Order{Status: 500}), "meta", "does not answer", "Try again"},
		{"Meta throttles", meta(metasim.Order{Code: 4}), "meta", "does not answer", "Try again"},
		{"Meta speaks HTML", meta(metasim.Order{Body: new("<html>")}), "meta", "does not answer", "Try again"},
		{"no webhook", func(w *world) { w.meta.SetAppSubscriptions() }, "webhook", "not subscribed to Instagram", "/api/webhook"},
		{"only Pages", func(w *world) { w.subscribed(metasim.AppSubscription{Object: "page"}) }, "webhook", "not subscribed to Instagram", "/api/webhook"},
		{"a webhook that is off", func(w *world) { w.subscribed(metasim.AppSubscription{Inactive: true}) }, "webhook", "switched", "/api/webhook"},
		{"another address", func(w *world) { w.subscribed(metasim.AppSubscription{CallbackURL: "https://old.example/api/webhook"}) }, "webhook", "another address", "/api/webhook"},
		{"no messages", func(w *world) { w.subscribed(metasim.AppSubscription{Fields: []string{"comments"}}) }, "webhook", "messages", "messages"},
		{"a clock behind", func(w *world) { w.meta.Jump(2 * time.Minute) }, "clock", "differ", "platform"},
		{"a clock ahead", func(w *world) { w.meta.Jump(-2 * time.Minute) }, "clock", "differ", "platform"},
		{"a redirect URI that leads elsewhere", func(w *world) { w.t.Setenv("REDIRECT_URI", w.url+"/somewhere") }, "redirect_uri", "does not lead", "/api/auth/callback"},
		{"a redirect URI on another host", func(w *world) {
			w.t.Setenv("REDIRECT_URI", "https://app.example/api/auth/callback")
			w.subscribed(metasim.AppSubscription{CallbackURL: "https://app.example/api/webhook"})
		}, "redirect_uri", "another host", "REDIRECT_URI"},
		{"no verify token", env("WEBHOOK_VERIFY_TOKEN", ""), "WEBHOOK_VERIFY_TOKEN", "is missing", "environment variables"},
		{"no app id", env("FB_APP_ID", ""), "FB_APP_ID", "is missing", "environment variables"},
		{"no Supabase", env("SUPABASE_URL", ""), "SUPABASE_URL", "is missing", "environment variables"},
		{"a broken list", env("WEBHOOK_FIELDS", "a b;"), "WEBHOOK_FIELDS", "character", "environment variables"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := startHealthy(t)
			c.set(w)
			got, health := w.health()
			if got.StatusCode != http.StatusServiceUnavailable || health.OK {
				t.Errorf("%d %v", got.StatusCode, health.OK)
			}
			var failed []string
			for _, check := range health.Checks {
				if check.OK {
					continue
				}
				failed = append(failed, check.Name)
				if !strings.Contains(check.Problem, c.problem) || !strings.Contains(check.Fix, c.fix) {
					t.Errorf("%+v", check)
				}
			}
			if strings.Join(failed, " ") != c.check {
				t.Errorf("%v failed, want %s", failed, c.check)
			}
			w.wantNoValue(got)
			if strings.Contains(got.body, wrongSecret) {
				t.Error("the wrong secret was shown")
			}
		})
	}
}

// Strangers learn one bit, from the settings alone, and start no call.
func TestHealthForStrangers(t *testing.T) {
	w := startHealthy(t)
	ask := func(authorization string) answer {
		return w.request("GET", "/api/health", map[string]string{"Authorization": authorization}, nil)
	}
	for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer x", "Bearer " + cronSecret + "x", "Basic " + cronSecret, "Bearer " + secretKey, "Bearer " + session(ada)} {
		if got := ask(authorization); got.StatusCode != http.StatusOK || got.body != `{"ok":true}` || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d %s", authorization, got.StatusCode, got.body)
		}
	}
	w.supa.broken("", html(502))
	w.meta.SetAppSubscriptions()
	if got := ask("Bearer x"); got.body != `{"ok":true}` {
		t.Errorf("while Supabase fails: %s", got.body)
	}
	for _, variable := range []string{"FB_APP_SECRET", "WEBHOOK_VERIFY_TOKEN", "CRON_SECRET"} {
		before := os.Getenv(variable)
		t.Setenv(variable, "")
		for _, authorization := range []string{"", "Bearer ", "Bearer x"} {
			if got := ask(authorization); got.StatusCode != http.StatusServiceUnavailable || got.body != `{"ok":false}` {
				t.Errorf("without %s: %d %s", variable, got.StatusCode, got.body)
			}
		}
		t.Setenv(variable, before)
	}
	if got := w.request("POST", "/api/health", nil, nil); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.StatusCode)
	}
	if calls := len(w.supa.seen()) + len(w.meta.Requests()); calls != 0 {
		t.Errorf("%d calls for strangers", calls)
	}
}

// The real functions of the database, in a database of their own.
func TestHealthyInLite(t *testing.T) {
	l := startLife(t)
	l.subscribed(metasim.AppSubscription{PlainFields: true})
	got, health := l.health()
	if got.StatusCode != http.StatusOK || !health.OK {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if left := sql(t, l.lite, "select 1 from vault.secrets where name like 'igconnect/%'"); len(left) != 0 {
		t.Error("the probe of Vault is left")
	}
	t.Setenv("SUPABASE_SECRET_KEY", l.lite.AnonKey)
	if _, health = l.health(); health.OK || !slices.ContainsFunc(health.Checks, func(c app.Check) bool { return c.Name == "supabase_key" && !c.OK }) {
		t.Errorf("with the publishable key: %+v", health)
	}
}
