package app

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

// farewellLimit bounds each thing that is done after the data is gone here.
const farewellLimit = 4 * time.Second

// instagramID is what an Instagram id can look like.
var instagramID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Disconnect removes a user's connection with its secrets, and then takes back
// at Meta what nobody else needs. It is gone here whatever Meta says: what did
// not work there is noted. An account that is not this user's is not found.
func (c *Call) Disconnect(user uuid.UUID, id string) error {
	ctx := c.R.Context()
	if !instagramID.MatchString(id) {
		return Fail(NotFound, errors.New("not an Instagram id"))
	}
	connections, err := c.Store.OfUser(ctx, user)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(connections, func(s store.Stored) bool { return s.InstagramID == id })
	if at < 0 {
		return Fail(NotFound, errors.New("the user has no such connection"))
	}
	tokens, err := c.Store.Tokens(ctx, id) // now: they go with the row
	if err != nil {
		return err
	}
	if err := c.Store.Delete(ctx, user, id); err != nil {
		return err
	}
	c.Note("disconnected", id)
	c.farewell(connections[at], tokens)
	return nil
}

// farewell unsubscribes the Page unless another user's connection needs it, and
// revokes the person's grant if this was the last account of that person: a
// grant belongs to the Facebook person, and all of its tokens end with it.
func (c *Call) farewell(gone store.Stored, tokens []store.Tokens) {
	at := slices.IndexFunc(tokens, func(t store.Tokens) bool { return t.UserID == gone.UserID })
	if at < 0 {
		return
	}
	own, last := tokens[at], false
	upstream.SideBySide(2,
		func() {
			if own.PageID == "" || own.PageToken.Empty() || neededByOthers(gone, tokens) {
				return
			}
			c.unlessLate("not_unsubscribed", func(ctx context.Context) error {
				return c.Graph.Unsubscribe(ctx, own.PageID, own.PageToken)
			})
		},
		func() {
			c.unlessLate("not_revoked", func(ctx context.Context) error {
				left, err := c.Store.OfPerson(ctx, gone.FacebookUserID)
				last = err == nil && len(left) == 0
				return err
			})
		},
	)
	if last && gone.FacebookUserID != "" && !own.Token.Empty() {
		c.unlessLate("not_revoked", func(ctx context.Context) error { return c.revoke(ctx, gone, own) })
	}
}

// revoke takes back the person's grant. Whoever connected an account of that
// person just meanwhile has a dead token now, and is told so.
func (c *Call) revoke(ctx context.Context, gone store.Stored, own store.Tokens) error {
	if err := c.Graph.Revoke(ctx, gone.FacebookUserID, own.Token); err != nil {
		return err
	}
	revoked := c.now()
	caught, err := c.Store.OfPerson(ctx, gone.FacebookUserID)
	if err != nil || len(caught) == 0 {
		return err
	}
	var ids []string
	for _, connection := range caught {
		ids = append(ids, connection.InstagramID)
	}
	return c.Store.Stop(ctx, gone.FacebookUserID, ids, revoked, "The permission was taken back at Meta.")
}

// unlessLate does one thing of the farewell, in its own time; a failure is
// noted.
func (c *Call) unlessLate(note string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(c.R.Context(), farewellLimit)
	defer cancel()
	if err := do(ctx); err != nil {
		c.Note(note, err.Error())
	}
}

// neededByOthers tells whether a living connection of another user hangs on
// the same Page.
func neededByOthers(gone store.Stored, tokens []store.Tokens) bool {
	return slices.ContainsFunc(tokens, func(t store.Tokens) bool {
		return t.UserID != gone.UserID && t.Status != store.StatusReconnect
	})
}
