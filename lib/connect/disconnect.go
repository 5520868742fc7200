package connect

import (
	"cmp"
	"context"
	"slices"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	cleanUpLimit  = 4 * time.Second // for each thing that is done at Meta after the data is gone here
	cleanUpsLimit = 8 * time.Second // for all that are done side by side: /api/accounts has 24 s

	removedAtOnce = 100 // rows: their ids stand in the address of the request
)

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
	s.cleanUpAtMeta(ctx, removed)
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

// cleanUpAtMeta ends the subscriptions of accounts unless another user's connection
// needs them. After that, because all tokens end with it, it revokes the grant of each
// person of whom no account is left: a grant belongs to the person. Only connections
// that could be that person's count.
func (s *Service) cleanUpAtMeta(ctx context.Context, removed []removal) {
	persons := onePerPerson(removed)
	last := make([]bool, len(persons))
	first, cancel := context.WithTimeout(ctx, cleanUpsLimit)
	defer cancel()
	var jobs []func()
	for i, r := range persons {
		jobs = append(jobs, func() {
			withTimeout(first, "not_revoked", r, func(ctx context.Context) error {
				left, err := s.Store.OfPerson(ctx, string(r.FacebookUserID))
				last[i] = err == nil && !slices.ContainsFunc(left, func(c store.Connection) bool { return s.couldBeOf(ctx, r.FacebookUserID, c) })
				return err
			})
		})
	}
	for _, r := range removed {
		account := graph.SavedAccount(r.InstagramID, r.own.Token, string(r.PageID), r.own.PageToken)
		if account.Token.Empty() || r.neededByOthers {
			continue
		}
		jobs = append(jobs, func() {
			withTimeout(first, "not_unsubscribed", r, func(ctx context.Context) error { return s.Provider.Unsubscribe(ctx, account) })
		})
	}
	upstream.SideBySide(callsAtOnce, jobs...)

	then, cancel := context.WithTimeout(ctx, cleanUpsLimit)
	defer cancel()
	jobs = nil
	for i, r := range persons {
		if last[i] {
			jobs = append(jobs, func() {
				withTimeout(then, "not_revoked", r, func(ctx context.Context) error { return s.revoke(ctx, r) })
			})
		}
	}
	upstream.SideBySide(callsAtOnce, jobs...)
}

// onePerPerson picks a connection of each Facebook person whose token we have: one
// that works, if there is one.
func onePerPerson(removed []removal) (persons []removal) {
	for _, r := range removed {
		if r.FacebookUserID == "" || r.own.Token.Empty() {
			continue
		}
		at := slices.IndexFunc(persons, func(p removal) bool { return p.FacebookUserID == r.FacebookUserID })
		if at < 0 {
			persons = append(persons, r)
		} else if persons[at].Status == store.StatusReconnect {
			persons[at] = r
		}
	}
	return persons
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
	own := tokensOf(c, tokens)
	if own.Token.Empty() {
		return false
	}
	inspection, _ := s.Provider.Inspect(ctx, own.Token) // a dead one may live again
	return inspection.PersonID == "" || inspection.PersonID == string(person)
}

// tokensOf picks a connection's own tokens from those of all users of its account. They
// are empty where the connection is gone.
func tokensOf(c store.Connection, tokens []store.Sealed) (own store.Tokens) {
	if at := slices.IndexFunc(tokens, func(t store.Sealed) bool { return t.UserID == c.UserID }); at >= 0 {
		own = tokens[at].Tokens
	}
	return own
}

// revoke takes back the person's grant. Whoever connected an account of that
// person just meanwhile has a dead token now, and is told so.
func (s *Service) revoke(ctx context.Context, gone removal) error {
	person := string(gone.FacebookUserID)
	if err := s.Provider.Revoke(ctx, person, gone.own.Token); err != nil {
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

// withTimeout does one thing of the clean-up after a removal, in its own time; a
// failure is noted under the given key.
func withTimeout(ctx context.Context, key string, after removal, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, cleanUpLimit)
	defer cancel()
	if err := do(ctx); err != nil {
		note.Add(ctx, key, after.InstagramID+": "+err.Error())
	}
}

// neededByOthers reports whether a living connection of another user hangs on
// the same account.
func neededByOthers(gone store.Connection, tokens []store.Sealed) bool {
	return slices.ContainsFunc(tokens, func(t store.Sealed) bool {
		return t.UserID != gone.UserID && t.Status != store.StatusReconnect
	})
}
