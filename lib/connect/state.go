package connect

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"igconnect/lib/identity"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// State is what a login remembers until Meta sends the browser back.
type State struct {
	State         string `json:"state"` // 32 random bytes; Meta returns it
	identity.User        // nobody, until the app's backend has vouched for one
	Begun         int64  `json:"begun"` // Unix seconds
	LoginOptions
}

// Flow names the login, and what belongs to it, in cookies and forms.
func (s State) Flow() string { return sealed.Flow(s.State) }

// nonce names the login and shows that its state is known, without telling the state.
func (s State) nonce() string {
	sum := sha256.Sum256([]byte("igconnect vouch " + s.State))
	return s.Flow() + "." + base64.RawURLEncoding.EncodeToString(sum[:])
}

// States are the logins that this browser has begun, sealed in its cookies. A [Service] has them.
type States struct {
	cookies sealed.Cookies[State]
	now     func() time.Time
}

// New is the state of a login that begins now. It is sealed by [Service.Begin].
func (s States) New(user string, options LoginOptions) State {
	return State{State: sealed.Random(32), User: identity.User{ID: user}, Begun: s.now().Unix(), LoginOptions: options}
}

func (s States) keep(jar *sealed.Jar, state State) error {
	return s.cookies.Set(jar, state.Flow(), state)
}

// AwaitTicket seals a state for a user whom the app's backend is still to name, and returns the nonce
// that its ticket must carry: the ticket is good in this browser only, and until the state has its
// user. What somebody else mails around is of another browser.
func (s States) AwaitTicket(jar *sealed.Jar, options LoginOptions) (nonce string, err error) {
	state := s.New("", options)
	return state.nonce(), s.keep(jar, state)
}

// OpenAwaiting opens the state for which a ticket was made, and gives it its user. It changes no
// cookie. The error is [ErrState], also where a ticket has come before, or [ErrExpired].
func (s States) OpenAwaiting(jar *sealed.Jar, ticket identity.Ticket) (State, error) {
	flow, _, _ := strings.Cut(ticket.Nonce, ".")
	state, err := s.cookies.Get(jar, flow)
	switch {
	case err != nil:
		return State{}, unsealing(err)
	case !secret.New(state.nonce()).Equal(ticket.Nonce):
		return State{}, fmt.Errorf("%w: the nonce differs", ErrState)
	case state.User.ID != "":
		return State{}, fmt.Errorf("%w: a ticket has come before", ErrState)
	}
	state.User = ticket.User
	return state, nil
}

// Consume opens the state that Meta sent back. Its cookie works once: it is cleared whatever
// follows. The error is [ErrState] or [ErrExpired].
func (s States) Consume(jar *sealed.Jar, sent string) (State, error) {
	if sent == "" {
		return State{}, fmt.Errorf("%w: no state", ErrState)
	}
	flow := sealed.Flow(sent)
	s.cookies.Clear(jar, flow)
	state, err := s.cookies.Get(jar, flow)
	switch {
	case err != nil:
		return State{}, unsealing(err)
	case !secret.New(state.State).Equal(sent):
		return State{}, fmt.Errorf("%w: the state differs", ErrState)
	case state.User.ID == "":
		return State{}, fmt.Errorf("%w: the app has not vouched for anybody", ErrState)
	}
	return state, nil
}

// unsealing says what it means that a cookie does not open.
func unsealing(err error) error {
	if errors.Is(err, sealed.ErrExpired) {
		return fmt.Errorf("%w: %w", ErrExpired, err)
	}
	return fmt.Errorf("%w: %w", ErrState, err)
}
