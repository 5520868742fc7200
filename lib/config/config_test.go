package config

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/secret"
)

// load loads a complete environment, but for the change.
func load(change map[string]string) (*Config, Problems) {
	env := map[string]string{
		"FB_APP_ID": "1234567890", "FB_APP_SECRET": "new-secret, old-secret", "REDIRECT_URI": "https://App.example.com/api/auth/callback",
		"SUPABASE_URL": "https://abcdefgh.supabase.co/", "SUPABASE_SECRET_KEY": "sb_secret_xyz\n",
		"WEBHOOK_VERIFY_TOKEN": "a-verify-token", "CRON_SECRET": "a-cron-secret",
	}
	maps.Copy(env, change)
	return Load(func(name string) string { return env[name] })
}

const forBrowsers = "holds a key for browsers: copy the project's secret (or service_role) key into it"

func jwt(claims string) string {
	return "eyJh." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestLoadDefaults(t *testing.T) {
	t.Parallel()
	c, problems := load(nil)
	want := &Config{
		AppID: "1234567890", AppSecrets: []secret.String{secret.New("new-secret"), secret.New("old-secret")},
		RedirectURI: "https://App.example.com/api/auth/callback", Origin: "https://app.example.com",
		SupabaseURL: "https://abcdefgh.supabase.co", SupabaseKey: secret.New("sb_secret_xyz"), AuthCookie: "sb-abcdefgh-auth-token",
		SupabaseUsers:  true,
		AllowedOrigins: []string{"https://app.example.com"},
		WebhookFields:  []string{"messages", "messaging_postbacks", "message_reactions", "messaging_referrals", "message_edits", "standby"},
		Scopes:         []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"},
		VerifyToken:    secret.New("a-verify-token"), CronSecret: secret.New("a-cron-secret"),
		GraphURL: "https://graph.facebook.com/v24.0", DialogURL: "https://www.facebook.com/v24.0/dialog/oauth",
	}
	revealed := cmp.Comparer(func(a, b secret.String) bool { return a.Reveal() == b.Reveal() })
	if diff := cmp.Diff(want, c, revealed); diff != "" || problems != nil || !c.Secure() {
		t.Errorf("problems %v, secure %v (-want +got):\n%s", problems, c.Secure(), diff)
	}
}

func TestLoadValues(t *testing.T) {
	t.Parallel()
	type settings = map[string]string
	for name, c := range map[string]struct {
		change settings
		got    func(*Config) any
		want   any
	}{
		"redirect from Vercel": {settings{"REDIRECT_URI": "", "VERCEL_PROJECT_PRODUCTION_URL": "my.vercel.app"},
			func(c *Config) any { return c.RedirectURI }, "https://my.vercel.app/api/auth/callback"},
		"the public Supabase URL": {settings{"SUPABASE_URL": "", "NEXT_PUBLIC_SUPABASE_URL": "https://x.supabase.co"},
			func(c *Config) any { return c.SupabaseURL }, "https://x.supabase.co"},
		"the legacy key": {settings{"SUPABASE_SECRET_KEY": "", "SUPABASE_SERVICE_ROLE_KEY": "eyJ.a.b"},
			func(c *Config) any { return c.SupabaseKey.Reveal() }, "eyJ.a.b"},
		"a legacy key of this project": {settings{"SUPABASE_SECRET_KEY": jwt(`{"role":"service_role","ref":"abcdefgh"}`)},
			func(c *Config) any { return c.SupabaseKey.Reveal() }, jwt(`{"role":"service_role","ref":"abcdefgh"}`)},
		"a legacy key at a domain of one's own": {settings{"SUPABASE_URL": "https://db.example.com", "SUPABASE_SECRET_KEY": jwt(`{"role":"service_role","ref":"x"}`)},
			func(c *Config) any { return c.SupabaseKey.Reveal() }, jwt(`{"role":"service_role","ref":"x"}`)},
		"local Supabase's cookie": {settings{"SUPABASE_URL": "http://127.0.0.1:54321"}, func(c *Config) any { return c.AuthCookie }, "sb-127-auth-token"},
		"another cookie":          {settings{"SUPABASE_AUTH_COOKIE": "sb-mine"}, func(c *Config) any { return c.AuthCookie }, "sb-mine"},
		"origins": {settings{"ALLOWED_ORIGINS": "https://A.example/ , http://localhost:5173,https://b.example:443"},
			func(c *Config) any { return c.AllowedOrigins }, []string{"https://app.example.com", "https://a.example", "http://localhost:5173", "https://b.example"}},
		"a sign-in path": {settings{"SIGN_IN_URL": "/sign-in"}, func(c *Config) any { return c.SignInURL }, "https://app.example.com/sign-in"},
		"scopes": {settings{"FB_LOGIN_SCOPES": "instagram_basic, pages_messaging,instagram_basic"},
			func(c *Config) any { return c.Scopes }, []string{"instagram_basic", "pages_messaging"}},
		"a simulator in preview": {settings{"FB_GRAPH_URL": "http://localhost:3001/", "VERCEL_ENV": "preview", "GRAPH_API_VERSION": "v25.0"},
			func(c *Config) any { return c.GraphURL }, "http://localhost:3001/v25.0"},
		"http on localhost": {settings{"REDIRECT_URI": "http://localhost:3000/api/auth/callback"}, func(c *Config) any { return c.Secure() }, false},
	} {
		config, problems := load(c.change)
		if diff := cmp.Diff(c.want, c.got(config)); diff != "" || problems != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, problems, diff)
		}
	}
}

func TestLoadProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ variable, value, what string }{
		{"FB_APP_ID", "", "is missing"},
		{"FB_APP_ID", "12 34", "has a character that does not belong there"},
		{"FB_APP_SECRET", " , ", "is missing"},
		{"REDIRECT_URI", "", "is missing"},
		{"REDIRECT_URI", "app.example.com/api/auth/callback", "is not a complete URL"},
		{"REDIRECT_URI", "http://app.example.com/api/auth/callback", "must start with https:// (http:// only for localhost)"},
		{"REDIRECT_URI", "https://app.example.com/cb#x", "must not have a fragment"},
		{"REDIRECT_URI", "https://me:pw@app.example.com/cb", "is not a complete URL"},
		{"SUPABASE_URL", "", "is missing"},
		{"SUPABASE_URL", "https://x.supabase.co/rest/v1", "must end after the host name"},
		{"SUPABASE_URL", "/", "is not a complete URL"},
		{"SUPABASE_URL", "ftp://x.supabase.co", "must start with https:// (http:// only for localhost)"},
		{"SUPABASE_URL", "http://192.168.1.1:1\n2", "is not a complete URL"},
		{"SUPABASE_SECRET_KEY", "", "is missing"},
		// Keys in the wrong place, from public reports: Supabase's own docs show them side by side.
		{"SUPABASE_SECRET_KEY", "sb_publishable_x", forBrowsers},
		{"SUPABASE_SECRET_KEY", jwt(`{"role":"anon","ref":"abcdefgh"}`), forBrowsers},
		{"SUPABASE_SECRET_KEY", jwt(`{"role":"authenticated","sub":"x"}`), forBrowsers},
		{"SUPABASE_SECRET_KEY", jwt(`{"role":"service_role","ref":"zyxwvuts"}`), "is of another project than SUPABASE_URL"},
		{"SUPABASE_AUTH_COOKIE", "a;b", "has a character that does not belong there"},
		{"SIGN_IN_URL", "//evil.example", "must start with https:// (http:// only for localhost)"},
		{"SIGN_IN_URL", "javascript:alert(1)", "is not a complete URL"},
		{"ALLOWED_ORIGINS", "*", "is not a complete URL"},
		{"ALLOWED_ORIGINS", "null", "is not a complete URL"},
		{"ALLOWED_ORIGINS", "https://*.example.com", "is not a complete URL"},
		{"ALLOWED_ORIGINS", "https://a.example/path", "must end after the host name"},
		{"FB_LOGIN_SCOPES", "Instagram Basic", "has a character that does not belong there"},
		{"WEBHOOK_FIELDS", "messages&x=1", "has a character that does not belong there"},
		{"FB_LOGIN_CONFIG_ID", "1&2", "has a character that does not belong there"},
		{"GRAPH_API_VERSION", "24", "has a character that does not belong there"},
		{"FB_GRAPH_URL", "not a url", "is not a complete URL"},
		{"FB_DIALOG_URL", "http://evil.example", "must start with https:// (http:// only for localhost)"},
	} {
		_, problems := load(map[string]string{c.variable: c.value})
		if diff := cmp.Diff(Problems{{c.variable, c.what}}, problems); diff != "" {
			t.Errorf("%s=%s (-want +got):\n%s", c.variable, c.value, diff)
		}
		if problems.Among(Connect) == nil || problems.Among(Handshake) != nil {
			t.Errorf("%s=%s concerns Connect, and not Handshake: %v", c.variable, c.value, problems)
		}
		if len(c.value) > 3 && strings.Contains(problems.Error(), c.value) {
			t.Errorf("the value is shown: %v", problems)
		}
	}
}

func TestLoadReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, problems := Load(func(string) string { return "" })
	want := "FB_APP_ID is missing; FB_APP_SECRET is missing; REDIRECT_URI is missing; SUPABASE_URL is missing; " +
		"SUPABASE_SECRET_KEY is missing; WEBHOOK_VERIFY_TOKEN is missing; CRON_SECRET is missing"
	if problems.Error() != want {
		t.Errorf("got  %s\nwant %s", problems, want)
	}
}

func TestSimulatorRefusedInProduction(t *testing.T) {
	t.Parallel()
	_, problems := load(map[string]string{
		"VERCEL_ENV": "production", "FB_GRAPH_URL": "http://localhost:3001", "FB_DIALOG_URL": "https://other.example",
	})
	want := "FB_GRAPH_URL must not be set in production; FB_DIALOG_URL must not be set in production"
	if problems.Error() != want {
		t.Errorf("got %q", problems)
	}
}
