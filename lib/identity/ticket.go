package identity

import (
	"context"
	"net/http"
	"time"

	"igconnect/lib/secret"
)

// Ticket is what the app's backend says of the person at this browser.
type Ticket struct {
	User  User
	Nonce string // what /api/login gave the browser, never empty
}

// Tickets opens the tickets that the app's backend signs.
type Tickets struct {
	Secrets  []secret.String // each verifies: the newest first, while they change
	Audience string          // our own origin
	Now      func() time.Time
}

// Open verifies the ticket of a browser on its way through /api/login. Whether its
// nonce is that of this browser is for the caller to say. The error wraps [ErrTicket].
func (t Tickets) Open(text string) (Ticket, error) { return Ticket{}, ErrTicket }

// OfServer verifies a ticket without a nonce, which the app's backend itself sends,
// and returns the user's id. The error wraps [ErrSignedOut].
func (t Tickets) OfServer(token secret.String) (user string, err error) { return "", ErrSignedOut }

// CurrentUser implements [Source]: nothing that a browser keeps says who it is.
func (Tickets) CurrentUser(context.Context, Credentials) (user string, err error) {
	return "", ErrSignedOut
}

// OnlyOthers implements [Source].
func (Tickets) OnlyOthers([]*http.Cookie, string) bool { return false }

// IsTicket reports whether a token says that it is a ticket: nothing is verified.
func IsTicket(token secret.String) bool { return false }
