package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"igconnect/lib/secret"
)

// leastField is what a Page can be subscribed to with pages_manage_metadata
// alone; the Instagram fields are then chosen at app level.
const leastField = "feed"

// WantedFields is what a Page will be subscribed to under the granted
// permissions: one field that is not authorised rejects the whole call.
func WantedFields(fields, granted []string) []string {
	if slices.Contains(granted, "pages_messaging") {
		return fields
	}
	return []string{leastField}
}

// Enough tells whether a Page's subscription is as wanted. Where the least is
// wanted anything more is left alone: another user of the same Page may have
// been granted it.
func Enough(reached, wanted []string) bool {
	if slices.Equal(wanted, []string{leastField}) {
		return len(reached) > 0
	}
	return slices.Equal(slices.Sorted(slices.Values(reached)), slices.Sorted(slices.Values(wanted)))
}

// Subscribe connects a Page to the app's webhook: the whole list, for the call
// replaces what was there. Where Meta says that a permission is missing it
// falls back to the least that works. It returns what was reached, and the
// refusal, if there was one: both after a fallback.
// https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
func (c *Client) Subscribe(ctx context.Context, pageID string, pageToken secret.String, fields []string) ([]string, error) {
	err := c.subscribe(ctx, pageID, pageToken, fields)
	least := []string{leastField}
	switch {
	case err == nil:
		return fields, nil
	case classOf(err) == NoPermission && !slices.Equal(fields, least) && c.subscribe(ctx, pageID, pageToken, least) == nil:
		return least, err
	}
	return nil, err
}

func (c *Client) subscribe(ctx context.Context, pageID string, pageToken secret.String, fields []string) error {
	return c.confirmed(ctx, call{
		op: "subscribing the Page", method: http.MethodPost, path: "/" + pageID + "/subscribed_apps",
		params: url.Values{"subscribed_fields": {strings.Join(fields, ",")}}, token: pageToken,
	})
}

// Subscribed reads what the Page is subscribed to for this app; nothing where
// it is not.
func (c *Client) Subscribed(ctx context.Context, pageID string, pageToken secret.String) ([]string, error) {
	apps, err := list[struct {
		ID     id       `json:"id"`
		Fields []string `json:"subscribed_fields"`
	}](ctx, c, call{op: "reading the subscription", method: http.MethodGet, path: "/" + pageID + "/subscribed_apps", token: pageToken})
	for _, app := range apps {
		if string(app.ID) == c.AppID {
			return plainNames(app.Fields), err
		}
	}
	return nil, err
}

// Unsubscribe ends the Page's subscription to the app's webhook.
func (c *Client) Unsubscribe(ctx context.Context, pageID string, pageToken secret.String) error {
	return c.confirmed(ctx, call{
		op: "unsubscribing the Page", method: http.MethodDelete, path: "/" + pageID + "/subscribed_apps", token: pageToken,
	})
}

// Revoke takes back everything that the person granted to the app, and so ends
// all of that person's tokens.
// https://developers.facebook.com/docs/facebook-login/guides/permissions/request-revoke
func (c *Client) Revoke(ctx context.Context, personID string, token secret.String) error {
	return c.confirmed(ctx, call{
		op: "revoking the grant", method: http.MethodDelete, path: "/" + personID + "/permissions", token: token,
	})
}

// confirmation is how Meta says yes: {"success":true} or a bare true.
type confirmation bool

// UnmarshalJSON takes either form.
func (c *confirmation) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, (*bool)(c)) == nil {
		return nil
	}
	var answer struct {
		Success bool `json:"success"`
	}
	err := json.Unmarshal(data, &answer)
	*c = confirmation(answer.Success)
	return err
}

// confirmed makes a call that Meta answers with nothing but yes or no.
func (c *Client) confirmed(ctx context.Context, call call) error {
	var yes confirmation
	if err := c.do(ctx, call, &yes); err != nil {
		return err
	}
	if !yes {
		return &Error{Op: call.op, Status: http.StatusOK, Class: Rejected, cause: errors.New("not confirmed")}
	}
	return nil
}
