package main

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/lib/config"
)

// usual are the options without flags, with a folder of the test's own.
func usual(t *testing.T, e env) options {
	at := addresses{main: "localhost:3000", supabase: "127.0.0.1:54321", meta: "localhost:3001"}
	return options{root: "../..", at: at, data: t.TempDir(), env: e, log: os.Stderr}
}

var appKeys = supalite.Keys{PublishableKey: "the-publishable-key", SecretKey: "the-secret-key"}

// TestSettings shows what becomes of .env while all is simulated.
func TestSettings(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  env
		want env // of what matters to the test
	}{
		"nothing": {env{}, env{
			"VERCEL_ENV": "development", "REDIRECT_URI": "http://localhost:3000/api/auth/callback", "SIGN_IN_URL": "http://localhost:3000/dev/sign-in",
			"FB_GRAPH_URL": "http://localhost:3001", "FB_DIALOG_URL": "http://localhost:3001",
			"SUPABASE_URL": "http://127.0.0.1:54321", "SUPABASE_SECRET_KEY": "the-secret-key",
		}},
		"all that is honoured": {env{
			"REDIRECT_URI": "http://localhost:4000/api/auth/callback", "SIGN_IN_URL": "http://localhost:4000/sign-in",
			"ALLOWED_ORIGINS": "http://localhost:4000", "CRON_SECRET": "c", "WEBHOOK_VERIFY_TOKEN": "w", "WEBHOOK_FIELDS": "messages",
			"FB_LOGIN_SCOPES": "a,b", "GRAPH_API_VERSION": "v25.0", "SUPABASE_AUTH_COOKIE": "x",
		}, env{
			"REDIRECT_URI": "http://localhost:4000/api/auth/callback", "SIGN_IN_URL": "http://localhost:4000/sign-in",
			"ALLOWED_ORIGINS": "http://localhost:4000", "CRON_SECRET": "c", "WEBHOOK_VERIFY_TOKEN": "w", "WEBHOOK_FIELDS": "messages",
			"FB_LOGIN_SCOPES": "a,b", "GRAPH_API_VERSION": "v25.0", "SUPABASE_AUTH_COOKIE": "x",
		}},
		"another port of this host": {
			env{"REDIRECT_URI": "http://localhost:4000/api/auth/callback"}, env{"SIGN_IN_URL": "http://localhost:3000/dev/sign-in"},
		},
		"a host that leads here": {
			env{"REDIRECT_URI": "https://dev.example.com/api/auth/callback"}, env{"SIGN_IN_URL": "https://dev.example.com/dev/sign-in"},
		},
		"no address": {env{"REDIRECT_URI": "::"}, env{"REDIRECT_URI": "::", "SIGN_IN_URL": "http://localhost:3000/dev/sign-in"}},
		"what is overridden": {
			env{"FB_GRAPH_URL": "https://graph.facebook.com", "FB_DIALOG_URL": "https://evil.example", "VERCEL_ENV": "production"},
			env{"FB_GRAPH_URL": "http://localhost:3001", "FB_DIALOG_URL": "http://localhost:3001", "VERCEL_ENV": "development"},
		},
		"the real Meta": {
			env{"FB_APP_ID": "1", "FB_APP_SECRET": "s"},
			env{"FB_APP_SECRET": "s", "FB_GRAPH_URL": "", "CRON_SECRET": "", "SUPABASE_URL": "http://127.0.0.1:54321"},
		},
		"the real Supabase": {
			env{"SUPABASE_URL": "https://p.supabase.co", "SUPABASE_SECRET_KEY": "k"},
			env{"SUPABASE_URL": "https://p.supabase.co", "SUPABASE_SECRET_KEY": "k", "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY": "", "FB_APP_ID": "1234567890"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := usual(t, tt.env)
			at, err := o.urls()
			if err != nil {
				t.Fatal(err)
			}
			before, got := maps.Clone(tt.env), o.settings(at, appKeys)
			for name, want := range tt.want {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
			if !maps.Equal(before, tt.env) {
				t.Error("what .env says was changed")
			}
		})
	}
}

