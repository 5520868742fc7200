package connect

import (
	"context"
	"slices"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	// leftOut is the reason of a connection that the newest grant left out.
	leftOut = "Not shared with us the last time you connected."

	reconcileLimit = 5 * time.Second
)

// StopUncovered compares what was found with what this user, and this person for
// whichever user, had connected before. A connection of the person that the new
// grant no longer covers has stopped, for Meta ended its access: it is marked for
// reconnection in the database. It returns the user's connections, and the names of
// those that stopped. A failure is noted only: it must not cost the connection
// that the person is about to make.
func (s *Service) StopUncovered(ctx context.Context, grant Grant, found graph.Found) (known []store.Connection, stopped []string) {
	ctx, cancel := context.WithTimeout(ctx, reconcileLimit)
	defer cancel()
	stored, err := s.Store.OfUserOrPerson(ctx, grant.User.ID, found.Person.ID)
	if err != nil {
		note.Add(ctx, "not_reconciled", err.Error())
		return nil, nil
	}
	known = slices.DeleteFunc(slices.Clone(stored), func(c store.Connection) bool { return c.UserID != grant.User.ID })
	return known, s.stopUncovered(ctx, grant, found, stored)
}

// stopUncovered is StopUncovered for connections that were read already.
func (s *Service) stopUncovered(ctx context.Context, grant Grant, found graph.Found, stored []store.Connection) (stopped []string) {
	ctx, cancel := context.WithTimeout(ctx, reconcileLimit)
	defer cancel()
	uncovered := s.uncovered(ctx, grant, found, stored)
	if len(uncovered) == 0 {
		return nil
	}
	var ids []string
	for _, connection := range uncovered {
		ids = append(ids, connection.InstagramID)
		if connection.UserID == grant.User.ID {
			stopped = append(stopped, connection.Title())
		}
	}
	note.Add(ctx, "stopped", ids)
	if err := s.Store.Stop(ctx, found.Person.ID, ids, found.Asked, leftOut); err != nil {
		note.Add(ctx, "not_stopped", err.Error())
	}
	return stopped
}

// uncovered are those connections of the person whose Page the grant does not
// cover any more. One that was made since the look-up began is newer than it.
func (s *Service) uncovered(ctx context.Context, grant Grant, found graph.Found, stored []store.Connection) []store.Connection {
	covered := make([]bool, len(stored))
	var jobs []func()
	for i, connection := range stored {
		covered[i] = true
		newer := connection.Connected != nil && !connection.Connected.Before(found.Asked)
		if string(connection.FacebookUserID) != found.Person.ID || connection.Status == store.StatusReconnect || connection.PageID == "" || newer {
			continue
		}
		jobs = append(jobs, func() {
			covered[i] = s.Provider.Covers(ctx, grant.Token.Value, found, string(connection.PageID))
		})
	}
	upstream.SideBySide(callsAtOnce, jobs...)
	var uncovered []store.Connection
	for i, connection := range stored {
		if !covered[i] {
			uncovered = append(uncovered, connection)
		}
	}
	return uncovered
}
