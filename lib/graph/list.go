package graph

import (
	"context"
	"errors"
	"maps"
	"net/url"

	"igconnect/lib/metajson"
)

const (
	perList  = "100" // entries that Meta gives at most at once
	maxLists = 100
)

type list[T any] struct {
	Data   []T `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		Next string `json:"next"`
	} `json:"paging"`
}

// List reads a list of Meta's to its end: up to 10,000 entries. The error is an
// [*Error].
//
// It follows the cursor by itself: the answer's paging.next holds the token, and
// is an address that somebody else chose.
// https://developers.facebook.com/docs/graph-api/results
func List[T any](ctx context.Context, c *Client, first Call) ([]T, error) {
	call, after, all := first, "", []T{}
	for range maxLists {
		call.Params = url.Values{"limit": {perList}}
		maps.Copy(call.Params, first.Params)
		if after != "" {
			call.Params.Set("after", after)
		}
		answer, err := Read(ctx, c, call, func(l list[T]) bool { return l.Data != nil })
		if err != nil {
			return nil, err
		}
		all = append(all, answer.Data...)
		next := answer.Paging.Cursors.After // the last part of a list has one too
		if answer.Paging.Next == "" || next == "" || next == after {
			return all, nil
		}
		after = next
	}
	return nil, call.Failed(Unavailable, errors.New("the list does not end"))
}

// AppSubscription is what the app itself is subscribed to. A webhook needs it
// beside the subscription of each account.
type AppSubscription struct {
	Object      string               `json:"object"` // instagram, page…
	CallbackURL string               `json:"callback_url"`
	Active      bool                 `json:"active"`
	Fields      []metajson.FieldName `json:"fields"`
}

// AppSubscriptions reads them with the app's own token. An error of class
// [BadApp] says that Meta does not accept the app id or secret.
// https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
func (c *Client) AppSubscriptions(ctx context.Context) ([]AppSubscription, error) {
	call := Call{Op: "reading the app's subscriptions", Path: "/" + c.AppID + "/subscriptions", Token: c.AppToken()}
	subscriptions, err := List[AppSubscription](ctx, c, call)
	return subscriptions, Reclassed(err, BadApp, TokenDead)
}
