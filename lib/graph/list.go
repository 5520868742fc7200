package graph

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

const (
	perList  = "100" // entries that Meta gives at most at once
	maxLists = 100
)

// list reads a list of Meta's to its end. The cursor is followed by hand:
// paging.next carries the token, and is an address that somebody else chose.
// https://developers.facebook.com/docs/graph-api/results
func list[T any](ctx context.Context, c *Client, first call) ([]T, error) {
	var all []T
	call, after := first, ""
	for range maxLists {
		var answer struct {
			Data   []T `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		call.params = url.Values{"limit": {perList}}
		for name, values := range first.params {
			call.params[name] = values
		}
		if after != "" {
			call.params.Set("after", after)
		}
		if err := c.do(ctx, call, &answer); err != nil {
			return nil, err
		}
		if answer.Data == nil {
			return nil, &Error{Op: call.op, Status: http.StatusOK, Class: Unavailable, cause: errNoEnvelope}
		}
		all = append(all, answer.Data...)
		// cursors.after stands on the last page too.
		next := answer.Paging.Cursors.After
		if answer.Paging.Next == "" || next == "" || next == after {
			return all, nil
		}
		after = next
	}
	return nil, &Error{Op: call.op, Status: http.StatusOK, Class: Unavailable, cause: errors.New("the list does not end")}
}
