// Package identity finds out who the app's user is, by what a request brought
// along. It decides nothing else: what the user may do is the flows' business,
// and who operates the deployment is lib/web's. Start at [Source].
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"unicode"
	"unicode/utf8"

	"igconnect/lib/secret"
)

var (
	// ErrSignedOut says that a request brought no session, or one that is nobody's:
	// expired, forged, of another app, or its user is gone or banned.
	ErrSignedOut = errors.New("signed out")
	// ErrTicket says that a ticket is none of the app's backend, for us, now.
	ErrTicket = errors.New("ticket rejected")
	// ErrUnavailable says that the app's keys are not to be had, and none are cached.
	ErrUnavailable = errors.New("the app's keys are not available")
	// ErrNoKey says that the app publishes keys, and none that can be used.
	ErrNoKey = errors.New("the app publishes no usable key")
)

// User is the app's user. Its JSON is for what seals one among other things.
type User struct {
	ID   string `json:"user"`                // the app's own id, see [ValidID]
	Name string `json:"user_name,omitempty"` // what pages call the user; only a ticket says it
}

// Source says who the app's user is: [Supabase], [JWT] or [Tickets].
type Source interface {
	// CurrentUser returns the id of the user whose verified session came along. The
	// error is [ErrSignedOut], [ErrUnavailable], [ErrNoKey] or one of Supabase Auth's
	// client, and holds nothing of a token.
	CurrentUser(ctx context.Context, c Credentials) (user string, err error)
	// OnlyOthers reports whether the session cookie names users, and none of them this
	// one. Nothing is verified: it is good for noticing that somebody else has signed
	// in meanwhile, and for nothing else.
	OnlyOthers(cookies []*http.Cookie, user string) bool
}

// Credentials are what a request brought along to say whose it is. Nothing else
// in a request says who somebody is: an id or an e-mail address in a query never
// does.
type Credentials struct {
	Bearer  *secret.String // of a script's Authorization header, which a browser never sends by itself; else nil
	Form    *secret.String // the form field access_token of a POST; nil for other methods
	Cookies []*http.Cookie
}

// maxID bounds a user's id, in code points, as char_length counts them in the database.
const maxID = 255

// ValidID returns an error for a text that can be no user's id: it must have 1 to 255
// code points of valid UTF-8, and no control character (category Cc).
func ValidID(id string) error {
	switch length := utf8.RuneCountInString(id); {
	case !utf8.ValidString(id):
		return errors.New("the id is not UTF-8")
	case length == 0:
		return errors.New("the id is empty")
	case length > maxID:
		return fmt.Errorf("the id has more than %d characters", maxID)
	}
	for _, r := range id {
		if unicode.IsControl(r) {
			return errors.New("the id has a control character")
		}
	}
	return nil
}
