package facebook

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const readsAtOnce = 16 // calls of one look-up, side by side

const pageFields = "id,name,access_token,tasks,instagram_business_account{id,username,name,profile_picture_url}," +
	"connected_instagram_account{id,username}"

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

func pages(ctx context.Context, c *graph.Client, op, path string, token secret.String) ([]page, error) {
	call := graph.Call{Op: op, Path: path, Params: url.Values{"fields": {pageFields}}, Token: token}
	all, err := graph.List[page](ctx, c, call)
	// Without an id there is nothing to call.
	return slices.DeleteFunc(all, func(p page) bool { return p.ID == "" }), err
}

func onePage(ctx context.Context, c *graph.Client, id string, token secret.String) (page, error) {
	call := graph.Call{Op: "reading a Page", Path: "/" + id, Params: url.Values{"fields": {pageFields}}, Token: token}
	return graph.Read(ctx, c, call, func(p page) bool { return string(p.ID) == id })
}

// businessPages reads the Pages of the person's Business Portfolios: those that
// each owns and those of its clients. It needs business_management. It skips what
// cannot be read, with its error.
// https://developers.facebook.com/docs/marketing-api/reference/business
func businessPages(ctx context.Context, c *graph.Client, token secret.String) ([]page, []error) {
	type business struct {
		ID metajson.ID `json:"id"`
	}
	call := graph.Call{Op: "listing the businesses", Path: "/me/businesses", Params: url.Values{"fields": {"id"}}, Token: token}
	businesses, err := graph.List[business](ctx, c, call)
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
	return readAll(paths, func(path string) ([]page, error) {
		return pages(ctx, c, "listing a business's Pages", path, token)
	})
}

// unlistedPages reads the shared Pages that are not known yet. It skips one that
// cannot be read, with its error.
func unlistedPages(ctx context.Context, c *graph.Client, token secret.String, shared []string, known []page) ([]page, []error) {
	unknown := slices.DeleteFunc(slices.Clone(shared), func(id string) bool {
		return slices.ContainsFunc(known, func(p page) bool { return string(p.ID) == id })
	})
	return readAll(unknown, func(id string) ([]page, error) {
		p, err := onePage(ctx, c, id, token)
		if err != nil {
			return nil, err
		}
		return []page{p}, nil
	})
}

// readAll reads the Pages behind each path or id, side by side. It returns them in
// the order of these, and the errors of those that cannot be read.
func readAll(of []string, read func(string) ([]page, error)) ([]page, []error) {
	lists, errs, jobs := make([][]page, len(of)), make([]error, len(of)), make([]func(), len(of))
	for i, one := range of {
		jobs[i] = func() { lists[i], errs[i] = read(one) }
	}
	upstream.SideBySide(readsAtOnce, jobs...)
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	return slices.Concat(lists...), errs
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
