package app

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/store"
)

// farewellLimit bounds what is done at Meta after the data is gone here.
const farewellLimit = 8 * time.Second

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
	ctx, cancel := context.WithTimeout(c.R.Context(), farewellLimit)
	defer cancel()
	for _, own := range tokens {
		if own.UserID != gone.UserID {
			continue
		}
		if !neededByOthers(gone, tokens) && own.PageID != "" && !own.PageToken.Empty() {
			if err := c.Graph.Unsubscribe(ctx, own.PageID, own.PageToken); err != nil {
				c.Note("not_unsubscribed", err.Error())
			}
		}
		if gone.FacebookUserID == "" || own.Token.Empty() {
			continue
		}
		left, err := c.Store.OfPerson(ctx, gone.FacebookUserID)
		if err == nil && len(left) == 0 {
			err = c.Graph.Revoke(ctx, gone.FacebookUserID, own.Token)
		}
		if err != nil {
			c.Note("not_revoked", err.Error())
		}
	}
}

// neededByOthers tells whether a living connection of another user hangs on
// the same Page.
func neededByOthers(gone store.Stored, tokens []store.Tokens) bool {
	return slices.ContainsFunc(tokens, func(t store.Tokens) bool {
		return t.UserID != gone.UserID && t.Status != "reconnect"
	})
}
