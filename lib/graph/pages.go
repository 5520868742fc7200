package graph

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"igconnect/lib/secret"
)

const (
	pageFields = "id,name,access_token,tasks," +
		"instagram_business_account{id,username,name,profile_picture_url}"
	pagesPerList = "100"
	maxLists     = 100
)

// Page is a Facebook Page that the person shared.
type Page struct {
	ID        string
	Name      string
	Token     secret.String // sends and subscribes; empty where Meta gives none
	Tasks     []string      // what the person may do there
	Instagram *Instagram    // the professional account linked to it, or nil
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
}

func (p page) export() Page {
	page := Page{ID: string(p.ID), Name: p.Name, Token: p.Token, Tasks: p.Tasks}
	if account := p.Instagram; account != nil && account.ID != "" {
		page.Instagram = &Instagram{
			ID: string(account.ID), Username: account.Username, Name: account.Name, PictureURL: account.PictureURL,
		}
	}
	return page
}

// listedPages reads /me/accounts to its end. The cursor is followed by hand:
// paging.next carries the token, and is an address that somebody else chose.
func (c *Client) listedPages(ctx context.Context, token secret.String) ([]Page, error) {
	var pages []Page
	after := ""
	for range maxLists {
		var answer struct {
			Data   []page `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		params := url.Values{"fields": {pageFields}, "limit": {pagesPerList}}
		if after != "" {
			params.Set("after", after)
		}
		call := call{op: "listing the Pages", method: http.MethodGet, path: "/me/accounts", params: params, token: token}
		if err := c.do(ctx, call, &answer); err != nil {
			return nil, err
		}
		if answer.Data == nil {
			return nil, &Error{Op: call.op, Status: http.StatusOK, Class: Unavailable, cause: errNoEnvelope}
		}
		for _, page := range answer.Data {
			pages = append(pages, page.export())
		}
		// cursors.after stands on the last page too.
		next := answer.Paging.Cursors.After
		if answer.Paging.Next == "" || next == "" || next == after {
			return pages, nil
		}
		after = next
	}
	return nil, &Error{Op: "listing the Pages", Status: http.StatusOK, Class: Unavailable, cause: errors.New("the list does not end")}
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
