package graph

import (
	"context"
	"net/http"
)

// AppSubscription is what the app itself is subscribed to: the other half of a
// webhook, beside the Pages' own subscriptions.
type AppSubscription struct {
	Object      string // instagram, page…
	CallbackURL string
	Active      bool
	Fields      []string
}

// AppSubscriptions reads them with the app's own token, so that it also tells
// whether Meta accepts the app id and secret.
// https://developers.facebook.com/docs/graph-api/reference/app/subscriptions
func (c *Client) AppSubscriptions(ctx context.Context) ([]AppSubscription, error) {
	written, err := list[struct {
		Object      string  `json:"object"`
		CallbackURL string  `json:"callback_url"`
		Active      bool    `json:"active"`
		Fields      []field `json:"fields"`
	}](ctx, c, call{op: "reading the app's subscriptions", method: http.MethodGet, path: "/" + c.AppID + "/subscriptions", token: c.appToken()})
	subscriptions := make([]AppSubscription, len(written))
	for i, w := range written {
		subscriptions[i] = AppSubscription{Object: w.Object, CallbackURL: w.CallbackURL, Active: w.Active}
		for _, f := range w.Fields {
			subscriptions[i].Fields = append(subscriptions[i].Fields, string(f))
		}
	}
	return subscriptions, reclassed(err, BadApp, TokenDead)
}
