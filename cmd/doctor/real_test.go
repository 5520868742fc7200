package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/deploytest"
	"igconnect/internal/leaks"
	"igconnect/internal/metasim"
	"igconnect/internal/supalite/supalitetest"
	"igconnect/lib/app"
)

func TestMain(m *testing.M) {
	os.Exit(leaks.Main(func() int { return supalitetest.Run(m) }))
}

// The doctor finds a whole deployment well, and each hole in it.
func TestRealDeployment(t *testing.T) {
	lite := supalitetest.Shared(t)
	at := deploytest.New(t, deploytest.Options{Lite: lite})
	at.Meta.SetAppSubscriptions(metasim.AppSubscription{Object: "instagram", CallbackURL: at.URL + "/api/webhook", Fields: []string{"messages"}})
	secrets := map[string]string{
		"CRON_SECRET": deploytest.CronSecret, "DOCTOR_SESSION": at.Account.AccessToken,
		"SUPABASE_URL": lite.URL, "SUPABASE_PUBLISHABLE_KEY": lite.AnonKey,
	}
	d, err := newDoctor(at.URL, "", func(name string) string { return secrets[name] })
	if err != nil {
		t.Fatal(err)
	}

	examine := func() []string {
		lines := slices.DeleteFunc(notPassed(d.examine(t.Context())), func(line string) bool {
			return strings.Contains(line, "round trip to the database") // this machine may be busy
		})
		at.Watch.See("the doctor's lines", []byte(strings.Join(lines, "\n")))
		return lines
	}

	well := []string{
		"note version: " + app.Version,
		"note users: supabase",
		"unchecked http leads to https: This is on your own machine.",
		"note pages_messaging: It is not asked for. An account can be connected, but new messages may not reach us.",
		"note business_management: It is not asked for. We may not see Pages that belong to a company or an agency, nor the Instagram accounts behind them.",
	}
	if diff := cmp.Diff(well, examine()); diff != "" {
		t.Error(diff)
	}

	// Holes, in the database (which ends with this package's tests) and in the set-up.
	at.SQL("grant execute on function public.get_instagram_token(text) to anon")
	at.SQL("grant execute on function public.claim_instagram_events(integer, interval) to authenticated")
	at.Meta.SetAppSubscriptions()
	at.Set("WEBHOOK_VERIFY_TOKEN", "")
	at.Set("FB_LOGIN_SCOPES", "instagram_basic,pages_show_list,pages_manage_metadata,pages_messaging,business_management")
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
