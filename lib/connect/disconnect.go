package connect

import (
	"cmp"
	"context"
	"slices"

	"igconnect/lib/note"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const removedAtOnce = 100 // rows: their ids stand in the address of the request

// removal is a connection that is removed, with what was known of its account
// before: the tokens go with the row.
type removal struct {
	store.Connection
	own            store.Tokens // empty where there are none
	neededByOthers bool         // whether a living connection of another user hangs on the account
}

// Disconnect removes a user's connection with its secrets from the database, and
// then takes back at Meta what nobody else needs. It is gone here whatever Meta
// says: what did not work there is noted. The error is [ErrNotConnected] where
// the account is not this user's.
func (s *Service) Disconnect(ctx context.Context, user, id string) error {
	if !IsInstagramID(id) {
		return ErrNotConnected
	}
	connections, err := s.Store.OfUser(ctx, user)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(connections, func(c store.Connection) bool { return c.InstagramID == id })
	if at < 0 {
		return ErrNotConnected
	}
	return s.remove(ctx, connections[at:at+1])
}

// DisconnectAll removes all connections that a user has now, as [Service.Disconnect]
// removes one. It is no error if there are none.
func (s *Service) DisconnectAll(ctx context.Context, user string) error {
	connections, err := s.Store.OfUser(ctx, user)
	if err != nil {
		return err
	}
	return s.remove(ctx, connections)
}

// remove removes a user's connections from the database and then what nobody else
// needs at Meta. Where not all could be removed here, that is done for those that
// were.
func (s *Service) remove(ctx context.Context, connections []store.Connection) error {
	removals, err := s.open(ctx, connections)
	if err != nil {
		return err
	}
	var removed []removal
	for batch := range slices.Chunk(removals, removedAtOnce) {
		var ids []string
		for _, r := range batch {
			ids = append(ids, r.InstagramID)
		}
		if err = s.Store.Delete(ctx, batch[0].UserID, ids...); err != nil {
			break
		}
		removed = append(removed, batch...)
		for _, id := range ids {
			note.Add(ctx, "disconnected", id)
		}
	}
	cleanUp{s.Provider, s.Store, s.Now}.atMeta(ctx, removed)
	return err
}

// open opens the tokens of connections that are about to be removed.
func (s *Service) open(ctx context.Context, connections []store.Connection) ([]removal, error) {
	removals, errs := make([]removal, len(connections)), make([]error, len(connections))
	var jobs []func()
	for i, connection := range connections {
		jobs = append(jobs, func() {
			tokens, err := s.Store.OpenTokens(ctx, connection.InstagramID)
			removals[i] = removal{connection, tokensOf(connection, tokens), neededByOthers(connection, tokens)}
			errs[i] = err
		})
	}
	upstream.SideBySide(callsAtOnce, jobs...)
	return removals, cmp.Or(errs...)
}

// tokensOf picks a connection's own tokens from those of all users of its account. They
// are empty where the connection is gone.
func tokensOf(c store.Connection, tokens []store.Sealed) (own store.Tokens) {
	if at := slices.IndexFunc(tokens, func(t store.Sealed) bool { return t.UserID == c.UserID }); at >= 0 {
		own = tokens[at].Tokens
	}
	return own
}

// neededByOthers reports whether a living connection of another user hangs on
// the same account.
func neededByOthers(gone store.Connection, tokens []store.Sealed) bool {
	return slices.ContainsFunc(tokens, func(t store.Sealed) bool {
		return t.UserID != gone.UserID && t.Status != store.StatusReconnect
	})
}