// TestOverridden shows that what has no effect is said, and only that.
func TestOverridden(t *testing.T) {
	t.Parallel()
	o := usual(t, env{
		"FB_GRAPH_URL": "https://graph.facebook.com", "FB_DIALOG_URL": "https://www.facebook.com", "VERCEL_ENV": "production",
		"SIGN_IN_URL": "/sign-in", "CRON_SECRET": "c",
	})
	at, _ := o.urls()
	want := []string{
		"FB_DIALOG_URL in .env has no effect here: it is http://localhost:3001.",
		"FB_GRAPH_URL in .env has no effect here: it is http://localhost:3001.",
		"VERCEL_ENV in .env has no effect here: it is development.",
	}
	if diff := cmp.Diff(want, o.overridden(o.settings(at, appKeys))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPrintEnv shows which lines an app gets, and that they stay the same.
func TestPrintEnv(t *testing.T) {
	t.Parallel()
	all := []string{
		"NEXT_PUBLIC_SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY", "IGCONNECT_URL",
		"WEBHOOK_VERIFY_TOKEN", "CRON_SECRET", "FB_APP_SECRET", "FB_GRAPH_URL",
	}
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(names, name) })
	}
	for name, tt := range map[string]struct {
		env    env
		addr   string
		names  []string
		values env
	}{
		"simulated":             {env{}, "localhost:3000", all, env{"IGCONNECT_URL": "http://localhost:3000", "NEXT_PUBLIC_SUPABASE_URL": "http://127.0.0.1:54321"}},
		"another port":          {env{}, ":4000", all, env{"IGCONNECT_URL": "http://localhost:4000"}},
		"any port":              {env{}, "localhost:0", without("IGCONNECT_URL"), nil},
		"the app's own address": {env{"REDIRECT_URI": "http://localhost:4000/api/auth/callback"}, "localhost:3000", all, env{"IGCONNECT_URL": "http://localhost:3000"}},
		"secrets of .env": {env{"CRON_SECRET": "it's $5 `x` \"#\"", "WEBHOOK_VERIFY_TOKEN": "a b"}, "localhost:3000", all,
			env{"CRON_SECRET": "it's $5 `x` \"#\"", "WEBHOOK_VERIFY_TOKEN": "a b"}},
		"a real project": {env{"SUPABASE_URL": "https://p.supabase.co", "SUPABASE_SECRET_KEY": "k"}, "localhost:3000",
			without("NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"), env{"NEXT_PUBLIC_SUPABASE_URL": "https://p.supabase.co", "SUPABASE_SECRET_KEY": "k"}},
		"the real Meta": {env{"FB_APP_ID": "1", "FB_APP_SECRET": "s", "CRON_SECRET": "c"}, "localhost:3000",
			without("WEBHOOK_VERIFY_TOKEN", "FB_GRAPH_URL"), env{"FB_APP_SECRET": "s", "CRON_SECRET": "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := usual(t, tt.env)
			o.at.main = tt.addr
			first, again := printed(t, o), printed(t, o)
			got, err := parseEnv(first)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(tt.names)), slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("the variables (-want +got):\n%s", diff)
			}
			for name, want := range tt.values {
				if got[name] != want {
					t.Errorf("%s is %q, want %q", name, got[name], want)
				}
			}
			if first != again {
				t.Errorf("it changed from\n%sto\n%s", first, again)
			}
			o.fresh = true
			if fresh := printed(t, o); first != fresh {
				t.Errorf("-fresh changed it to\n%s", fresh)
			}
		})
	}
	if first, other := printed(t, usual(t, env{})), printed(t, usual(t, env{})); first == other {
		t.Error("two folders have the same secrets")
	}
}

