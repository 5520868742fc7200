package facebook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
	"igconnect/lib/secret"
)

// leastFields are what a Page can be subscribed to with pages_manage_metadata
// alone; the Instagram fields are then chosen at app level.
var leastFields = []string{"feed"}

// wantedFields are what a Page is subscribed to under the granted permissions:
// one field that is not authorised rejects the whole call.
func wantedFields(fields, granted []string) []string {
	if slices.Contains(granted, "pages_messaging") {
		return fields
	}
	return leastFields
}

// Subscribe connects the account's Page to the app's webhook. It sends the whole
// list of account.Fields, for the call replaces what was there. Where Meta says
// that a permission is missing it falls back to the least that works. It returns
// what was reached, and the refusal, if there was one: both after a fallback.
// https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
func (l Login) Subscribe(ctx context.Context, account graph.Account) (reached []string, err error) {
	subscribe := func(fields []string) error {
		call := subscribedApps(account, "subscribing the Page", http.MethodPost)
		call.Params = url.Values{"subscribed_fields": {strings.Join(fields, ",")}}
		return l.Client.Confirm(ctx, call)
	}
	if err = subscribe(account.Fields); err == nil {
		return account.Fields, nil
	}
	least := graph.ClassOf(err) == graph.NoPermission && !slices.Equal(account.Fields, leastFields)
	if least && subscribe(leastFields) == nil {
		return leastFields, err
	}
	return nil, err
}

// Unsubscribe ends the Page's subscription to the app's webhook. An account that
// was saved without its Page was never subscribed by us.
func (l Login) Unsubscribe(ctx context.Context, account graph.Account) error {
	if account.Page == nil {
		return nil
	}
	return l.Client.Confirm(ctx, subscribedApps(account, "unsubscribing the Page", http.MethodDelete))
}

// subscribed reads what the account's Page is subscribed to for this app; nothing
// where it is not.
func (l Login) subscribed(ctx context.Context, account graph.Account) ([]string, error) {
	type app struct {
		ID     metajson.ID `json:"id"`
		Fields []string    `json:"subscribed_fields"`
	}
	apps, err := graph.List[app](ctx, l.Client, subscribedApps(account, "reading the subscription", http.MethodGet))
	for _, app := range apps {
		if string(app.ID) == l.Client.AppID {
			return metajson.PlainNames(app.Fields), err
		}
	}
	return nil, err
}

// subscribedApps is a call of the Page's subscription. Without a Page it has no
// path, and fails.
func subscribedApps(account graph.Account, op, method string) graph.Call {
	call := graph.Call{Op: op, Method: method, Token: account.Token}
	if account.Page != nil {
		call.Path = "/" + account.Page.ID + "/subscribed_apps"
	}
	return call
}

// lostRole is the subcode of a dead token whose person has no role on the Page
// any more. A new Page token would not help.
// https://developers.facebook.com/docs/graph-api/guides/error-handling#subcodes
const lostRole = 492

// Repair reads what the account's Page is subscribed to, and subscribes it again
// where that is not what the granted permissions allow. Where the Page's token is
// dead it fetches another with the person's token, user; it returns that token
// also along with an error. Without a Page or its token nothing is known.
//
// Meta's refusal to subscribe is no error but a part of the result. An error of
// class [graph.TokenDead] means that the person has lost the role on the Page.
func (l Login) Repair(ctx context.Context, user secret.String, account graph.Account, granted []string) (
	repair graph.Repair, err error) {
	if account.Page == nil || account.Page.ID == "" || account.Token.Empty() {
		return repair, nil
	}
	account.Fields = wantedFields(l.WebhookFields, granted)
	reached, err := l.subscribeAgain(ctx, account)
	if pageTokenDead(err) { // the person's was just found good
		var fresh page
		if fresh, err = onePage(ctx, l.Client, account.Page.ID, user); err == nil {
			repair.Token, account.Token = fresh.Token, fresh.Token
			reached, err = l.subscribeAgain(ctx, account)
		}
		if pageTokenDead(err) {
			return repair, fmt.Errorf("using the Page's token: %s", err) // not wrapped: not the person's
		}
	}
	if ofMeta, ok := errors.AsType[*graph.Error](err); ok && (ofMeta.Class == graph.Rejected || ofMeta.Class == graph.NoPermission) {
		repair.Refused, err = ofMeta.Reason(), nil
	}
	if err == nil {
		repair.Known, repair.Fields = true, reached
	}
	return repair, err
}

// pageTokenDead reports whether another Page token may help.
func pageTokenDead(err error) bool {
	var ofMeta *graph.Error
	return errors.As(err, &ofMeta) && ofMeta.Class == graph.TokenDead && ofMeta.Subcode != lostRole
}

// subscribeAgain subscribes the account's Page unless it is subscribed as wanted.
func (l Login) subscribeAgain(ctx context.Context, account graph.Account) ([]string, error) {
	reached, err := l.subscribed(ctx, account)
	if err != nil || enough(reached, account.Fields) {
		return reached, err
	}
	return l.Subscribe(ctx, account)
}

// enough reports whether a Page's subscription is as wanted. Where the least is
// wanted anything more is left alone: another user of the same Page may have been
// granted it.
func enough(reached, wanted []string) bool {
	if slices.Equal(wanted, leastFields) {
		return len(reached) > 0
	}
	return slices.Equal(slices.Sorted(slices.Values(reached)), slices.Sorted(slices.Values(wanted)))
}
