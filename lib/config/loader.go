package config

import (
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
	// https://www.rfc-editor.org/rfc/rfc6265#section-4.1.1 (token)
	cookieName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// loader reads variables and collects what is wrong with them.
type loader struct {
	getenv   func(string) string
	problems Problems
}

func (l *loader) get(variable string) string { return strings.TrimSpace(l.getenv(variable)) }

func (l *loader) or(variable, fallback string) string {
	if value := l.get(variable); value != "" {
		return value
	}
	return fallback
}

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

func (l *loader) redirectURI() string {
	fallback := l.get("VERCEL_PROJECT_PRODUCTION_URL")
	if fallback != "" {
		fallback = "https://" + fallback + "/api/auth/callback"
	}
	raw := l.or("REDIRECT_URI", fallback)
	if raw == "" {
		l.problem("REDIRECT_URI", "is missing")
		return ""
	}
	if u := l.absolute("REDIRECT_URI", raw); u == nil || u.Fragment != "" {
		return l.refused("REDIRECT_URI", u, "must not have a fragment")
	}
	return raw
}

// base reads the address of a service: nothing behind the host.
func (l *loader) base(variable, raw string) string {
	if raw == "" {
		return ""
	}
	raw = strings.TrimRight(raw, "/")
	if u := l.absolute(variable, raw); u == nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return l.refused(variable, u, "must end after the host name")
	}
	return raw
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
	return l.matching("SUPABASE_AUTH_COOKIE", l.or("SUPABASE_AUTH_COOKIE", "sb-"+label+"-auth-token"), cookieName)
}

func (l *loader) signInURL(origin string) string {
	raw := l.get("SIGN_IN_URL")
	if strings.HasPrefix(raw, "/") && !strings.HasPrefix(raw, "//") {
		raw = origin + raw
	}
	if raw == "" || l.absolute("SIGN_IN_URL", raw) == nil {
		return ""
	}
	return raw
}

// origins reads a list of origins, our own put first.
func (l *loader) origins(variable, own string) []string {
	origins := []string{own}
	for _, raw := range split(l.get(variable)) {
		base := l.base(variable, raw)
		if base == "" {
			continue
		}
		if origin := originOf(base); !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// absolute parses an https URL, or an http one of this machine; anything else
// is a problem.
func (l *loader) absolute(variable, raw string) *url.URL {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "" || u.User != nil || strings.Contains(raw, "*"):
		l.problem(variable, "is not a complete URL")
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return u
	default:
		l.problem(variable, "must start with https:// (http:// only for localhost)")
	}
	return nil
}

// refused notes what is wrong with a URL that absolute let through.
func (l *loader) refused(variable string, u *url.URL, what string) string {
	if u != nil {
		l.problem(variable, what)
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
