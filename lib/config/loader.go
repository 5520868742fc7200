package config

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"igconnect/lib/secret"
)

var (
	identifier   = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
	name         = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	graphVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+$`)
	emailLink    = regexp.MustCompile(`^mailto:[^\s@?&"<>]+@[^\s@?&"<>]+$`)
	// https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1 (token)
	cookieName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// loader reads variables and collects what is wrong with them.
type loader struct {
	getenv   func(string) string
	problems Problems
}

func (l *loader) get(variable string) string { return strings.TrimSpace(l.getenv(variable)) }

func (l *loader) or(variable, fallback string) string { return cmp.Or(l.get(variable), fallback) }

func (l *loader) problem(variable, what string) {
	l.problems = append(l.problems, Problem{Variable: variable, What: what})
}

// required returns the first of the variables that is set; the first one's
// name stands for all of them in a problem.
func (l *loader) required(variables ...string) string {
	for _, variable := range variables {
		if value := l.get(variable); value != "" {
			return value
		}
	}
	l.problem(variables[0], "is missing")
	return ""
}

// matching lets an empty value pass: that one is missing, or optional.
func (l *loader) matching(variable, value string, pattern *regexp.Regexp) string {
	if value == "" || pattern.MatchString(value) {
		return value
	}
	l.problem(variable, "has a character that does not belong there")
	return ""
}

func (l *loader) list(variable, fallback string, pattern *regexp.Regexp) []string {
	var values []string
	for _, value := range split(l.or(variable, fallback)) {
		if value = l.matching(variable, value, pattern); value != "" && !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values
}

func (l *loader) secrets(variable string) []secret.String {
	var secrets []secret.String
	for _, value := range split(l.get(variable)) {
		secrets = append(secrets, secret.New(value))
	}
	if len(secrets) == 0 {
		l.problem(variable, "is missing")
	}
	return secrets
}

// secretKey reads the key of the store, and tells those that can't be it: the
// older keys are JWTs that name their role and project.
// https://supabase.com/docs/guides/api/api-keys
func (l *loader) secretKey() secret.String {
	const variable = "SUPABASE_SECRET_KEY"
	key := l.required(variable, "SUPABASE_SERVICE_ROLE_KEY")
	var claims struct{ Role, Ref string }
	if parts := strings.Split(key, "."); len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims) // of anything else Supabase says what it is
	}
	project := originOf(l.or("SUPABASE_URL", l.get("NEXT_PUBLIC_SUPABASE_URL")))
	switch {
	case strings.HasPrefix(key, "sb_publishable_") || claims.Role == "anon" || claims.Role == "authenticated":
		l.problem(variable, "holds a key for browsers: copy the project's secret (or service_role) key into it")
	case claims.Ref != "" && strings.HasSuffix(project, ".supabase.co") && project != "https://"+claims.Ref+".supabase.co":
		l.problem(variable, "is of another project than SUPABASE_URL")
	default:
		return secret.New(key)
	}
	return secret.String{}
}

func (l *loader) redirectURI() string {
	fallback := l.get("VERCEL_PROJECT_PRODUCTION_URL")
	if fallback != "" {
		fallback = "https://" + fallback + "/api/auth/callback"
	}
	raw := l.or("REDIRECT_URI", fallback)
	if raw == "" {
		l.problem("REDIRECT_URI", "is missing")
	}
	return withoutFragment(l, "REDIRECT_URI", raw)
}

// withoutFragment reads a whole address, to which parameters may be added.
func withoutFragment(l *loader, variable, raw string) string {
	return l.absolute(variable, raw, func(u *url.URL) bool { return u.Fragment == "" }, "must not have a fragment")
}

// base reads the address of a service: nothing behind the host.
func (l *loader) base(variable, raw string) string {
	bare := func(u *url.URL) bool { return u.Path == "" && u.RawQuery == "" && u.Fragment == "" }
	raw = cmp.Or(strings.TrimRight(raw, "/"), raw)
	return l.absolute(variable, raw, bare, "must end after the host name")
}

// meta reads a base address of Meta. A simulator must never stand in
// production: it would be handed the app secret.
func (l *loader) meta(variable, real string) string {
	base := l.base(variable, l.or(variable, real))
	if base != real && l.get("VERCEL_ENV") == "production" {
		l.problem(variable, "must not be set in production")
	}
	return base
}

func (l *loader) authCookie(supabaseURL string) string {
	u, err := url.Parse(supabaseURL)
	if err != nil {
		return ""
	}
	label, _, _ := strings.Cut(u.Hostname(), ".")
	const variable = "SUPABASE_AUTH_COOKIE"
	return l.matching(variable, l.or(variable, "sb-"+label+"-auth-token"), cookieName)
}

// link reads the address of a page: a URL, or a path of our own host. Only support may be an
// e-mail address.
func (l *loader) link(variable, origin string) string {
	raw := l.get(variable)
	if variable == "SUPPORT_URL" && strings.HasPrefix(raw, "mailto:") {
		return l.matching(variable, raw, emailLink)
	}
	return l.absolute(variable, onOwnHost(raw, origin), func(*url.URL) bool { return true }, "")
}

// onOwnHost completes the path of a page of our own host.
func onOwnHost(raw, origin string) string {
	if strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//") {
		return origin + raw
	}
	return raw
}

// origins reads a list of origins, our own put first.
func (l *loader) origins(variable, own string) []string {
	var origins []string
	if own != "" { // else a request that names no origin would be of an allowed one
		origins = append(origins, own)
	}
	for _, raw := range split(l.get(variable)) {
		if origin := originOf(l.base(variable, raw)); origin != "" && !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// absolute returns an https URL, or an http one of this machine, that fits the
// rule. An empty one passes: it is missing, or optional. Anything else is a
// problem, and "".
func (l *loader) absolute(variable, raw string, fits func(*url.URL) bool, rule string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
	case err != nil || u.Hostname() == "" || u.Opaque != "" || u.User != nil || strings.Contains(raw, "*"):
		l.problem(variable, "is not a complete URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		l.problem(variable, "must start with https:// (http:// only for localhost)")
	case !fits(u):
		l.problem(variable, rule)
	default:
		return raw
	}
	return ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func split(list string) []string {
	var values []string
	for value := range strings.SplitSeq(list, ",") {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}
