package graph

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"igconnect/lib/secret"
)

// readsAtOnce bounds the direct reads of Pages that the list does not show.
const readsAtOnce = 16

// Found is everything that a person's token leads to.
type Found struct {
	Person            Person
	Granted           []string // permissions
	Declined          []string
	Pages             []Page
	Expires           time.Time // of the token; zero: never
	DataAccessExpires time.Time // zero: unknown
	Skipped           []error   // failures that cost no account that we know of, for the log
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
// accounts: four calls side by side, then those Pages that the person shared
// and the list does not show (a Business Portfolio holds them), by their ids.
func (c *Client) LookUp(ctx context.Context, token Token) (Found, error) {
	var (
		found Found
		debug Debug
		noted error
	)
	err := together(ctx,
		func(ctx context.Context) (err error) { found.Person, err = c.person(ctx, token.Value); return },
		func(ctx context.Context) (err error) {
			found.Granted, found.Declined, err = c.permissions(ctx, token.Value)
			return
		},
		func(ctx context.Context) (err error) { found.Pages, err = c.listedPages(ctx, token.Value); return },
		func(ctx context.Context) (err error) {
			debug, err = c.Debug(ctx, token.Value)
			if err != nil && !token.Expires.IsZero() && classOf(err) != TokenDead {
				noted, err = err, nil // all it would add is a fallback
			}
			return
		},
	)
	if err != nil {
		return Found{}, err
	}
	found.Expires, found.DataAccessExpires = token.Expires, debug.DataAccessExpires
	if token.Expires.IsZero() {
		found.Expires = debug.Expires
	}
	if noted != nil {
		found.Skipped = append(found.Skipped, noted)
	}
	unlisted, skipped := c.unlistedPages(ctx, token.Value, debug.PageIDs, found.Pages)
	found.Pages = distinct(append(found.Pages, unlisted...))
	found.Skipped = append(found.Skipped, skipped...)
	if len(found.Accounts()) == 0 {
		for _, err := range found.Skipped { // the account may be behind what failed: better ask again
			if class := classOf(err); class == Unavailable || class == Throttled {
				return Found{}, err
			}
		}
	}
	return found, nil
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

// unlistedPages reads the shared Pages that are missing from the list. One
// that cannot be read is skipped, with its error.
func (c *Client) unlistedPages(ctx context.Context, token secret.String, shared []string, listed []Page) (pages []Page, skipped []error) {
	var (
		mutex sync.Mutex
		group sync.WaitGroup
		slots = make(chan struct{}, readsAtOnce)
	)
	for _, pageID := range shared {
		if slices.ContainsFunc(listed, func(p Page) bool { return p.ID == pageID }) {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
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
	group.Wait()
	slices.SortFunc(pages, func(a, b Page) int { return slices.Index(shared, a.ID) - slices.Index(shared, b.ID) })
	return pages, skipped
}

// together runs the steps side by side. The first that fails ends the others,
// and all have returned before it does: a frozen function runs no leftovers.
func together(ctx context.Context, steps ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group sync.WaitGroup
		once  sync.Once
		first error
	)
	for _, step := range steps {
		group.Go(func() {
			if err := step(ctx); err != nil {
				once.Do(func() { first = err; cancel() })
			}
		})
	}
	group.Wait()
	return first
}

// Chosen are those accounts whose Instagram ids are among the given ones.
func (f Found) Chosen(instagramIDs []string) []Page {
	return slices.DeleteFunc(f.Accounts(), func(p Page) bool { return !slices.Contains(instagramIDs, p.Instagram.ID) })
}
