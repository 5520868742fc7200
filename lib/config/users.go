package config

import (
	"net/url"
	"strings"

	"igconnect/lib/secret"
)

// minVouchSecret is the shortest key of HS256, in bytes.
// https://www.rfc-editor.org/rfc/rfc7518#section-3.2
const minVouchSecret = 32

// users reads who says who the app's users are. With none of it Supabase Auth does.
func (l *loader) users(c *Config) {
	c.VouchURL = vouchURL(l, c.Origin)
	c.JWTIssuer = l.get("JWT_ISSUER") // compared byte for byte, and not always a URL
	vouched, issued := l.get("VOUCH_URL") != "", l.get("JWT_ISSUER") != ""
	c.SupabaseUsers = !vouched && !issued
	if !c.SupabaseUsers {
		unused(l, c, "Supabase Auth is not asked", "SUPABASE_AUTH_COOKIE")
	}
	if vouched {
		c.VouchSecrets = vouchSecrets(l)
		unused(l, c, "VOUCH_URL takes its place", "SIGN_IN_URL")
	} else {
		unused(l, c, "VOUCH_URL is not set", "VOUCH_SECRET")
	}
	if !issued {
		unused(l, c, "JWT_ISSUER is not set", "JWT_AUDIENCE", "JWT_JWKS_URL", "JWT_COOKIE")
		return
	}
	c.JWTAudience = l.required("JWT_AUDIENCE")
	c.JWTCookie = l.matching("JWT_COOKIE", l.get("JWT_COOKIE"), cookieName)
	c.JWKSURL = keysURL(l, c.JWTIssuer)
}

// unused remembers which of the variables are set though nothing reads them, and why that is so.
func unused(l *loader, c *Config, why string, variables ...string) {
	for _, variable := range variables {
		if l.get(variable) != "" {
			c.Unused = append(c.Unused, Problem{variable, "has no effect: " + why})
		}
	}
}

func vouchURL(l *loader, origin string) string {
	const variable = "VOUCH_URL"
	return withoutFragment(l, variable, onOwnHost(l.get(variable), origin))
}

func vouchSecrets(l *loader) []secret.String {
	const variable = "VOUCH_SECRET"
	secrets := l.secrets(variable)
	for _, key := range secrets {
		if len(key.Reveal()) < minVouchSecret {
			l.problem(variable, "is shorter than 32 bytes: make one with openssl rand -base64 32")
			return nil
		}
	}
	return secrets
}

// keysURL reads where the issuer's keys are: by default where most have them.
func keysURL(l *loader, issuer string) string {
	const variable = "JWT_JWKS_URL"
	if raw := l.get(variable); raw != "" {
		return withoutFragment(l, variable, raw)
	}
	if u, err := url.Parse(issuer); err != nil || u.Host == "" {
		l.problem(variable, "is missing: JWT_ISSUER is no URL that it could be made of")
		return ""
	}
	return withoutFragment(l, variable, strings.TrimSuffix(issuer, "/")+"/.well-known/jwks.json")
}