func printed(t *testing.T, o options) string {
	t.Helper()
	var b strings.Builder
	if err := o.printEnv(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHeldPort shows that a start ends at a port that somebody else has, and says what to do.
func TestHeldPort(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for flag, tt := range map[string]struct {
		at   addresses
		want string
	}{
		"-addr":          {addresses{held.Addr().String(), "127.0.0.1:0", "localhost:0"}, "the dev server of an app"},
		"-supabase-addr": {addresses{"localhost:0", held.Addr().String(), "localhost:0"}, "the Supabase CLI's stack"},
		"-meta-addr":     {addresses{"localhost:0", "127.0.0.1:0", held.Addr().String()}, "the dev server of an app"},
	} {
		o := usual(t, env{})
		o.at = tt.at
		_, err := start(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), flag+" 127.0.0.1:") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// TestHeldFolder shows that the folder of a server that runs is refused before any port is looked
// at, and that it is free after that one has gone.
func TestHeldFolder(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	o := usual(t, env{})
	o.at.main = held.Addr().String()
	unlock, err := lockData(o.data)
	if err != nil {
		t.Fatal(err)
	}
	if err := nameHolder(o.data, "http://localhost:3000"); err != nil {
		t.Fatal(err)
	}
	_, err = start(t.Context(), o)
	want := "a dev server already runs on the data in " + o.data + ": process " + strconv.Itoa(os.Getpid()) + " at http://localhost:3000."
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a start that fails gives the folder back
		if _, err = start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "-addr") {
			t.Errorf("after that one has gone: %v", err)
		}
	}
}

// TestRedirectURI shows that the simulated Meta lets people back to the address that .env names, on
// another origin, while the server stays where it is.
func TestRedirectURI(t *testing.T) {
	t.Parallel()
	const callback = "http://localhost:4000/api/auth/callback"
	o := usual(t, env{
		"REDIRECT_URI": callback, "SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_SECRET_KEY": "sb_secret_nobody-listens-there",
		"FB_GRAPH_URL": "https://graph.facebook.com",
	})
	o.at = anyPorts
	s, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	dialog := func(redirectURI string) string {
		query := url.Values{
			"client_id": {s.env["FB_APP_ID"]}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "state": {"x"},
			"scope": {strings.Join(config.RequiredScopes, ",")},
		}
		return s.env["FB_DIALOG_URL"] + "/v24.0/dialog/oauth?" + query.Encode()
	}
	back, err := s.meta.Approve(t.Context(), dialog(callback), metasim.Approval{})
	if err != nil || !strings.HasPrefix(back, callback+"?") {
		t.Errorf("people come back to %q, %v", back, err)
	}
	if back, err := s.meta.Approve(t.Context(), dialog(s.at.main+"/api/auth/callback"), metasim.Approval{}); err == nil {
		t.Errorf("an address that .env does not name: back to %q", back)
	}
	var said strings.Builder
	s.announce(&said, o)
	for _, want := range []string{
		"Connect an account   " + s.at.main + "/\n", "REDIRECT_URI in .env says http://localhost:4000: /api/ of that address must lead to " + s.at.main + ".",
		"FB_GRAPH_URL in .env has no effect here: it is " + s.at.meta + ".",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q but\n%s", want, &said)
		}
	}
	o.at = addresses{strings.TrimPrefix(s.at.main, "http://"), anyPorts.supabase, strings.TrimPrefix(s.at.meta, "http://")}
	if block := s.env.forApp(s.at); printed(t, o) != block {
		t.Errorf("-env prints\n%sand not what the server that runs uses:\n%s", printed(t, o), block)
	}
	if strings.Contains(said.String(), "sb_secret_") {
		t.Errorf("it shows a real secret:\n%s", &said)
	}
}

// TestRefusedOrigin shows that who develops an app finds in one line of the output why the app's
// page is refused, and which setting lets it in.
func TestRefusedOrigin(t *testing.T) {
	t.Parallel()
	log := &keptLog{}
	o := usual(t, env{
		"FB_APP_ID": "1234567890", "FB_APP_SECRET": "nobody-is-asked", "SUPABASE_URL": "http://127.0.0.1:1",
		"SUPABASE_SECRET_KEY": "sb_secret_nobody-listens-there",
	})
	o.at, o.log = anyPorts, log
	s, err := start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	header := map[string]string{"Origin": "http://localhost:5173"}
	res, _, err := ask(t.Context(), http.DefaultClient, http.MethodOptions, s.at.main+"/api/accounts", header, "")
	if err != nil || res.StatusCode != http.StatusForbidden {
		t.Fatalf("%v, %v", res, err)
	}
	said := string(log.bytes())
	const why = "the page that asks is at http://localhost:5173, which is not in ALLOWED_ORIGINS"
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, why) {
		t.Errorf("the output is %q, want one line with %q", said, why)
	}
}
