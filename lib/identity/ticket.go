package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/golang-jwt/jwt/v5"

	"igconnect/lib/secret"
)

// Ticket is what the app's backend says about the person at this browser.
type Ticket struct {
	User  User
	Nonce string // that /api/login gave the browser; never empty
}

// Tickets reads the tickets that the app's backend signs with a secret of ours and its
// own (HS256). All fields must be set.
type Tickets struct {
	Secrets  []secret.String // each of them verifies, so that they can change
	Audience string          // our own origin
	Now      func() time.Time
}

const (
	maxLife = 5 * time.Minute // of a ticket, from now
	maxName = 100             // of a ticket's name, in code points
)

// Open verifies the ticket in an address, which a browser brings. Its nonce is there; whether
// it is this browser's is for the caller to say. The error wraps [ErrTicket].
func (t Tickets) Open(text string) (Ticket, error) {
	user, claims, err := t.verify(text)
	if err != nil {
		return Ticket{}, fmt.Errorf("%w: %w", ErrTicket, err)
	}
	nonce, _ := claims.text("nonce")
	if nonce == "" {
		return Ticket{}, fmt.Errorf("%w: it has no nonce", ErrTicket)
	}
	name, _ := claims.text("name")
	return Ticket{User: User{ID: user, Name: shown(name)}, Nonce: nonce}, nil
}

// OfServer verifies a ticket that the app's backend sent itself, and returns the user's id.
// It is one without a nonce, so that a browser's can't be used here, nor this one by a
// browser. The error wraps [ErrSignedOut].
func (t Tickets) OfServer(token secret.String) (user string, err error) {
	user, claims, err := t.verify(token.Reveal())
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSignedOut, err)
	}
	if _, ok := claims.object["nonce"]; ok {
		return "", fmt.Errorf("%w: it has a nonce", ErrSignedOut)
	}
	return user, nil
}

// verify returns the user's id in a ticket, and all that it claims.
func (t Tickets) verify(text string) (user string, c claims, err error) {
	ticket, err := readToken(text)
	switch {
	case err != nil:
		return "", c, err
	case !isHS256(ticket.header):
		return "", c, errors.New("the algorithm is not HS256")
	case !t.signed(ticket):
		return "", c, errors.New("the signature is another's")
	}
	c = ticket.claims
	if err := c.check(t.Now, jwt.WithIssuedAt(), jwt.WithAudience(t.Audience)); err != nil {
		return "", c, err
	}
	if audience, _ := c.GetAudience(); len(audience) != 1 {
		return "", c, errors.New("it has other audiences as well")
	}
	if end, _ := c.GetExpirationTime(); end.After(t.Now().Add(maxLife + Leeway)) {
		return "", c, errors.New("it lives for more than 5 minutes")
	}
	user, err = c.user()
	return user, c, err
}

// signed reports whether one of the secrets signed a ticket.
func (t Tickets) signed(ticket token) (ok bool) {
	for _, s := range t.Secrets {
		if !s.Empty() && jwt.SigningMethodHS256.Verify(ticket.signed, ticket.signature, []byte(s.Reveal())) == nil {
			ok = true
		}
	}
	return ok
}

// CurrentUser implements [Source]: nothing that a browser keeps is a ticket.
func (Tickets) CurrentUser(context.Context, Credentials) (user string, err error) {
	return "", fmt.Errorf("%w: only the app's backend knows its users", ErrSignedOut)
}

// OnlyOthers implements [Source].
func (Tickets) OnlyOthers([]*http.Cookie, string) bool { return false }

// IsTicket reports whether a token says that it is a ticket. Nothing is verified.
func IsTicket(token secret.String) bool {
	t, err := readToken(token.Reveal())
	return err == nil && isHS256(t.header)
}

func isHS256(header object) bool {
	algorithm, _ := header.text("alg")
	return algorithm == jwt.SigningMethodHS256.Alg()
}

// shown returns a name as it can stand in a line of a page: without characters that
// nobody sees, among them those that turn the writing around, and cut to its limit.
// Emoji need their joiner.
func shown(name string) string {
	const joiner = '\u200d'
	name = strings.Map(func(r rune) rune {
		if r != joiner && unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, name)
	if characters := []rune(name); len(characters) > maxName {
		name = string(characters[:maxName])
	}
	return strings.TrimSpace(name)
}
