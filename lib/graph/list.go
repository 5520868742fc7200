package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"igconnect/lib/metajson"
)

const (
	perList       = 100 // entries that Meta gives at most at once
	maxLists      = 100
	maxIdleInARow = 3 // parts of a list that bring nothing new
)

type list struct {
	Data   json.RawMessage `json:"data"`
	Paging struct {
		Cursors struct {
			After string `json:"after"`
		} `json:"cursors"`
		Next string `json:"next"`
	} `json:"paging"`
}

// List reads a list of Meta's to its end: up to 10,000 entries. It fails with an
// [*Error] where nothing could be read. What it could not read of the rest is in
// skipped: an entry that is none, or all that comes after a failure, after the
// caller's time was up, or after some parts of a list that does not end. A
// refusal of the token or the app is never skipped.
//
// Where Meta says that it is too much at once, it asks for half as many. It
// follows the cursor by itself: the answer's paging.next holds the token, and is
// an address that somebody else chose.
// https://developers.facebook.com/docs/graph-api/results
func List[T any](ctx context.Context, c *Client, first Call) (all []T, skipped []error, err error) {
	var (
		call, after, limit, idle, odd = first, "", perList, 0, 0
		seen, came                    = map[string]bool{}, map[string]bool{} // cursors, and data
	)
	all = []T{}
	for len(seen) < maxLists {
		call.Params = url.Values{"limit": {strconv.Itoa(limit)}}
		maps.Copy(call.Params, first.Params)
		if after != "" {
			call.Params.Set("after", after)
		}
		var data metajson.List[T]
		answer, err := Read(ctx, c, call, func(l list) bool { return json.Unmarshal(l.Data, &data) == nil && data.Entries != nil })
		switch {
		case tooMuch(err) && limit > 1:
			limit /= 2
			continue
		case err != nil && len(seen) > 0 && ClassOf(err) != TokenDead && ClassOf(err) != BadApp:
			return all, append(oddEntries(first, odd), err), nil
		case err != nil:
			return nil, nil, err
		}
		if idle++; len(data.Entries)+data.Odd > 0 && !came[string(answer.Data)] {
			all, odd, idle = append(all, data.Entries...), odd+data.Odd, 0
			came[string(answer.Data)] = true
		}
		next := answer.Paging.Cursors.After // the last part of a list has one too
		if answer.Paging.Next == "" || next == "" || next == after {
			return all, oddEntries(first, odd), nil
		}
		if seen[next] || idle == maxIdleInARow {
			break
		}
		after, seen[next] = next, true
	}
	return all, append(oddEntries(first, odd), call.Failed(Rejected, errors.New("the list does not end"))), nil
}

// oddEntries is the error for entries that were left out, none for 0.
func oddEntries(call Call, n int) []error {
	if n == 0 {
		return nil
	}
	return []error{call.Failed(Rejected, fmt.Errorf("%d of the list could not be read", n))}
}

// tooMuch reports whether Meta asks for a smaller question: "Please reduce the
// amount of data you're asking for, then retry your request".
func tooMuch(err error) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Code == 1 && strings.Contains(strings.ToLower(refused.Message), "reduce the amount of data")
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
	subscriptions, skipped, err := List[AppSubscription](ctx, c, call)
	if len(skipped) > 0 { // the one that matters may be among them
		return nil, Reclassed(skipped[0], Unavailable, Rejected)
	}
	return subscriptions, Reclassed(err, BadApp, TokenDead)
}
