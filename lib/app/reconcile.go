package app

import (
	"context"
	"slices"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	// notShared is the reason of a connection that the newest grant left out.
	notShared = "Not shared with us the last time you connected."

	reconcileLimit = 5 * time.Second
)

// Reconcile compares what was found with what this user, and this Facebook
// person for whichever user, had connected before. A connection of the person
// that the new grant no longer covers has stopped, for Meta ended its access:
// it is marked for reconnection. A failure here is noted; it must not cost the
// connection that the person is about to make.
func (c *Call) Reconcile(grant Grant, found graph.Found) (known, stopped []store.Stored) {
	ctx, cancel := context.WithTimeout(c.R.Context(), reconcileLimit)
	defer cancel()
	stored, err := c.Store.OfUserOrPerson(ctx, grant.User, found.Person.ID)
	if err != nil {
		c.Note("not_reconciled", err.Error())
		return nil, nil
	}
	known = slices.DeleteFunc(slices.Clone(stored), func(s store.Stored) bool { return s.UserID != grant.User })
	ended := c.ended(ctx, grant, found, stored)
	if len(ended) == 0 {
		return known, nil
	}
	var ids []string
	for _, connection := range ended {
		ids = append(ids, connection.InstagramID)
		if connection.UserID == grant.User {
			stopped = append(stopped, connection)
		}
	}
	c.Note("stopped", ids)
	if err := c.Store.Stop(ctx, found.Person.ID, ids, found.Asked, notShared); err != nil {
		c.Note("not_stopped", err.Error())
	}
	return known, stopped
}

// ended are those connections of the person whose Page the grant does not
// cover any more. One that was made since the look-up began is newer than it.
func (c *Call) ended(ctx context.Context, grant Grant, found graph.Found, stored []store.Stored) []store.Stored {
	covered := make([]bool, len(stored))
	var jobs []func()
	for i, connection := range stored {
		covered[i] = true
		newer := connection.Connected != nil && !connection.Connected.Before(found.Asked)
		if connection.FacebookUserID != found.Person.ID || connection.Status == store.StatusReconnect || connection.PageID == nil || newer {
			continue
		}
		jobs = append(jobs, func() { covered[i] = c.Graph.Covers(ctx, grant.Token.Value, found, *connection.PageID) })
	}
	upstream.SideBySide(callsAtOnce, jobs...)
	var ended []store.Stored
	for i, connection := range stored {
		if !covered[i] {
			ended = append(ended, connection)
		}
	}
	return ended
}
