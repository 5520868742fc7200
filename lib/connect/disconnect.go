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

const cleanUpLimit = 4 * time.Second // for each thing that is done at Meta after the data is gone here

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
	tokens, err := s.Store.OpenTokens(ctx, id) // now: they go with the row
	if err != nil {
		return err
	}
	if err := s.Store.Delete(ctx, user, id); err != nil {
		return err
	}
	note.Add(ctx, "disconnected", id)
	s.cleanUpAtMeta(ctx, connections[at], tokens)
	return nil
}

// cleanUpAtMeta ends the account's subscription unless another user's connection
// needs it, and revokes the person's grant if this was the last account of that
// person: a grant belongs to the person, and all of its tokens end with it. Only
// connections that could be that person's count.
func (s *Service) cleanUpAtMeta(ctx context.Context, gone store.Connection, tokens []store.Sealed) {
	own, ok := tokensOf(gone, tokens)
	if !ok {
		return
	}
	last := false
	upstream.SideBySide(2,
		func() {
			account := graph.SavedAccount(own.InstagramID, own.Token, string(own.PageID), own.PageToken)
			if !account.Token.Empty() && !neededByOthers(gone, tokens) {
				withTimeout(ctx, "not_unsubscribed", func(ctx context.Context) error { return s.Provider.Unsubscribe(ctx, account) })
			}
		},
		func() {
			withTimeout(ctx, "not_revoked", func(ctx context.Context) error {
				left, err := s.Store.OfPerson(ctx, string(gone.FacebookUserID))
				last = err == nil && !slices.ContainsFunc(left, func(c store.Connection) bool { return s.couldBeOf(ctx, gone.FacebookUserID, c) })
				return err
			})
		},
	)
	if last && gone.FacebookUserID != "" && !own.Token.Empty() {
		withTimeout(ctx, "not_revoked", func(ctx context.Context) error { return s.revoke(ctx, gone, own) })
	}
}

// couldBeOf reports whether a connection hangs on the person's grant. Of one that
// names nobody yet, Meta says whose token it is; where it does not, it could be.
func (s *Service) couldBeOf(ctx context.Context, person store.Text, c store.Connection) bool {
	if c.FacebookUserID != "" {
		return c.FacebookUserID == person
	}
	tokens, err := s.Store.OpenTokens(ctx, c.InstagramID)
	if err != nil {
		return true
	}
	own, _ := tokensOf(c, tokens)
	if own.Token.Empty() {
		return false
	}
	inspection, _ := s.Provider.Inspect(ctx, own.Token) // a dead one may live again
	return inspection.PersonID == "" || inspection.PersonID == string(person)
}

// tokensOf picks a connection's own tokens from those of all users of its account.
func tokensOf(c store.Connection, tokens []store.Sealed) (own store.Sealed, ok bool) {
	at := slices.IndexFunc(tokens, func(t store.Sealed) bool { return t.UserID == c.UserID })
	if at < 0 {
		return own, false
	}
	return tokens[at], true
}

// revoke takes back the person's grant. Whoever connected an account of that
// person just meanwhile has a dead token now, and is told so.
func (s *Service) revoke(ctx context.Context, gone store.Connection, own store.Sealed) error {
	person := string(gone.FacebookUserID)
	if err := s.Provider.Revoke(ctx, person, own.Token); err != nil {
		return err
	}
	revoked := s.Now()
	caught, err := s.Store.OfPerson(ctx, person)
	if err != nil || len(caught) == 0 {
		return err
	}
	var ids []string
	for _, connection := range caught {
		ids = append(ids, connection.InstagramID)
	}
	return s.Store.Stop(ctx, person, ids, revoked, "The permission was taken back at Meta.")
}

// withTimeout does one thing of the clean-up, in its own time; a failure is
// noted under the given key.
func withTimeout(ctx context.Context, key string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, cleanUpLimit)
	defer cancel()
	if err := do(ctx); err != nil {
		note.Add(ctx, key, err.Error())
	}
}

// neededByOthers reports whether a living connection of another user hangs on
// the same account.
func neededByOthers(gone store.Connection, tokens []store.Sealed) bool {
	return slices.ContainsFunc(tokens, func(t store.Sealed) bool {
		return t.UserID != gone.UserID && t.Status != store.StatusReconnect
	})
}
