package graph

import (
	"context"
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
	var answer struct {
		Success bool `json:"success"`
	}
	call := call{
		op: "subscribing the Page", method: http.MethodPost, path: "/" + pageID + "/subscribed_apps",
		params: url.Values{"subscribed_fields": {strings.Join(fields, ",")}}, token: pageToken,
	}
	if err := c.do(ctx, call, &answer); err != nil {
		return err
	}
	if !answer.Success {
		return &Error{Op: call.op, Status: http.StatusOK, Class: Rejected, cause: errors.New("Meta did not confirm it")}
	}
	return nil
}
