package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// ErrSignedOut says that a token is nobody's session: missing, expired,
// forged, or its user is gone or banned.
var ErrSignedOut = errors.New("signed out")

// User asks Supabase Auth whose session a token is; only this believes a
// token. The error is ErrSignedOut or an *Error.
func (s *Store) User(ctx context.Context, token secret.String) (uuid.UUID, error) {
	if !isJWT(token.Reveal()) || strings.HasPrefix(token.Reveal(), "sb_") { // a key, which the guard would take out
		return uuid.Nil, ErrSignedOut
	}
	var body []byte
	err := s.repeated(ctx, "asking who is signed in", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/auth/v1/user", nil)
		if err != nil {
			return err
		}
		request.Header.Set("Apikey", s.key.Reveal())
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
		response, err := s.http.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err = io.ReadAll(response.Body) // the guard has bounded it
		return err
	})
	if refusedSession(err) {
		return uuid.Nil, ErrSignedOut
	}
	if err != nil {
		return uuid.Nil, err
	}
	var answer struct {
		ID uuid.UUID `json:"id"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.ID == uuid.Nil {
		return uuid.Nil, &Error{Op: "asking who is signed in", Status: http.StatusOK, cause: errNotSupabase}
	}
	return answer.ID, nil
}

// isJWT tells whether a token has the form of one: three parts in base64url.
// https://www.rfc-editor.org/rfc/rfc7519#section-3
func isJWT(token string) bool {
	parts := strings.Split(token, ".")
	return len(parts) == 3 && !slices.ContainsFunc(parts, func(part string) bool {
		return part == "" || strings.ContainsFunc(part, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
		})
	})
}

// refusedSession tells a session that Auth refuses from a key of ours that the
// gateway refuses with the same status, and from a firewall's page.
func refusedSession(err error) bool {
	var refused *Error
	if !errors.As(err, &refused) || strings.Contains(strings.ToLower(refused.Message), "api key") {
		return false
	}
	return (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden) && !errors.Is(err, errNotSupabase)
}

// Subject reads the user of a session token without checking anything: good
// for comparing with a user that was checked before, and for nothing else.
func Subject(token secret.String) (uuid.UUID, bool) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return uuid.Nil, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return uuid.Nil, false
	}
	var claims struct {
		Subject uuid.UUID `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Subject == uuid.Nil {
		return uuid.Nil, false
	}
	return claims.Subject, true
}
