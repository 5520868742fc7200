package health

import (
	"context"
	"errors"

	"igconnect/lib/identity"
)

// users names the sources that say who the app's users are.
func (s *Service) users() (sources []string) {
	if s.Config.SupabaseUsers {
		sources = append(sources, "supabase")
	}
	if s.Config.JWTIssuer != "" {
		sources = append(sources, "jwt")
	}
	if s.Config.VouchURL != "" {
		sources = append(sources, "vouch")
	}
	return sources
}

// keys looks whether the keys of the app's issuer are to be had, and one of them can be used.
func (s *Service) keys(ctx context.Context) []Check {
	if s.Keys == nil {
		return nil
	}
	switch err := s.Keys(ctx); {
	case errors.Is(err, identity.ErrNoKey):
		return broken(ctx, "jwks", err, "JWT_JWKS_URL leads to a key set without any key that can be used.",
			"Set JWT_JWKS_URL to the key set of JWT_ISSUER, or let the issuer sign with ES256, RS256 (2048 "+
				"bits or more) or EdDSA.")
	case err != nil:
		return broken(ctx, "jwks", err, "The keys of JWT_ISSUER are not to be had at JWT_JWKS_URL.",
			"Set JWT_JWKS_URL to the address of the key set itself (jwks_uri in the issuer's "+
				"/.well-known/openid-configuration): it must answer 200 and JSON, without a redirect.")
	}
	return passed("jwks")
}
