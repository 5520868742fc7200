package connect

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// LoginOptions are what a person asked a login for.
type LoginOptions struct {
	ReturnTo    string `json:"return_to,omitempty"` // where to be afterwards, checked; "" if nowhere in particular
	Explain     bool   `json:"explain,omitempty"`   // show afterwards which Pages gave no account, and why
	InstagramID string `json:"account,omitempty"`   // the one account to reconnect; "" for any
}

// instagramID is what an Instagram id can look like.
var instagramID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// IsInstagramID reports whether a text can be an Instagram id.
func IsInstagramID(text string) bool { return instagramID.MatchString(text) }

// State is what a login remembers until Meta sends the browser back.
type State struct {
	State string `json:"state"` // 32 random bytes; Meta returns it
	User  string `json:"user"`
	LoginOptions
}

// Flow names the login, and what belongs to it, in cookies and forms.
func (s State) Flow() string { return sealed.Flow(s.State) }

// Begin makes a state, seals it for the browser and returns the address of
// Meta's dialog.
// https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
func (s *Service) Begin(jar *sealed.Jar, user string, options LoginOptions) (dialog string, err error) {
	state := State{State: sealed.Random(32), User: user, LoginOptions: options}
	if err := s.states.Set(jar, state.Flow(), state); err != nil {
		return "", err
	}
	return s.Provider.AuthCodeURL(state.State), nil
}

// ConsumeState opens the state that Meta sent back. Its cookie works once: it is
// cleared whatever follows. The error is [ErrState] or [ErrExpired].
func (s *Service) ConsumeState(jar *sealed.Jar, sent string) (State, error) {
	if sent == "" {
		return State{}, fmt.Errorf("%w: no state", ErrState)
	}
	flow := sealed.Flow(sent)
	s.states.Clear(jar, flow)
	state, err := s.states.Get(jar, flow)
	switch {
	case err != nil:
		return State{}, unsealing(err)
	case !secret.New(state.State).Equal(sent):
		return State{}, fmt.Errorf("%w: the state differs", ErrState)
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

// AuthorizationCode returns the code in the answer of Meta's dialog. The error
// is [ErrDenied], [ErrDialog] or [ErrNoCode].
func AuthorizationCode(answer url.Values) (string, error) {
	switch refusal := answer.Get("error"); {
	case refusal == "access_denied":
		return "", ErrDenied
	case refusal != "" || answer.Has("error_code"):
		return "", fmt.Errorf("%w: %s, code %s", ErrDialog, secret.Mask(refusal), secret.Mask(answer.Get("error_code")))
	case answer.Get("code") == "":
		return "", ErrNoCode
	}
	return answer.Get("code"), nil
}
