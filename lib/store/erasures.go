package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Erasure is the record of what was erased. It names nobody.
type Erasure struct {
	Code     uuid.UUID  `json:"code"`
	Accounts int        `json:"accounts"`
	Events   int        `json:"events"`      // so far
	At       Timestamp  `json:"erased_at"`   // of the connections and their tokens
	Finished *Timestamp `json:"finished_at"` // null while events are left; nobody gets to see them
}

// Deauthorize marks a Facebook person's connections for reconnection, and
// destroys their tokens: those that were connected when Meta issued the
// request. Doing it twice does no harm.
func (s *Store) Deauthorize(ctx context.Context, facebookUserID, reason string, issued time.Time) (int, error) {
	return call[int](ctx, s, "deauthorizing", "deauthorize_facebook_user",
		args{"p_facebook_user_id": facebookUserID, "p_reason": reason, "p_issued_at": issued})
}

// Erase removes a Facebook person's connections with their tokens and the first of
// their events, keeps a record of it under the code, and returns that. The same
// code again finds the first record. [Store.DeleteRemoved] does the rest.
func (s *Store) Erase(ctx context.Context, facebookUserID string, code uuid.UUID) (Erasure, error) {
	records, err := call[[]Erasure](ctx, s, "erasing", "erase_facebook_user",
		args{"p_facebook_user_id": facebookUserID, "p_code": code})
	if len(records) == 0 {
		return Erasure{}, err
	}
	return records[0], err
}

// removedAtOnce is how many events one step of a removal deletes: some tenths of a second.
const removedAtOnce = 5000

// DeleteRemoved deletes events of connections that are gone, step by step, until none
// is left or the limit is over, and returns how many. Each step is committed by
// itself. The error is an *[Error].
func (s *Store) DeleteRemoved(ctx context.Context, limit time.Duration) (deleted int, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		step, err := call[int](ctx, s, "deleting events of removed connections", "delete_removed_events",
			args{"p_limit": removedAtOnce})
		deleted += step
		switch inTime := ctx.Err() == nil; {
		case err != nil && (inTime || deleted == 0):
			return deleted, err
		case step == 0 || !inTime:
			return deleted, nil
		}
	}
}

// ErrNoErasure says that no erasure has a code.
var ErrNoErasure = errors.New("no erasure has this code")

// Erasure finds a record by its code. The error is [ErrNoErasure] or an *[Error].
func (s *Store) Erasure(ctx context.Context, code string) (Erasure, error) {
	parsed, err := uuid.Parse(code)
	if err != nil {
		return Erasure{}, ErrNoErasure
	}
	records, err := call[[]Erasure](ctx, s, "looking for an erasure", "erasure", args{"p_code": parsed})
	if err != nil {
		return Erasure{}, err
	}
	if len(records) == 0 {
		return Erasure{}, ErrNoErasure
	}
	return records[0], nil
}
