package facebook

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const readsAtOnce = 16 // calls of one look-up, side by side

// What is asked of a Page. The person's role (tasks) is known to lists of what the
// person may do alone: a Page read by its id, or in a list of a business, has no
// such field, and one field that Meta does not know fails the whole call.
const (
	leastPageFields = "id,name,access_token,instagram_business_account"
	pageFields      = "id,name,access_token,instagram_business_account{id,username,name,profile_picture_url}," +
		"connected_instagram_account{id,username}"
	listedPageFields = pageFields + ",tasks"
)

// page is a Page as Meta writes it.
type page struct {
	ID        metajson.ID   `json:"id"`
	Name      string        `json:"name"`
	Token     secret.String `json:"access_token"`
	Tasks     []string      `json:"tasks"`
	Instagram profile       `json:"instagram_business_account"`
	Connected profile       `json:"connected_instagram_account"` // professional or not
}

type profile struct {
	ID         metajson.ID `json:"id"`
	Username   string      `json:"username"`
	Name       string      `json:"name"`
	PictureURL string      `json:"profile_picture_url"`
}

// public is the Page as the flows see it.
func (p page) public() graph.Page {
	public := graph.Page{
		ID: string(p.ID), Name: p.Name, HasToken: !p.Token.Empty(), Tasks: p.Tasks,
		InstagramID: string(p.Instagram.ID), Username: p.Instagram.Username,
	}
	if p.Instagram.ID == "" {
		public.Username = cmp.Or(p.Connected.Username, string(p.Connected.ID))
	}
	return public
}

// account is the professional account linked to the Page, which must have one.
func (p page) account(fields []string) graph.Account {
	public := p.public()
	return graph.Account{
		InstagramID: string(p.Instagram.ID), Username: p.Instagram.Username, Name: p.Instagram.Name,
		PictureURL: p.Instagram.PictureURL, Token: p.Token, Fields: fields, Page: &public,
	}
}

// pages reads a list of Pages. It skips what cannot be read, with its error.
func pages(ctx context.Context, c *graph.Client, op, path, fields string, token secret.String) (all []page, skipped []error, err error) {
	err = withFields(fields, func(params url.Values) (err error) {
		all, skipped, err = graph.List[page](ctx, c, graph.Call{Op: op, Path: path, Params: params, Token: token})
		return err
	})
	// Without an id there is nothing to call.
	return slices.DeleteFunc(all, func(p page) bool { return p.ID == "" }), skipped, err
}

// onePage reads a Page by its id. An answer without it is an error of class
// [graph.Rejected].
func onePage(ctx context.Context, c *graph.Client, id string, token secret.String) (p page, err error) {
	call := graph.Call{Op: "reading a Page", Path: "/" + id, Token: token}
	err = withFields(pageFields, func(params url.Values) error {
		call.Params, p = params, page{}
		return c.Do(ctx, call, &p)
	})
	if err == nil && string(p.ID) != id {
		err = call.Failed(graph.Rejected, errNoPage)
	}
	return p, err
}

var errNoPage = errors.New("the answer is without the Page")

// withFields asks for these fields of Pages, and for fewer where Meta refuses one
// of them: better a Page without its names than none.
func withFields(fields string, ask func(url.Values) error) (err error) {
	for _, asked := range slices.Compact([]string{fields, pageFields, leastPageFields}) {
		if err = ask(url.Values{"fields": {asked}}); !fieldRefused(err) {
			break
		}
	}
	return err
}

// fieldRefused reports whether Meta refused a field, which says nothing of the
// Page: "(#100) Tried accessing nonexisting field (tasks) on node type (Page)".
func fieldRefused(err error) bool {
	refused, ok := errors.AsType[*graph.Error](err)
	return ok && refused.Code == 100 && refused.Subcode != gone
}

// gone is the subcode of an object that does not exist, or is not shared any more.
const gone = 33

// businessPages reads the Pages of the person's Business Portfolios: those that
// each owns and those of its clients. It needs business_management. It skips what
// cannot be read, with its error.
// https://developers.facebook.com/docs/marketing-api/reference/business
func businessPages(ctx context.Context, c *graph.Client, token secret.String) ([]page, []error) {
	type business struct {
		ID metajson.ID `json:"id"`
	}
	call := graph.Call{Op: "listing the businesses", Path: "/me/businesses", Params: url.Values{"fields": {"id"}}, Token: token}
	businesses, skipped, err := graph.List[business](ctx, c, call)
	if err != nil {
		return nil, []error{err}
	}
	var paths []string
	for _, business := range businesses {
		if business.ID != "" {
			path := "/" + string(business.ID)
			paths = append(paths, path+"/owned_pages", path+"/client_pages")
		}
	}
	all, unread := readAll(paths, func(path string) ([]page, []error, error) {
		return pages(ctx, c, "listing a business's Pages", path, pageFields, token)
	})
	return all, append(skipped, unread...)
}

// unlistedPages reads the shared Pages that are not known yet. It skips one that
// cannot be read, with its error.
func unlistedPages(ctx context.Context, c *graph.Client, token secret.String, shared []string, known []page) ([]page, []error) {
	unknown := slices.DeleteFunc(slices.Clone(shared), func(id string) bool {
		return slices.ContainsFunc(known, func(p page) bool { return string(p.ID) == id })
	})
	return readAll(unknown, func(id string) ([]page, []error, error) {
		p, err := onePage(ctx, c, id, token)
		return []page{p}, nil, err
	})
}

// readAll reads the Pages behind each path or id, side by side. It returns them in
// the order of these, and the errors of those that cannot be read.
func readAll(of []string, read func(string) ([]page, []error, error)) (all []page, skipped []error) {
	lists, unread, jobs := make([][]page, len(of)), make([][]error, len(of)), make([]func(), len(of))
	for i, one := range of {
		jobs[i] = func() {
			var err error
			if lists[i], unread[i], err = read(one); err != nil {
				lists[i], unread[i] = nil, []error{err}
			}
		}
	}
	upstream.SideBySide(readsAtOnce, jobs...)
	return slices.Concat(lists...), slices.Concat(unread...)
}

// distinct keeps each Page once, preferably the copy that has a token.
func distinct(pages []page) []page {
	var kept []page
	for _, p := range pages {
		at := slices.IndexFunc(kept, func(k page) bool { return k.ID == p.ID })
		switch {
		case at < 0:
			kept = append(kept, p)
		case kept[at].Token.Empty() && !p.Token.Empty():
			kept[at] = p
		}
	}
	return kept
}
