package graph

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"igconnect/lib/secret"
)

// Debug is what Meta knows about a token.
type Debug struct {
	PersonID          string
	Expires           time.Time // zero: never
	DataAccessExpires time.Time // about 90 days after the last consent; zero: unknown
	Scopes            []string
	PageIDs           []string // the Pages that the person shared, where Meta names them
	AllNamed          bool     // Meta named them all; not so for "all Pages, and those to come"
}

// Debug asks about a user token of this app. A dead token, or one of another
// app, is an *Error of class TokenDead.
// https://developers.facebook.com/docs/graph-api/reference/debug_token
func (c *Client) Debug(ctx context.Context, token secret.String) (Debug, error) {
	var answer struct {
		Data *struct {
			AppID             id       `json:"app_id"`
			UserID            id       `json:"user_id"`
			IsValid           *bool    `json:"is_valid"`
			ExpiresAt         int64    `json:"expires_at"`
			DataAccessExpires int64    `json:"data_access_expires_at"`
			Scopes            []string `json:"scopes"`
			Granular          []struct {
				Scope     string `json:"scope"`
				TargetIDs []id   `json:"target_ids"`
			} `json:"granular_scopes"`
			Error struct {
				Code    int    `json:"code"`
				Subcode int    `json:"subcode"`
				Message string `json:"message"`
			} `json:"error"`
		} `json:"data"`
	}
	call := call{
		op: "checking the token", method: http.MethodGet, path: "/debug_token",
		params: url.Values{"input_token": {token.Reveal()}}, token: c.appToken(),
	}
	if err := c.do(ctx, call, &answer); err != nil {
		// A dead user token comes in data.error. This refusal is of the app's own.
		return Debug{}, reclassed(err, BadApp, TokenDead)
	}
	data := answer.Data
	switch {
	case data == nil || data.IsValid == nil, *data.IsValid && data.AppID == "",
		!*data.IsValid && data.Error.Code != 190 && data.Error.Code != 102: // no verdict, or none that lasts
		return Debug{}, &Error{Op: call.op, Status: http.StatusOK, Class: Unavailable, cause: errNoEnvelope}
	case !*data.IsValid:
		return Debug{}, &Error{Op: call.op, Status: http.StatusOK, Class: TokenDead, Code: data.Error.Code,
			Subcode: data.Error.Subcode, Message: secret.Mask(data.Error.Message, secretsOf(call)...)}
	case string(data.AppID) != c.AppID:
		return Debug{}, &Error{Op: call.op, Status: http.StatusOK, Class: TokenDead, cause: errors.New("the token is another app's")}
	}
	debug := Debug{PersonID: string(data.UserID), Expires: unix(data.ExpiresAt), DataAccessExpires: unix(data.DataAccessExpires), Scopes: plainNames(data.Scopes)}
	scopes, named := 0, 0
	for _, granular := range data.Granular {
		if !strings.HasPrefix(granular.Scope, "pages_") { // the targets of instagram_… scopes are Instagram accounts
			continue
		}
		scopes++
		if len(granular.TargetIDs) > 0 {
			named++
		}
		for _, target := range granular.TargetIDs {
			if target != "" && !slices.Contains(debug.PageIDs, string(target)) {
				debug.PageIDs = append(debug.PageIDs, string(target))
			}
		}
	}
	debug.AllNamed = scopes > 0 && scopes == named
	return debug, nil
}

// lastSecond ends the year 9999: JSON, and so the table, takes no later time.
const lastSecond = 253402300799

func unix(seconds int64) time.Time {
	if seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
