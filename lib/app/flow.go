package app

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// Wish is what a person asked a login for.
type Wish struct {
	ReturnTo string `json:"return_to,omitempty"` // where to be afterwards, checked; "" if nowhere in particular
	Explain  bool   `json:"explain,omitempty"`   // show afterwards which Pages gave no account, and why
}

// State is what a login remembers until Meta sends the browser back.
type State struct {
	State string    `json:"state"` // 32 random bytes; Meta returns it
	User  uuid.UUID `json:"user"`
	Wish
}

// Flow names the login, and what belongs to it, in cookies and forms.
func (s State) Flow() string { return sealed.Flow(s.State) }

// Grant is what waits in the browser, sealed, while the person chooses or
// Supabase recovers: with it an account is saved without another dialog.
type Grant struct {
	User   uuid.UUID
	Wish   Wish
	Token  graph.Token
	Chosen []string // Instagram ids; none before the person has chosen
}

// grantOnTheWire is a Grant inside its seal, the one place where the token is
// written out.
type grantOnTheWire struct {
	User    uuid.UUID `json:"user"`
	Token   string    `json:"token"`
	Expires int64     `json:"expires,omitempty"` // Unix seconds
	Chosen  []string  `json:"chosen,omitempty"`
	Wish
}

// MarshalJSON is for the seal alone: it reveals the token.
func (g Grant) MarshalJSON() ([]byte, error) {
	wire := grantOnTheWire{User: g.User, Wish: g.Wish, Token: g.Token.Value.Reveal(), Chosen: g.Chosen}
	if !g.Token.Expires.IsZero() {
		wire.Expires = g.Token.Expires.Unix()
	}
	return json.Marshal(wire)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (g *Grant) UnmarshalJSON(data []byte) error {
	var wire grantOnTheWire
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*g = Grant{User: wire.User, Wish: wire.Wish, Token: graph.Token{Value: secret.New(wire.Token)}, Chosen: wire.Chosen}
	if wire.Expires != 0 {
		g.Token.Expires = time.Unix(wire.Expires, 0)
	}
	return nil
}
