package graph

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"

	"igconnect/lib/secret"
)

const pageFields = "id,name,access_token,tasks," +
	"instagram_business_account{id,username,name,profile_picture_url}," +
	"connected_instagram_account{id,username}"

// Page is a Facebook Page that the person shared.
type Page struct {
	ID        string
	Name      string
	Token     secret.String // sends and subscribes; empty where Meta gives none
	Tasks     []string      // what the person may do there
	Instagram *Instagram    // the professional account linked to it, or nil
	Personal  string        // user name of an account linked to it that is not professional; else empty
}

// Instagram is a professional account. ID is the one that webhooks carry.
type Instagram struct {
	ID         string
	Username   string
	Name       string
	PictureURL string // at Meta's CDN; expires
}

// page is a Page as Meta writes it.
type page struct {
	ID        id            `json:"id"`
	Name      string        `json:"name"`
	Token     secret.String `json:"access_token"`
	Tasks     []string      `json:"tasks"`
	Instagram *struct {
		ID         id     `json:"id"`
		Username   string `json:"username"`
		Name       string `json:"name"`
		PictureURL string `json:"profile_picture_url"`
	} `json:"instagram_business_account"`
	Connected *struct {
		ID       id     `json:"id"`
		Username string `json:"username"`
	} `json:"connected_instagram_account"` // shows professional accounts and others
}

func (p page) export() Page {
	page := Page{ID: string(p.ID), Name: p.Name, Token: p.Token, Tasks: p.Tasks}
	if account := p.Instagram; account != nil && account.ID != "" {
		page.Instagram = &Instagram{
			ID: string(account.ID), Username: account.Username, Name: account.Name, PictureURL: account.PictureURL,
		}
	}
	if page.Instagram == nil && p.Connected != nil {
		page.Personal = cmp.Or(p.Connected.Username, string(p.Connected.ID))
	}
	return page
}

// pages reads a list of Pages.
func (c *Client) pages(ctx context.Context, op, path string, token secret.String) ([]Page, error) {
	written, err := list[page](ctx, c, call{op: op, method: http.MethodGet, path: path, params: url.Values{"fields": {pageFields}}, token: token})
	var pages []Page
	for _, p := range written {
		if p.ID != "" { // without one there is nothing to call
			pages = append(pages, p.export())
		}
	}
	return pages, err
}

// page reads one Page by its id.
func (c *Client) page(ctx context.Context, pageID string, token secret.String) (Page, error) {
	var answer page
	err := c.do(ctx, call{
		op: "reading a Page", method: http.MethodGet, path: "/" + pageID,
		params: url.Values{"fields": {pageFields}}, token: token,
	}, &answer)
	if err == nil && string(answer.ID) != pageID {
		err = &Error{Op: "reading a Page", Status: http.StatusOK, Class: Unavailable, cause: errNoEnvelope}
	}
	return answer.export(), err
}

// PageToken reads a Page's token anew.
func (c *Client) PageToken(ctx context.Context, pageID string, token secret.String) (secret.String, error) {
	page, err := c.page(ctx, pageID, token)
	return page.Token, err
}

// distinct keeps each Page once, the copy that has a token preferred.
func distinct(pages []Page) []Page {
	var kept []Page
	for _, page := range pages {
		at := slices.IndexFunc(kept, func(k Page) bool { return k.ID == page.ID })
		switch {
		case at < 0:
			kept = append(kept, page)
		case kept[at].Token.Empty() && !page.Token.Empty():
			kept[at] = page
		}
	}
	return kept
}

// CanMessage tells whether the person's role on the Page covers its messages.
func (p Page) CanMessage() bool {
	return slices.Contains(p.Tasks, "MODERATE") || slices.Contains(p.Tasks, "MESSAGING")
}
