// Package config reads the deployment's settings from environment variables.
// Start at [Load]: it reports every problem at once, and each function asks
// [Problems.Among] for those of the variables that it needs, so that a missing
// one breaks no other function. Problems name variables and never show values.
//
// It connects to nothing: whether a key is right is for lib/health to find out.
package config

import (
	"net/url"
	"slices"
	"strings"

	"igconnect/lib/secret"
)

// Meta's own addresses. Others are for a simulator.
const (
	MetaGraphURL  = "https://graph.facebook.com"
	MetaDialogURL = "https://www.facebook.com"
)

// RequiredScopes are the four permissions without which no account can be found,
// subscribed or answered. The product cannot do without any of them.
var RequiredScopes = []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"}

const defaultFields = "messages,messaging_postbacks,message_reactions,messaging_referrals,message_edits,standby"

// The variables by who needs them, for [Problems.Among].
var (
	// Supabase is for the store.
	Supabase = []string{"SUPABASE_URL", "SUPABASE_SECRET_KEY"}

	// Connect is for /api/login, /api/callback, /api/choose and /api/accounts.
	Connect = slices.Concat([]string{"FB_APP_ID", "FB_APP_SECRET", "REDIRECT_URI"}, Supabase, []string{
		"SUPABASE_AUTH_COOKIE", "SIGN_IN_URL", "ALLOWED_ORIGINS", "WEBHOOK_FIELDS", "FB_LOGIN_SCOPES",
		"FB_LOGIN_CONFIG_ID", "GRAPH_API_VERSION", "FB_GRAPH_URL", "FB_DIALOG_URL",
	}, Users)

	// Users say who the app's users are, where Supabase Auth does not.
	Users = []string{"VOUCH_URL", "VOUCH_SECRET", "JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL", "JWT_COOKIE"}

	// Handshake is for GET of /api/webhook, Deliveries for POST and for /api/deauthorize.
	Handshake  = []string{"WEBHOOK_VERIFY_TOKEN"}
	Deliveries = slices.Concat([]string{"FB_APP_SECRET"}, Supabase)

	// Renewal is for /api/renew, the daily job.
	Renewal = slices.Concat(Connect, []string{"CRON_SECRET"})

	// Erasures is for /api/deletion, which answers Meta with an address of ours.
	Erasures = slices.Concat(Deliveries, []string{"REDIRECT_URI"})

	// Brand is whose pages these are. No function needs one of them: where one is wrong,
	// the pages go without.
	Brand = []string{"APP_NAME", "APP_URL", "APP_LOGO_URL", "APP_ACCENT", "SUPPORT_URL", "PRIVACY_URL"}

	// Settings are all other variables that can be wrong: what /api/health lists.
	Settings = slices.Concat(Renewal, Handshake)

	// Variables are all that Load asks for.
	Variables = slices.Concat(Settings, Brand, []string{
		"NEXT_PUBLIC_SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "VERCEL_PROJECT_PRODUCTION_URL", "VERCEL_ENV",
	})
)

// Config is what the environment says. A field whose variable is missing or
// broken is empty and has a Problem.
type Config struct {
	AppID      string
	AppSecrets []secret.String // the first signs, each verifies

	RedirectURI string // as registered at Meta, byte for byte
	Origin      string // the origin of RedirectURI: ours

	SupabaseURL string // without a trailing slash
	SupabaseKey secret.String
	AuthCookie  string // name of the app's session cookie

	SupabaseUsers bool            // Supabase Auth says who the app's users are: nothing else is set
	VouchURL      string          // absolute; the app's route that vouches for its users; "" when there is none
	VouchSecrets  []secret.String // the keys of its tickets
	JWTIssuer     string          // "" when users bring no JWT of the app's own
	JWTAudience   string          // or "none", where the issuer's tokens carry none
	JWKSURL       string          // absolute
	JWTCookie     string          // name of the cookie that holds the JWT itself; "" when there is none
	Unused        Problems        // variables for users that are set, and why nothing reads them

	SignInURL      string   // absolute; "" when there is none
	AllowedOrigins []string // our own first, where that is known

	AppName    string // as pages show it; "" for neutral words, like all of these
	AppURL     string // absolute, like all of these
	LogoURL    string
	Accent     string // #rrggbb, on which white text can be read
	SupportURL string // or mailto:
	PrivacyURL string

	WebhookFields []string
	Scopes        []string
	LoginConfigID string // "" when scopes are asked for instead

	VerifyToken secret.String // of the webhook's handshake
	CronSecret  secret.String // of the cron job and the operator

	GraphURL  string // with the version: https://graph.facebook.com/v24.0
	DialogURL string // with version and path: https://www.facebook.com/v24.0/dialog/oauth
}

