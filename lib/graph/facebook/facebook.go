// Package facebook is Facebook Login: an Instagram professional account is found
// through the Facebook Page that it is linked to, and the Page's token acts for
// it. Start with [Login].
package facebook

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
	"igconnect/lib/secret"
)

// Login is one set-up of Facebook Login. All fields but ConfigID must be set.
type Login struct {
	Client         *graph.Client
	RedirectURI    string   // as registered at Meta, byte for byte
	DialogURL      string   // with version and path: https://www.facebook.com/v24.0/dialog/oauth
	Scopes         []string // permissions to ask for
	RequiredScopes []string // those without which no account can be found, subscribed or answered
	ConfigID       string   // of Facebook Login for Business: Meta asks for its permissions instead
	WebhookFields  []string // what a Page is subscribed to, as far as the grant allows
}

// AuthCodeURL returns the address of Meta's dialog, which comes back to
// RedirectURI with the state and a code for [Login.Exchange].
// https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
func (l Login) AuthCodeURL(state string) string {
	parameters := url.Values{
		"client_id": {l.Client.AppID}, "redirect_uri": {l.RedirectURI}, "response_type": {"code"}, "state": {state},
		"auth_type": {"rerequest"}, // else Meta never asks again for what was declined once
	}
	if l.ConfigID != "" {
		parameters.Set("config_id", l.ConfigID)
	} else {
		parameters.Set("scope", strings.Join(l.Scopes, ","))
	}
	return l.DialogURL + "?" + parameters.Encode()
}

