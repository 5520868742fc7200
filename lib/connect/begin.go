package connect

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/identity"
	"igconnect/lib/sealed"
	"igconnect/lib/secret"
)

// LoginOptions are what a person asked a login for.
type LoginOptions struct {
	ReturnTo    string `json:"return_to,omitempty"` // where to be afterwards, checked; "" if nowhere in particular
	Explain     bool   `json:"explain,omitempty"`   // show afterwards which Pages gave no account, and why
	InstagramID string `json:"account,omitempty"`   // the one account to reconnect; "" for any
	Language    string `json:"lang,omitempty"`      // of the pages; "" if the browser decides
}

// instagramID is what an Instagram id can look like.
var instagramID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// IsInstagramID reports whether a text can be an Instagram id.
func IsInstagramID(text string) bool { return instagramID.MatchString(text) }

// Begin seals the state of a login for the browser and returns the address of Meta's dialog.
// https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
func (s *Service) Begin(jar *sealed.Jar, state State) (dialog string, err error) {
	if err := s.States.keep(jar, state); err != nil {
		return "", err
	}
	return s.Provider.AuthCodeURL(state.State), nil
}

// gluedOn is a fragment that became part of a value: Meta ends its address with
// #_=_, and some browsers and proxies escape that, once or more often.
var gluedOn = regexp.MustCompile(`(?i)(#|%(25)*23).*$`)

func answered(answer url.Values, name string) string {
	return gluedOn.ReplaceAllString(answer.Get(name), "")
}

// SentState returns the state in the answer of Meta's dialog.
func SentState(answer url.Values) string { return answered(answer, "state") }

// AuthorizationCode returns the code in the answer of Meta's dialog. The error
// is [ErrDenied], [ErrDialog] or [ErrNoCode].
func AuthorizationCode(answer url.Values) (string, error) {
	refusal, code := answered(answer, "error"), answered(answer, "code")
	switch {
	case refusal == "access_denied":
		return "", ErrDenied
	case refusal != "" || answer.Has("error_code") || answer.Has("error_message"):
		var said []string
		for _, name := range []string{"error", "error_code", "error_reason", "error_description", "error_message"} {
			if text := answer.Get(name); text != "" {
				said = append(said, name+" "+secret.Mask(text))
			}
		}
		return "", fmt.Errorf("%w: %s", ErrDialog, strings.Join(said, ", "))
	case code == "":
		return "", ErrNoCode
	}
	return code, nil
}

// Grant is what a person has granted in a login: with it accounts are saved
// without another dialog. It waits in the browser, sealed, while the person
// chooses or Supabase recovers.
type Grant struct {
	Flow    string
	User    identity.User
	Options LoginOptions
	Token   graph.Token
	Begun   time.Time // when Meta granted it: it lasts ten minutes, however often it is sealed again
	Chosen  []string  // Instagram ids; none before the person has chosen
	Stopped []string  // names of the user's accounts that it no longer covers
}

// NewGrant is the grant of a login that Meta has just confirmed.
func (s *Service) NewGrant(state State, token graph.Token) Grant {
	return Grant{Flow: state.Flow(), User: state.User, Options: state.LoginOptions, Token: token, Begun: s.Now()}
}

// sealedGrant is a Grant as the cookie holds it: the one place where its token
// is written out.
type sealedGrant struct {
	identity.User
	Token   string   `json:"token"`
	Expires int64    `json:"expires,omitempty"` // Unix seconds
	Begun   int64    `json:"begun"`             // Unix seconds
	Chosen  []string `json:"chosen,omitempty"`
	Stopped []string `json:"stopped,omitempty"`
	LoginOptions
}

// keepGrant leaves the grant sealed in the browser for ten minutes. Where hundreds of
// accounts do not fit into a cookie, they are chosen once more.
func (s *Service) keepGrant(jar *sealed.Jar, g Grant) error {
	kept := sealedGrant{
		User: g.User, LoginOptions: g.Options, Token: g.Token.Value.Reveal(), Begun: g.Begun.Unix(), Chosen: g.Chosen, Stopped: g.Stopped,
	}
	if !g.Token.Expires.IsZero() {
		kept.Expires = g.Token.Expires.Unix()
	}
	err := s.grants.Set(jar, g.Flow, kept)
	if errors.Is(err, sealed.ErrTooLarge) {
		kept.Chosen, kept.Stopped = nil, nil
		err = s.grants.Set(jar, g.Flow, kept)
	}
	return err
}

// OpenGrant opens the grant that waits for the named login in this browser, or
// the newest one where flow is empty. The error is [ErrState] or [ErrExpired].
func (s *Service) OpenGrant(jar *sealed.Jar, flow string) (Grant, error) {
	flow, kept, err := s.grants.Open(jar, flow)
	if err != nil {
		return Grant{}, unsealing(err)
	}
	g := Grant{
		Flow: flow, User: kept.User, Options: kept.LoginOptions, Token: graph.Token{Value: secret.New(kept.Token)},
		Begun: time.Unix(kept.Begun, 0), Chosen: kept.Chosen, Stopped: kept.Stopped,
	}
	if kept.Expires != 0 {
		g.Token.Expires = time.Unix(kept.Expires, 0)
	}
	if s.Now().Sub(g.Begun) > sealed.Lifetime {
		return Grant{}, fmt.Errorf("%w: the grant has waited too long", ErrExpired)
	}
	return g, nil
}