// Load reads the variables through getenv (os.Getenv, or a map in tests).
// White space around a value is dropped: pasted values end in newlines.
func Load(getenv func(string) string) (*Config, Problems) {
	l := &loader{getenv: getenv}
	c := &Config{
		AppID:       l.matching("FB_APP_ID", l.required("FB_APP_ID"), identifier),
		AppSecrets:  l.secrets("FB_APP_SECRET"),
		RedirectURI: l.redirectURI(),
		SupabaseURL: l.base("SUPABASE_URL", l.required("SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_URL")),
		SupabaseKey: l.secretKey(),

		WebhookFields: l.list("WEBHOOK_FIELDS", defaultFields, name),
		Scopes:        l.list("FB_LOGIN_SCOPES", strings.Join(RequiredScopes, ","), name),
		VerifyToken:   secret.New(l.required("WEBHOOK_VERIFY_TOKEN")),
		CronSecret:    secret.New(l.required("CRON_SECRET")),
		LoginConfigID: l.matching("FB_LOGIN_CONFIG_ID", l.get("FB_LOGIN_CONFIG_ID"), identifier),
	}
	c.Origin = originOf(c.RedirectURI)
	c.AuthCookie = l.authCookie(c.SupabaseURL)
	l.users(c)
	c.SignInURL = l.link("SIGN_IN_URL", c.Origin)
	c.AllowedOrigins = l.origins("ALLOWED_ORIGINS", c.Origin)

	c.AppName = l.appName()
	c.AppURL = l.link("APP_URL", c.Origin)
	c.SupportURL = l.link("SUPPORT_URL", c.Origin)
	c.PrivacyURL = l.link("PRIVACY_URL", c.Origin)
	c.Accent = l.accent()

	version := l.matching("GRAPH_API_VERSION", l.or("GRAPH_API_VERSION", "v24.0"), graphVersion)
	c.GraphURL = l.meta("FB_GRAPH_URL", MetaGraphURL) + "/" + version
	c.DialogURL = l.meta("FB_DIALOG_URL", MetaDialogURL) + "/" + version + "/dialog/oauth"
	c.LogoURL = l.logo(c.Origin, c.SimulatorOrigin() != "")
	return c, l.problems
}

// Secure reports whether the deployment is reached over https. Only localhost
// may be without.
func (c *Config) Secure() bool { return strings.HasPrefix(c.RedirectURI, "https://") }

// Hostname is our own host's name, without a port.
func (c *Config) Hostname() string {
	u, err := url.Parse(c.RedirectURI)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// DialogOrigin is where the dialog is shown.
func (c *Config) DialogOrigin() string { return originOf(c.DialogURL) }

// LogoOrigin is where the logo is; "" when there is none.
func (c *Config) LogoOrigin() string { return originOf(c.LogoURL) }

// SimulatorOrigin is where a simulator of Meta answers; "" with the real one.
func (c *Config) SimulatorOrigin() string {
	if origin := originOf(c.GraphURL); origin != MetaGraphURL {
		return origin
	}
	return ""
}

// originOf returns scheme://host[:port] of an absolute URL, in lower case and
// without a default port, or "".
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return ""
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if port := u.Port(); scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return scheme + "://" + host
}

// Problem says what is wrong with one variable, never what stands in it.
type Problem struct {
	Variable string
	What     string // continues a sentence: "is missing"
}

// Problems are all that Load found, in the order of the variables.
type Problems []Problem

// Error lists every problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Variable + " " + problem.What
	}
	return strings.Join(lines, "; ")
}

// Among returns the problems of the variables named, as an error, or nil.
func (p Problems) Among(variables []string) error {
	var found Problems
	for _, problem := range p {
		if slices.Contains(variables, problem.Variable) && !slices.Contains(found, problem) {
			found = append(found, problem)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found
}
