package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/page"
	"igconnect/lib/sealed"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	subscribeLimit = 8 * time.Second // a subscription can be repaired later: it must not cost the connection
	callsAtOnce    = 16
)

// Connect saves the chosen accounts and subscribes their Pages, side by side,
// and sends the browser back. If Supabase fails nothing is lost: the sealed
// grant stays in the browser and the error page offers to try again.
func (c *Call) Connect(flow string, grant Grant, found graph.Found, chosen []graph.Page) error {
	ctx := c.R.Context()
	grant.Chosen = nil
	rows := make([]store.Connection, len(chosen))
	for i, p := range chosen {
		grant.Chosen = append(grant.Chosen, p.Instagram.ID)
		rows[i] = c.connection(grant, found, p)
	}

	var (
		saveErr error
		came    []store.Subscription
	)
	upstream.SideBySide(3,
		func() { saveErr = c.Store.Save(ctx, rows) },
		func() { came = c.subscribe(ctx, chosen, rows) },
		func() { c.Reconcile(grant, found) },
	)
	if saveErr != nil {
		return c.offerAgain(flow, grant, saveErr)
	}
	c.correct(ctx, rows, came)

	c.Note("connected", grant.Chosen)
	c.Grants.Clear(c.W, flow)
	done := withResult(grant.Wish.ReturnTo, "connected", strings.Join(grant.Chosen, ","))
	if grant.Wish.Explain {
		if explanation, missing := c.Explanation(found, rows, came, done); missing {
			return c.Render(http.StatusOK, explanation)
		}
	}
	return c.Redirect(http.StatusSeeOther, done)
}

// connection is the row of one account, with the subscription that we expect.
func (c *Call) connection(grant Grant, found graph.Found, p graph.Page) store.Connection {
	expected := store.Subscription{Fields: graph.WantedFields(c.Config.WebhookFields, found.Granted)}
	if p.Token.Empty() {
		expected = store.Subscription{Error: "Meta gave no Page token"}
	}
	return store.Connection{
		UserID: grant.User, InstagramID: p.Instagram.ID, Token: grant.Token.Value, PageToken: p.Token,
		PageID: p.ID, PageName: p.Name, Username: p.Instagram.Username, Name: p.Instagram.Name, PictureURL: p.Instagram.PictureURL,
		FacebookUserID: found.Person.ID, Scopes: found.Granted,
		TokenExpires: found.Expires, DataAccessExpires: found.DataAccessExpires,
		Connected: c.now(), Subscription: expected,
	}
}

// subscribe subscribes each Page that has a token and tells what came of it.
func (c *Call) subscribe(ctx context.Context, pages []graph.Page, rows []store.Connection) []store.Subscription {
	ctx, cancel := context.WithTimeout(ctx, subscribeLimit)
	defer cancel()
	var (
		jobs []func()
		came = make([]store.Subscription, len(pages))
	)
	for i, p := range pages {
		came[i] = rows[i].Subscription
		if p.Token.Empty() {
			continue
		}
		jobs = append(jobs, func() {
			reached, err := c.Graph.Subscribe(ctx, p.ID, p.Token, rows[i].Subscription.Fields)
			came[i] = store.Subscription{Fields: reached}
			var refused *graph.Error
			if errors.As(err, &refused) {
				came[i].Error = refused.Reason()
				c.Note("subscription", err.Error())
			}
		})
	}
	upstream.SideBySide(callsAtOnce, jobs...)
	return came
}

// correct writes down what came out differently from what was saved, and only
// that: one call for all that came out alike. A failure here is noted: the
// daily check will find it again.
func (c *Call) correct(ctx context.Context, rows []store.Connection, came []store.Subscription) {
	done := map[int]bool{}
	for i, row := range rows {
		if done[i] || row.Subscription.Equal(came[i]) {
			continue
		}
		var alike []string
		for j := i; j < len(rows); j++ {
			if came[j].Equal(came[i]) && !rows[j].Subscription.Equal(came[j]) {
				alike, done[j] = append(alike, rows[j].InstagramID), true
			}
		}
		if err := c.Store.SetSubscription(ctx, row.UserID, alike, came[i]); err != nil {
			c.Note("subscription_not_noted", err.Error())
		}
	}
}

// offerAgain keeps the grant in the browser for ten minutes and offers to save
// once more.
func (c *Call) offerAgain(flow string, grant Grant, cause error) error {
	err := c.KeepGrant(flow, grant)
	if errors.Is(err, sealed.ErrTooLarge) { // hundreds of accounts: they are chosen once more
		grant.Chosen = nil
		err = c.KeepGrant(flow, grant)
	}
	if err != nil {
		return Fail(StoreUnavailable, errors.Join(cause, err))
	}
	failure := Fail(StoreUnavailable, cause)
	failure.Note = "Nothing is lost: for ten minutes Meta need not be asked again."
	failure.Actions = []page.Action{{Label: "Try again", Post: "/api/choose", Fields: flowField(flow), Primary: true}}
	return failure
}
