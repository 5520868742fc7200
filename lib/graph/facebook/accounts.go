package facebook

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// A look-up ends in time for what follows in the same request: Pages are read by
// their ids, then rows are saved and Pages subscribed.
const (
	timeAfterLists   = 11 * time.Second
	timeAfterReading = 8 * time.Second
)

// Accounts finds the person, the permissions, and the Pages with their Instagram
// accounts: calls that do not depend on each other side by side.
//
// /me/accounts omits Pages that a Business Portfolio holds. They are read through
// the portfolio, where business_management is granted, and by their ids, where
// debug_token names them as shared.
func (l Login) Accounts(ctx context.Context, token graph.Token) (graph.Found, error) {
	var (
		c, user               = l.Client, token.Value
		found                 = graph.Found{Asked: c.Now()}
		inspection            graph.Inspection
		listed, ofBusiness    []page
		notListed             []error
		skipped, notInspected []error
		declined              []string
	)
	looking, cancel := upstream.EndingEarly(ctx, timeAfterLists)
	defer cancel()
	err := together(looking,
		func(ctx context.Context) (err error) { found.Person, err = person(ctx, c, user); return },
		func(ctx context.Context) (err error) {
			found.Granted, declined, err = permissions(ctx, c, user)
			if slices.Contains(found.Granted, "business_management") {
				ofBusiness, skipped = businessPages(ctx, c, user)
			}
			return
		},
		func(ctx context.Context) (err error) {
			listed, notListed, err = pages(ctx, c, "listing the Pages", "/me/accounts", listedPageFields, user)
			return
		},
		func(ctx context.Context) (err error) {
			inspection, err = l.Inspect(ctx, user)
			if err != nil && !token.Expires.IsZero() && graph.ClassOf(err) != graph.TokenDead {
				// All that it would add is Pages that are not listed.
				notInspected, err = []error{err}, nil
			}
			return
		},
	)
	if err != nil {
		return graph.Found{}, err
	}
	found.Expires = cmp.Or(token.Expires, inspection.Expires)
	found.DataAccessExpires = inspection.DataAccessExpires
	found.Shared, found.AllNamed, found.SharedAccounts = inspection.PageIDs, inspection.AllNamed, inspection.AccountIDs
	found.Missing = l.missing(found.Granted, declined)
	found.Withheld = l.withheld(found.Granted, declined)
	found.Declined = slices.DeleteFunc(declined, func(scope string) bool { return !slices.Contains(l.Scopes, scope) })
	all := distinct(append(listed, ofBusiness...))
	reading, cancelReading := upstream.EndingEarly(ctx, timeAfterReading)
	defer cancelReading()
	unlisted, unread := unlistedPages(reading, c, user, inspection.PageIDs, all)
	found.Skipped = slices.Concat(notListed, skipped, unread, notInspected)
	addPages(&found, append(all, unlisted...), wantedFields(l.WebhookFields, found.Granted))
	if len(found.Accounts) == 0 {
		for _, err := range found.Skipped { // the account may be behind what failed: better ask again
			if class := graph.ClassOf(err); class == graph.Unavailable || class == graph.Throttled {
				return graph.Found{}, err
			}
		}
	}
	return found, nil
}

// together runs the steps side by side. The first that fails ends the others.
func together(ctx context.Context, steps ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		once  sync.Once
		first error
		jobs  = make([]func(), len(steps))
	)
	for i, step := range steps {
		jobs[i] = func() {
			if err := step(ctx); err != nil {
				once.Do(func() { first = err; cancel() })
			}
		}
	}
	upstream.SideBySide(len(jobs), jobs...)
	return first
}

// addPages adds the Pages, and each account linked to one of them once, and names
// the shared Pages that are not among them.
func addPages(found *graph.Found, all []page, fields []string) {
	for _, p := range all {
		found.Pages = append(found.Pages, p.public())
		known := func(a graph.Account) bool { return a.InstagramID == string(p.Instagram.ID) }
		if p.Instagram.ID != "" && !slices.ContainsFunc(found.Accounts, known) {
			found.Accounts = append(found.Accounts, p.account(fields))
		}
	}
	for _, id := range found.Shared {
		if !slices.ContainsFunc(all, func(p page) bool { return string(p.ID) == id }) {
			found.NotShown = append(found.NotShown, id)
		}
	}
}

// Covers reports whether the grant still covers a Page that it may have covered
// before. Where Meta does not say which Pages were shared, it is asked for this
// one: only that it is not there, or not shared, is a no.
func (l Login) Covers(ctx context.Context, token secret.String, found graph.Found, pageID string) bool {
	listed := func(p graph.Page) bool { return p.ID == pageID }
	switch {
	case slices.ContainsFunc(found.Pages, listed), slices.Contains(found.Shared, pageID):
		return true
	case found.AllNamed:
		return false
	}
	_, err := onePage(ctx, l.Client, pageID, token)
	return !pageGone(err) && graph.ClassOf(err) != graph.TokenDead
}

func person(ctx context.Context, c *graph.Client, token secret.String) (graph.Person, error) {
	type person struct {
		ID   metajson.ID `json:"id"`
		Name string      `json:"name"`
	}
	call := graph.Call{Op: "reading the person", Path: "/me", Params: url.Values{"fields": {"id,name"}}, Token: token}
	read, err := graph.Read(ctx, c, call, func(p person) bool { return p.ID != "" })
	return graph.Person{ID: string(read.ID), Name: read.Name}, err
}

func permissions(ctx context.Context, c *graph.Client, token secret.String) (granted, declined []string, err error) {
	type permissions struct {
		Data metajson.List[struct {
			Permission string `json:"permission"`
			Status     string `json:"status"`
		}] `json:"data"`
	}
	call := graph.Call{Op: "reading the permissions", Path: "/me/permissions", Token: token}
	read, err := graph.Read(ctx, c, call, func(p permissions) bool { return p.Data.Entries != nil })
	for _, entry := range read.Data.Entries {
		if entry.Status == "granted" {
			granted = append(granted, entry.Permission)
		} else {
			declined = append(declined, entry.Permission)
		}
	}
	return granted, declined, err
}
