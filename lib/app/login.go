package app

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"igconnect/lib/sealed"
	"igconnect/lib/secret"
	"igconnect/lib/store"
)

// LoginRequest reads what a login was asked with: the query, and for a POST the
// form on top of it, which must be of an allowed origin.
func (c *Call) LoginRequest() (url.Values, error) {
	if err := c.FromAllowedPage(); err != nil {
		return nil, err
	}
	if c.elsewhere() && !c.seenAsOwn() && (c.ByScript() || c.formOfAnotherHost()) {
		// A redirect would lose a script's token, and a form's Origin, on its way.
		return nil, Fail(BadRequest, errors.New("scripts and forms must call the host of REDIRECT_URI"))
	}
	request := c.R.URL.Query()
	if c.R.Method != http.MethodPost {
		return request, nil
	}
	form, err := c.form()
	maps.Copy(request, form)
	return request, err
}

// Wants notes what the person asked for, if return_to is a place that we send
// people to.
func (c *Call) Wants(request url.Values) error {
	returnTo := request.Get("return_to")
	if returnTo != "" && !c.returnTo(returnTo) {
		return Fail(BadRequest, errors.New("return_to is not allowed"))
	}
	c.Wish = Wish{ReturnTo: returnTo, Explain: request.Get("explain") != "", Account: request.Get("instagram_id")}
	if c.Wish.Account != "" && !instagramID.MatchString(c.Wish.Account) {
		return Fail(BadRequest, errors.New("not an Instagram id"))
	}
	return nil
}

// Begin makes a state, seals it for the browser and returns the address of
// Meta's dialog.
// https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
func (c *Call) Begin(user uuid.UUID) (dialog string, err error) {
	state := State{State: sealed.Random(32), User: user, Wish: c.Wish}
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
	c.Wish = state.Wish
	return state, nil
}

// ToDialog sends the browser to Meta, or tells the script where to send it.
func (c *Call) ToDialog(dialog string) error {
	if c.ByScript() {
		return c.JSON(http.StatusOK, map[string]string{"url": dialog})
	}
	return c.Redirect(http.StatusFound, dialog)
}

// Approved returns the code that Meta sent, "" if the person said no.
func (c *Call) Approved(query url.Values) (code string, err error) {
	switch refusal := query.Get("error"); {
	case refusal == string(AccessDenied):
		return "", nil
	case refusal != "" || query.Has("error_code"):
		return "", Fail(MetaUnavailable, fmt.Errorf("the dialog failed: %s, code %s", secret.Mask(refusal), secret.Mask(query.Get("error_code"))))
	case query.Get("code") == "":
		return "", Fail(BadRequest, errors.New("no code"))
	}
	return query.Get("code"), nil
}

// Denied answers a no: back to where the person came from, or a page.
func (c *Call) Denied() error {
	if c.Wish.ReturnTo == "" {
		return Fail(AccessDenied, nil)
	}
	return c.Redirect(http.StatusSeeOther, withResult(c.Wish.ReturnTo, "error", string(AccessDenied)))
}

// SignInFirst answers somebody without a session: off to the app's own sign-in,
// which sends them back to this login; an error where there is none.
func (c *Call) SignInFirst(cause error) error {
	if !errors.Is(cause, store.ErrSignedOut) || c.Config.SignInURL == "" || c.ByScript() {
		return cause
	}
	signIn, err := url.Parse(c.Config.SignInURL)
	if err != nil {
		return Fail(Misconfigured, errors.New("SIGN_IN_URL is not a URL"))
	}
	query := signIn.Query()
	query.Set("return_to", c.Config.Origin+c.Wish.login())
	signIn.RawQuery = query.Encode()
	return c.Redirect(http.StatusFound, signIn.String())
}
