package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"igconnect/lib/sealed"
	"igconnect/lib/secret"
	"igconnect/lib/store"
)

// WantsToReturn notes where the person wants to be afterwards, if that is a
// place that we send people to.
func (c *Call) WantsToReturn(returnTo string) error {
	if returnTo != "" && !c.returnTo(returnTo) {
		return Fail(BadRequest, errors.New("return_to is not allowed"))
	}
	c.ReturnTo = returnTo
	return nil
}

// SignedIn asks Supabase who the session cookie belongs to.
func (c *Call) SignedIn() (uuid.UUID, error) {
	token, ok := store.Session(c.R, c.Config.AuthCookie)
	if !ok {
		return uuid.Nil, store.ErrSignedOut
	}
	user, err := c.Store.User(c.R.Context(), token)
	if err == nil {
		c.Note("user_id", user)
	}
	return user, err
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

// Begin makes a state, seals it for the browser and returns the address of
// Meta's dialog.
// https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
func (c *Call) Begin(user uuid.UUID) (dialog string, err error) {
	state := State{State: sealed.Random(32), User: user, ReturnTo: c.ReturnTo}
	if err := c.States.Set(c.W, c.R, state.Flow(), state); err != nil {
		return "", err
	}
	parameters := url.Values{
		"client_id": {c.Config.AppID}, "redirect_uri": {c.Config.RedirectURI},
		"response_type": {"code"}, "state": {state.State},
		"auth_type": {"rerequest"}, // else Meta never asks again for what was declined once
	}
	if c.Config.LoginConfigID != "" {
		parameters.Set("config_id", c.Config.LoginConfigID)
	} else {
		parameters.Set("scope", strings.Join(c.Config.Scopes, ","))
	}
	return c.Config.DialogURL + "?" + parameters.Encode(), nil
}

// TakeState opens the state that Meta sent back. Its cookie works once: it is
// cleared whatever follows.
func (c *Call) TakeState(sent string) (State, error) {
	if sent == "" {
		return State{}, Fail(StateMismatch, errors.New("no state"))
	}
	flow := sealed.Flow(sent)
	c.States.Clear(c.W, flow)
	state, err := c.States.Get(c.R, flow)
	switch {
	case errors.Is(err, sealed.ErrExpired):
		return State{}, Fail(StateExpired, err)
	case err != nil:
		return State{}, Fail(StateMismatch, err)
	case !secret.New(state.State).Equal(sent):
		return State{}, Fail(StateMismatch, errors.New("the state differs"))
	}
	c.ReturnTo = state.ReturnTo
	return state, nil
}

// Approved returns the code that Meta sent, "" if the person said no.
func (c *Call) Approved(query url.Values) (code string, err error) {
	switch refusal := query.Get("error"); {
	case refusal == string(AccessDenied):
		return "", nil
	case refusal != "" || query.Has("error_code"):
		return "", Fail(MetaUnavailable, fmt.Errorf("Meta's dialog failed: %s, code %s", secret.Mask(refusal), secret.Mask(query.Get("error_code"))))
	case query.Get("code") == "":
		return "", Fail(BadRequest, errors.New("no code"))
	}
	return query.Get("code"), nil
}

// Denied answers a no: back to where the person came from, or a page.
func (c *Call) Denied() error {
	if c.ReturnTo == "" {
		return Fail(AccessDenied, nil)
	}
	return c.Redirect(http.StatusSeeOther, withResult(c.ReturnTo, "error", string(AccessDenied)))
}

// SignInFirst answers somebody without a session: off to the app's own sign-in,
// which sends them back to this login; an error where there is none.
func (c *Call) SignInFirst(cause error) error {
	if !errors.Is(cause, store.ErrSignedOut) || c.Config.SignInURL == "" {
		return cause
	}
	signIn, err := url.Parse(c.Config.SignInURL)
	if err != nil {
		return Fail(Misconfigured, errors.New("SIGN_IN_URL is not a URL"))
	}
	query := signIn.Query()
	query.Set("return_to", c.Config.Origin+c.Again("").Href)
	signIn.RawQuery = query.Encode()
	return c.Redirect(http.StatusFound, signIn.String())
}

// OpenGrant opens the grant that waits for the named login in this browser,
// or the newest one. Its address to return to becomes the call's.
func (c *Call) OpenGrant(flow string) (string, Grant, error) {
	var (
		grant Grant
		err   error
	)
	if flow == "" {
		flow, grant, err = c.Grants.Newest(c.R)
	} else {
		grant, err = c.Grants.Get(c.R, flow)
	}
	switch {
	case errors.Is(err, sealed.ErrExpired):
		return "", Grant{}, Fail(StateExpired, err)
	case err != nil:
		return "", Grant{}, Fail(StateMismatch, err)
	}
	c.ReturnTo = grant.ReturnTo
	return flow, grant, nil
}
