package graph

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// Found is everything that a person's token leads to.
type Found struct {
	Person            Person
	Granted           []string // permissions
	Declined          []string
	Pages             []Page
	Expires           time.Time // of the token; zero: never
	DataAccessExpires time.Time // zero: unknown
	Skipped           []error   // failures that cost no account that we know of, for the log
	Asked             time.Time // when the look-up began
	Shared            []string  // ids of the Pages that Meta named as shared
	AllNamed          bool      // these are all
}

// Person is the Facebook person behind a token, by app-scoped id: the one that
// deauthorize and deletion callbacks carry.
type Person struct {
	ID   string
	Name string
}

// Accounts are the Pages with an Instagram account, each account once.
func (f Found) Accounts() []Page {
	var accounts []Page
	for _, page := range f.Pages {
		known := func(k Page) bool { return page.Instagram.ID == k.Instagram.ID }
		if page.Instagram != nil && !slices.ContainsFunc(accounts, known) {
			accounts = append(accounts, page)
		}
	}
	return accounts
}

// LookUp finds the person, the permissions, and the Pages with their Instagram
// accounts: independent calls side by side. Pages that a Business Portfolio
// holds are missing from the person's list: they are read through the
// portfolio, where business_management is granted, and those that the token
// names as shared by their ids.
func (c *Client) LookUp(ctx context.Context, token Token) (Found, error) {
	var (
		found      = Found{Asked: c.Now()}
		debug      Debug
		debugErr   error
		ofBusiness []Page
		skipped    []error
	)
	err := together(ctx,
		func(ctx context.Context) (err error) { found.Person, err = c.person(ctx, token.Value); return },
		func(ctx context.Context) (err error) {
			found.Granted, found.Declined, err = c.permissions(ctx, token.Value)
			if slices.Contains(found.Granted, "business_management") {
				ofBusiness, skipped = c.businessPages(ctx, token.Value)
			}
			return
		},
		func(ctx context.Context) (err error) {
			found.Pages, err = c.pages(ctx, "listing the Pages", "/me/accounts", token.Value)
			return
		},
		func(ctx context.Context) (err error) {
			debug, err = c.Debug(ctx, token.Value)
			if err != nil && !token.Expires.IsZero() && classOf(err) != TokenDead {
				debugErr, err = err, nil // all it would add is a fallback
			}
			return
		},
	)
	if err != nil {
		return Found{}, err
	}
	found.Expires, found.DataAccessExpires = token.Expires, debug.DataAccessExpires
	found.Shared, found.AllNamed = debug.PageIDs, debug.AllNamed
	if token.Expires.IsZero() {
		found.Expires = debug.Expires
	}
	found.Pages = distinct(append(found.Pages, ofBusiness...))
	unlisted, unread := c.unlistedPages(ctx, token.Value, debug.PageIDs, found.Pages)
	found.Pages = append(found.Pages, unlisted...)
	found.Skipped = append(skipped, unread...)
	if debugErr != nil {
		found.Skipped = append(found.Skipped, debugErr)
	}
	if len(found.Accounts()) == 0 {
		for _, err := range found.Skipped { // the account may be behind what failed: better ask again
			if class := classOf(err); class == Unavailable || class == Throttled {
				return Found{}, err
			}
		}
	}
	return found, nil
}

// Covers tells whether the grant still covers a Page that it may have covered
// before. Where Meta does not say which Pages were shared, it is asked for this
// one: only a refusal is a no.
func (c *Client) Covers(ctx context.Context, token secret.String, found Found, pageID string) bool {
	switch {
	case slices.ContainsFunc(found.Pages, func(p Page) bool { return p.ID == pageID }), slices.Contains(found.Shared, pageID):
		return true
	case found.AllNamed:
		return false
	}
	_, err := c.page(ctx, pageID, token)
	class := classOf(err)
	return err == nil || class != Rejected && class != NoPermission && class != TokenDead
}

// Chosen are those accounts whose Instagram ids are among the given ones.
func (f Found) Chosen(instagramIDs []string) []Page {
	return slices.DeleteFunc(f.Accounts(), func(p Page) bool { return !slices.Contains(instagramIDs, p.Instagram.ID) })
}

func (c *Client) person(ctx context.Context, token secret.String) (Person, error) {
	var answer struct {
		ID   id     `json:"id"`
		Name string `json:"name"`
	}
	call := call{op: "reading the person", method: http.MethodGet, path: "/me", params: map[string][]string{"fields": {"id,name"}}, token: token}
	if err := c.do(ctx, call, &answer); err != nil {
		return Person{}, err
	}
	if answer.ID == "" {
		return Person{}, &Error{Op: call.op, Status: http.StatusOK, Class: Unavailable, cause: errNoEnvelope}
	}
	return Person{ID: string(answer.ID), Name: answer.Name}, nil
}

func (c *Client) permissions(ctx context.Context, token secret.String) (granted, declined []string, err error) {
	var answer struct {
		Data []struct {
			Permission string `json:"permission"`
			Status     string `json:"status"`
		} `json:"data"`
	}
	call := call{op: "reading the permissions", method: http.MethodGet, path: "/me/permissions", token: token}
	if err := c.do(ctx, call, &answer); err != nil {
		return nil, nil, err
	}
	if answer.Data == nil {
		return nil, nil, &Error{Op: call.op, Status: http.StatusOK, Class: Unavailable, cause: errNoEnvelope}
	}
	for _, entry := range answer.Data {
		if entry.Status == "granted" {
			granted = append(granted, entry.Permission)
		} else {
			declined = append(declined, entry.Permission)
		}
	}
	return granted, declined, nil
}

// unlistedPages reads the shared Pages that are not known yet. One that cannot
// be read is skipped, with its error.
func (c *Client) unlistedPages(ctx context.Context, token secret.String, shared []string, known []Page) (pages []Page, skipped []error) {
	var (
		mutex sync.Mutex
		jobs  []func()
	)
	for _, pageID := range shared {
		if slices.ContainsFunc(known, func(p Page) bool { return p.ID == pageID }) {
			continue
		}
		jobs = append(jobs, func() {
			page, err := c.page(ctx, pageID, token)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				skipped = append(skipped, err)
				return
			}
			pages = append(pages, page)
		})
	}
	upstream.SideBySide(readsAtOnce, jobs...)
	slices.SortFunc(pages, func(a, b Page) int { return slices.Index(shared, a.ID) - slices.Index(shared, b.ID) })
	return pages, skipped
}
