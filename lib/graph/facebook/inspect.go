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

// inspected is what debug_token says about a token.
type inspected struct {
	AppID             metajson.ID `json:"app_id"`
	UserID            metajson.ID `json:"user_id"`
	IsValid           *bool       `json:"is_valid"`
	ExpiresAt         int64       `json:"expires_at"`             // Unix seconds
	DataAccessExpires int64       `json:"data_access_expires_at"` // likewise
	Scopes            []string    `json:"scopes"`
	Granular          []struct {
		Scope     string        `json:"scope"`
		TargetIDs []metajson.ID `json:"target_ids"`
	} `json:"granular_scopes"`
	Error struct {
		Code    int    `json:"code"`
		Subcode int    `json:"subcode"`
		Message string `json:"message"`
	} `json:"error"`
}

// Inspect asks Meta about a person's token. A dead one, or one of another app, is
// an error of class [graph.TokenDead], with the subcode that says why.
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
		return graph.Inspection{}, &graph.Error{
			Op: call.Op, Status: http.StatusOK, Class: graph.TokenDead,
			Code: data.Error.Code, Subcode: data.Error.Subcode,
			Message: secret.Mask(data.Error.Message, token, call.Token, l.Client.Secret),
		}
	case string(data.AppID) != l.Client.AppID:
		return graph.Inspection{}, call.Failed(graph.TokenDead, errors.New("the token is another app's"))
	}
	inspection := graph.Inspection{
		PersonID: string(data.UserID), Scopes: metajson.PlainNames(data.Scopes),
		Expires: metajson.Unix(data.ExpiresAt), DataAccessExpires: metajson.Unix(data.DataAccessExpires),
	}
	inspection.PageIDs, inspection.AllNamed = data.sharedPages()
	return inspection, nil
}

// sharedPages returns the ids of the Pages that the token names as shared, and
// reports whether these are all: a scope without targets stands for all Pages.
func (i *inspected) sharedPages() (ids []string, allNamed bool) {
	scoped, unnamed := false, false
	for _, granular := range i.Granular {
		if !strings.HasPrefix(granular.Scope, "pages_") { // others' targets are no Pages
			continue
		}
		scoped, unnamed = true, unnamed || len(granular.TargetIDs) == 0
		for _, target := range granular.TargetIDs {
			if target != "" && !slices.Contains(ids, string(target)) {
				ids = append(ids, string(target))
			}
		}
	}
	return ids, scoped && !unnamed
}
