package store

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// ErrSignedOut says that a token is nobody's session: missing, expired,
// forged, or its user is gone or banned.
var ErrSignedOut = errors.New("signed out")

// User asks Supabase Auth whose session a token is, and returns the user's id.
// The error is [ErrSignedOut] or an *[Error].
func (s *Store) User(ctx context.Context, token secret.String) (string, error) {
	if !jwt.MatchString(token.Reveal()) || strings.HasPrefix(token.Reveal(), "sb_") { // a key, which the guard would take out
		return "", ErrSignedOut
	}
	var body []byte
	err := repeated(ctx, "asking who is signed in", func(ctx context.Context) error {
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
		return "", ErrSignedOut
	}
	if err != nil {
		return "", err
	}
	var answer struct {
		ID uuid.UUID `json:"id"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.ID == uuid.Nil {
		return "", named("asking who is signed in", notSupabase(http.StatusOK, body))
	}
	return answer.ID.String(), nil
}

// jwt is the form of a JSON Web Token: three parts in base64url.
// https://www.rfc-editor.org/rfc/rfc7519#section-3
var jwt = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// sessionRefusals are Auth's own codes for a session that is nobody's, and
// refusalStatuses what they come with: bad_jwt is a 400 where the token's sub is no
// UUID. With another status nobody says anything about the session.
// https://supabase.com/docs/guides/auth/debugging/error-codes
var (
	sessionRefusals = []string{
		"bad_jwt", "no_authorization", "session_expired", "session_not_found",
		"unexpected_audience", "user_banned", "user_not_found",
	}
	refusalStatuses = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}
)

// refusedSession tells a session that Auth refuses from a key of ours that the
// gateway before it refuses with the same status, in words of its own or in none.
// Auth has a code, or, where it is old, msg: gateways write message.
func refusedSession(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	switch {
	case !ok || !slices.Contains(refusalStatuses, refused.Status):
		return false
	case slices.Contains(sessionRefusals, refused.Code):
		return true
	}
	return refused.ofAuth && (refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden)
}
