package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/graph"
	"igconnect/lib/store"
)

const (
	// notShared is the reason of a connection that the newest grant left out.
	notShared = "Not shared with us the last time you connected."

	reconcileLimit = 5 * time.Second
)

// Reconcile compares what was found with what this user, and this Facebook
// person for whichever user, had connected before. A connection of the person
// that the new grant no longer covers has stopped: Meta ended its token's
// access. It is marked for reconnection. A failure here is noted: it must not
// cost the connection that the person is about to make.
func (c *Call) Reconcile(user uuid.UUID, found graph.Found) (known, stopped []store.Stored) {
	ctx, cancel := context.WithTimeout(c.R.Context(), reconcileLimit)
	defer cancel()
	stored, err := c.Store.OfUserOrPerson(ctx, user, found.Person.ID)
	if err != nil {
		c.Note("not_reconciled", err.Error())
		return nil, nil
	}
	var ended []string
	for _, connection := range stored {
		if connection.UserID == user {
			known = append(known, connection)
		}
		ofPerson := connection.FacebookUserID == found.Person.ID
		if !ofPerson || connection.Status == "reconnect" || found.MayCover(connection.InstagramID) {
			continue
		}
		ended = append(ended, connection.InstagramID)
		if connection.UserID == user {
			stopped = append(stopped, connection)
		}
	}
	if len(ended) == 0 {
		return known, nil
	}
	c.Note("stopped", ended)
	if err := c.Store.Stop(ctx, found.Person.ID, ended, notShared); err != nil {
		c.Note("not_stopped", err.Error())
	}
	return known, stopped
}
