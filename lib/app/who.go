package app

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"igconnect/lib/secret"
	"igconnect/lib/store"
)

// Who asks Supabase who the app's user is, by the session that came along: as
// the Bearer of a script, in the form field access_token of a POST, or in the
// cookie of @supabase/ssr. Nothing else in a request says who somebody is.
func (c *Call) Who() (uuid.UUID, error) {
	token, err := c.session()
	if err != nil {
		return uuid.Nil, err
	}
	user, err := c.Store.User(c.R.Context(), token)
	if err == nil {
		c.Note("user_id", user)
	}
	return user, err
}

func (c *Call) session() (secret.String, error) {
	if token, ok := c.bearer(); ok {
		return token, nil
	}
	if c.R.Method == http.MethodPost {
		return secret.New(c.R.PostFormValue("access_token")), nil
	}
	token, ok := store.Session(c.R, c.Config.AuthCookie)
	if !ok {
		return token, store.ErrSignedOut
	}
	return token, nil
}

// bearer is the token that a script sent. A browser never sends one by itself.
func (c *Call) bearer() (secret.String, bool) {
	scheme, token, _ := strings.Cut(c.R.Header.Get("Authorization"), " ")
	return secret.New(strings.TrimSpace(token)), strings.EqualFold(scheme, "Bearer")
}

// ByScript tells whether a script asks, which gets an answer instead of a
// redirect.
func (c *Call) ByScript() bool {
	_, ok := c.bearer()
	return ok
}

// FromAllowedPage fails if another website made the browser send this: it
// could sign its own user in here and have a visitor's account connected to
// that one, or write with the visitor's cookies. A write by cookie or form
// must name its origin; a script with a token may come without.
func (c *Call) FromAllowedPage() error {
	origin := c.R.Header.Get("Origin")
	unnamed := origin == "" && (c.R.Method == http.MethodGet || c.ByScript())
	if unnamed || slices.Contains(c.Config.AllowedOrigins, origin) {
		return nil
	}
	return Fail(ForbiddenOrigin, errors.New("the request is not of an allowed origin"))
}

// SameUser fails if the browser now holds the session of somebody else than
// the user who began. Without a session that user counts. The session is not
// verified here: it can only stop a login, never start one.
func (c *Call) SameUser(user uuid.UUID) error {
	c.Note("user_id", user)
	token, ok := store.Session(c.R, c.Config.AuthCookie)
	if !ok {
		return nil
	}
	if now, known := store.Subject(token); known && now != user {
		return Fail(UserChanged, errors.New("the session is another user's"))
	}
	return nil
}
