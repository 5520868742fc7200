package graph

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// businessPages reads the Pages of the person's Business Portfolios, which
// /me/accounts does not show: those each owns and those of its clients, side
// by side. It needs business_management. What cannot be read is skipped, with
// its error.
// https://developers.facebook.com/docs/marketing-api/reference/business
func (c *Client) businessPages(ctx context.Context, token secret.String) (pages []Page, skipped []error) {
	businesses, err := list[struct {
		ID id `json:"id"`
	}](ctx, c, call{op: "listing the businesses", method: http.MethodGet, path: "/me/businesses", params: url.Values{"fields": {"id"}}, token: token})
	if err != nil {
		return nil, []error{err}
	}
	var paths []string
	for _, business := range businesses {
		if business.ID != "" {
			paths = append(paths, "/"+string(business.ID)+"/owned_pages", "/"+string(business.ID)+"/client_pages")
		}
	}
	lists, errs, jobs := make([][]Page, len(paths)), make([]error, len(paths)), make([]func(), len(paths))
	for i, path := range paths {
		jobs[i] = func() { lists[i], errs[i] = c.pages(ctx, "listing a business's Pages", path, token) }
	}
	upstream.SideBySide(readsAtOnce, jobs...)
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	return slices.Concat(lists...), errs
}
