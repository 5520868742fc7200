package identity

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"igconnect/lib/secret"
)

// TestVectors reads tokens and tickets that were made by another program.
func TestVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Token, Expect, Sub string
		Rules                    struct{ Aud string }
	}
	var file struct {
		Audience, Issuer string
		Origins          []string
		Now              int64
		JWKS             json.RawMessage
		Tokens           []vector
		Ticket           struct {
			Audience, Nonce, Secret string
			Tickets                 []vector
		}
	}
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Tokens) < 25 || len(file.Ticket.Tickets) < 12 {
		t.Fatalf("%d tokens and %d tickets: %v", len(file.Tokens), len(file.Ticket.Tickets), err)
	}
	now := func() time.Time { return time.Unix(file.Now, 0) }
	keys := NewKeySet(newIssuer(t, string(file.JWKS)).URL, now)
	for _, v := range file.Tokens {
		app := JWT{Issuer: file.Issuer, Audience: file.Audience, Origins: file.Origins, Keys: keys, Now: now}
		if v.Rules.Aud != "" {
			app.Audience = v.Rules.Aud
		}
		user, err := app.CurrentUser(t.Context(), bearer(v.Token))
		if (v.Expect == "ok") != (err == nil) || err != nil && !errors.Is(err, ErrSignedOut) || user != v.Sub {
			t.Errorf("%s: %q, %v", v.Name, user, err)
		}
	}
	tickets := Tickets{Secrets: []secret.String{secret.New(file.Ticket.Secret)}, Audience: file.Ticket.Audience, Now: now}
	for _, v := range file.Ticket.Tickets {
		ticket, err := tickets.Open(v.Token)
		ok := err == nil && ticket.Nonce == file.Ticket.Nonce
		if (v.Expect == "ok") != ok || err != nil && !errors.Is(err, ErrTicket) || ok && ticket.User.ID != v.Sub {
			t.Errorf("%s: %v, %v", v.Name, ticket, err)
		}
	}
}
