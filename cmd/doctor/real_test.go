package main

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"igconnect/internal/functions"
	"igconnect/internal/leaks/leakstest"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/internal/vercelsim"
	"igconnect/lib/app"
)

func TestMain(m *testing.M) {
	os.Exit(leakstest.Main(func() int { return supalitetest.Run(m) }))
}

// deployed is the real functions on the simulated platform, with Meta
// simulated and Supabase Lite.
func deployed(t *testing.T, lite *supalite.Server) (url string, meta *metasim.Sim, watch *leakstest.Watch) {
	t.Helper()
	deployment, err := vercelsim.Open("../..", functions.All)
	if err != nil {
		t.Fatal(err)
	}
	watch = leakstest.New(t)
	at := httptest.NewServer(watch.Responses(deployment))
	meta = metasim.New(metasim.Config{AppID: "1234567890", AppSecret: appSecret, RedirectURIs: []string{at.URL + "/api/auth/callback"}})
	graph := httptest.NewServer(meta)
	t.Cleanup(func() {
		meta.Close()
		graph.Close()
		at.Close()
		watch.Know(map[string]string{
			"FB_APP_SECRET": appSecret, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret, "SUPABASE_SECRET_KEY": lite.ServiceKey,
		})
	})
	meta.SetAppSubscriptions(metasim.AppSubscription{Object: "instagram", CallbackURL: at.URL + "/api/webhook", Fields: []string{"messages"}})
	for name, value := range map[string]string{
		"FB_APP_ID": "1234567890", "FB_APP_SECRET": appSecret, "REDIRECT_URI": at.URL + "/api/auth/callback",
		"SUPABASE_URL": lite.URL, "SUPABASE_SECRET_KEY": lite.ServiceKey, "WEBHOOK_VERIFY_TOKEN": verifyToken, "CRON_SECRET": cronSecret,
		"FB_GRAPH_URL": graph.URL, "FB_DIALOG_URL": graph.URL,
		"SIGN_IN_URL": "", "ALLOWED_ORIGINS": "", "WEBHOOK_FIELDS": "", "FB_LOGIN_SCOPES": "", "FB_LOGIN_CONFIG_ID": "", "VERCEL_ENV": "", "SUPABASE_AUTH_COOKIE": "",
	} {
		t.Setenv(name, value)
	}
	return at.URL, meta, watch
}

func TestRealDeployment(t *testing.T) {
	lite := supalitetest.Shared(t)
	url, meta, watch := deployed(t, lite)
	user, err := lite.SignUp(t.Context(), uuid.NewString()+"@example.com", "a-password-for-tests")
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"CRON_SECRET": cronSecret, "DOCTOR_SESSION": user.AccessToken, "SUPABASE_URL": lite.URL, "SUPABASE_PUBLISHABLE_KEY": lite.AnonKey}
	d, err := newDoctor(url, "", func(name string) string { return secrets[name] })
	if err != nil {
		t.Fatal(err)
	}

	examine := func() []string {
		lines := ill(d.examine(t.Context()))
		watch.See("the doctor's lines", []byte(strings.Join(lines, "\n")))
		return lines
	}
	watch.Know(map[string]string{"the session": user.AccessToken})

	well := []string{
		"note version: " + app.Version,
		"unchecked http leads to https: This is on your own machine.",
		"note pages_messaging: It is not asked for. An account can be connected, but new messages may not reach us.",
		"note business_management: It is not asked for. We may not see Pages that belong to a company or an agency, nor the Instagram accounts behind them.",
	}
	if diff := cmp.Diff(well, ill(d.examine(t.Context()))); diff != "" {
		t.Error(diff)
	}

	// Holes, in the database (which ends with this package's tests) and in the
	// set-up.
	open := func(statement string) {
		if _, err := lite.SQL(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	open("grant execute on function public.get_instagram_token(text) to anon")
	open("grant execute on function public.claim_instagram_events(integer, interval) to authenticated")
	meta.SetAppSubscriptions()
	t.Setenv("WEBHOOK_VERIFY_TOKEN", "")
	t.Setenv("FB_LOGIN_SCOPES", "instagram_basic,pages_show_list,pages_manage_metadata,pages_messaging,business_management")
	var wrong []string
	for _, line := range examine() {
		if line, ok := strings.CutPrefix(line, "wrong "); ok {
			wrong = append(wrong, line)
		}
	}
	want := []string{
		"WEBHOOK_VERIFY_TOKEN: WEBHOOK_VERIFY_TOKEN is missing.",
		"webhook: The app is not subscribed to Instagram.",
		"webhook refuses a wrong token: It is not set up: a setting that it needs is missing or broken.",
		"instagram_manage_messages: It is not asked for. We cannot read or answer the messages of your Instagram account.",
		"anon: get_instagram_token: The role anon reaches it.",
		"authenticated: claim_instagram_events: The role authenticated reaches it.",
	}
	if diff := cmp.Diff(want, wrong); diff != "" {
		t.Error(diff)
	}
}