// missing are the required permissions that were asked for and not granted. With
// a ConfigID Meta alone knows what it asked for, so there only what it reports
// as declined counts.
func (l Login) missing(granted, declined []string) []string {
	var missing []string
	for _, scope := range l.RequiredScopes {
		asked := l.ConfigID == "" && slices.Contains(l.Scopes, scope)
		if slices.Contains(declined, scope) || asked && !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}

// withheld are the permissions that were asked for and of which Meta says nothing: it
// asks people for those alone that it has approved for the app. With a ConfigID nobody
// knows what was asked for.
func (l Login) withheld(granted, declined []string) []string {
	var withheld []string
	for _, scope := range l.Scopes {
		if l.ConfigID == "" && !slices.Contains(granted, scope) && !slices.Contains(declined, scope) {
			withheld = append(withheld, scope)
		}
	}
	return withheld
}

// Exchange trades an authorization code for a short-lived token. A code works
// once, so this is never repeated. A refusal is of class [graph.CodeRejected].
func (l Login) Exchange(ctx context.Context, code string) (graph.Token, error) {
	token, err := l.token(ctx, graph.Call{
		Op: "exchanging the code", Once: true, Secrets: []secret.String{secret.New(code)},
		Params: url.Values{"redirect_uri": {l.RedirectURI}, "code": {code}},
	})
	return token, graph.Reclassed(err, graph.CodeRejected, graph.Rejected, graph.NoPermission, graph.TokenDead)
}

// Extend trades a valid token for one of about 60 days. Asking twice does no
// harm: each answer is good. A refusal is of class [graph.TokenDead].
func (l Login) Extend(ctx context.Context, token secret.String) (graph.Token, error) {
	extended, err := l.token(ctx, graph.Call{
		Op: "upgrading to a long-lived token", Secrets: []secret.String{token},
		Params: url.Values{"grant_type": {"fb_exchange_token"}, "fb_exchange_token": {token.Reveal()}},
	})
	return extended, graph.Reclassed(err, graph.TokenDead, graph.Rejected, graph.NoPermission)
}

func (l Login) token(ctx context.Context, call graph.Call) (token graph.Token, err error) {
	type issued struct {
		Token     secret.String    `json:"access_token"`
		ExpiresIn metajson.Seconds `json:"expires_in"` // may be absent
	}
	call.Method, call.Path = http.MethodPost, "/oauth/access_token"
	call.Params.Set("client_id", l.Client.AppID)
	call.Params.Set("client_secret", l.Client.Secret.Reveal())
	answer, err := graph.Read(ctx, l.Client, call, func(i issued) bool { return !i.Token.Empty() })
	if token.Value = answer.Token; answer.ExpiresIn > 0 {
		token.Expires = l.Client.Now().Add(answer.ExpiresIn.Duration())
	}
	return token, err
}

// Revoke takes back everything that the person granted to the app, and so ends
// all of that person's tokens.
// https://developers.facebook.com/docs/facebook-login/guides/permissions/request-revoke
func (l Login) Revoke(ctx context.Context, personID string, token secret.String) error {
	call := graph.Call{Op: "revoking the grant", Method: http.MethodDelete, Path: "/" + personID + "/permissions", Token: token}
	return l.Client.Confirm(ctx, call)
}

// inspected is what debug_token says about a token.
type inspected struct {
	AppID             metajson.ID           `json:"app_id"`
	UserID            metajson.ID           `json:"user_id"`
	IsValid           *bool                 `json:"is_valid"`
	ExpiresAt         metajson.Moment       `json:"expires_at"`
	DataAccessExpires metajson.Moment       `json:"data_access_expires_at"`
	Scopes            metajson.List[string] `json:"scopes"`
	Granular          metajson.List[struct {
		Scope     string                     `json:"scope"`
		TargetIDs metajson.List[metajson.ID] `json:"target_ids"`
	}] `json:"granular_scopes"`
	Error struct {
		Code    metajson.Code `json:"code"`
		Subcode metajson.Code `json:"subcode"`
		Message string        `json:"message"`
	} `json:"error"`
}

// Inspect asks Meta about a person's token. A dead one, or one of another app, is
// an error of class [graph.TokenDead], with the subcode that says why; Meta may
// still say whose it was.
// https://developers.facebook.com/docs/graph-api/reference/debug_token
func (l Login) Inspect(ctx context.Context, token secret.String) (graph.Inspection, error) {
	var answer struct {
		Data *inspected `json:"data"`
	}
	call := graph.Call{
		Op: "checking the token", Path: "/debug_token", Token: l.Client.AppToken(),
		Params: url.Values{"input_token": {token.Reveal()}}, Secrets: []secret.String{token},
	}
	if err := l.Client.Do(ctx, call, &answer); err != nil {
		// A dead user token comes in data.error. This refusal is of the app's own.
		return graph.Inspection{}, graph.Reclassed(err, graph.BadApp, graph.TokenDead)
	}
	data := answer.Data
	switch {
	case data == nil || data.IsValid == nil, *data.IsValid && data.AppID == "",
		!*data.IsValid && data.Error.Code != 190 && data.Error.Code != 102: // it may pass
		return graph.Inspection{}, call.Failed(graph.Unavailable, graph.ErrNotGraphAPI)
	case !*data.IsValid:
		var whose graph.Inspection
		if string(data.AppID) == l.Client.AppID { // ids are the app's own
			whose.PersonID = string(data.UserID)
		}
		return whose, &graph.Error{
			Op: call.Op, Status: http.StatusOK, Class: graph.TokenDead,
			Code: int(data.Error.Code), Subcode: int(data.Error.Subcode),
			Message: secret.Mask(data.Error.Message, token, call.Token, l.Client.Secret),
		}
	case string(data.AppID) != l.Client.AppID:
		return graph.Inspection{}, call.Failed(graph.TokenDead, errors.New("the token is another app's"))
	}
	inspection := graph.Inspection{
		PersonID: string(data.UserID), Scopes: metajson.PlainNames(data.Scopes.Entries),
		Expires: data.ExpiresAt.Or(""), DataAccessExpires: data.DataAccessExpires.Or(""),
	}
	inspection.PageIDs, inspection.AllNamed = data.shared("pages_")
	inspection.AccountIDs, _ = data.shared("instagram_")
	return inspection, nil
}

// shared returns the ids that the token names as shared, of Pages (the scopes that
// begin with pages_) or of Instagram accounts (instagram_), and reports whether these
// are all: a scope without targets stands for all.
func (i *inspected) shared(prefix string) (ids []string, allNamed bool) {
	scoped, unnamed := false, false
	for _, granular := range i.Granular.Entries {
		if !strings.HasPrefix(granular.Scope, prefix) { // its targets are something else
			continue
		}
		scoped, unnamed = true, unnamed || len(granular.TargetIDs.Entries) == 0 || granular.TargetIDs.Odd > 0
		for _, target := range granular.TargetIDs.Entries {
			if target != "" && !slices.Contains(ids, string(target)) {
				ids = append(ids, string(target))
			}
		}
	}
	return ids, scoped && !unnamed && i.Granular.Odd == 0
}
