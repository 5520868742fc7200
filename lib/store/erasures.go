package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Erasure is the record of what was erased. It names nobody.
type Erasure struct {
	Code     uuid.UUID `json:"code"`
	Accounts int       `json:"accounts"`
	Events   int       `json:"events"`
	At       Timestamp `json:"erased_at"`
}

// Deauthorize marks a Facebook person's connections for reconnection, and
// destroys their tokens: those that were connected when Meta issued the
// request. Doing it twice does no harm.
func (s *Store) Deauthorize(ctx context.Context, facebookUserID, reason string, issued time.Time) (int, error) {
	return call[int](ctx, s, "deauthorizing", "deauthorize_facebook_user",
		args{"p_facebook_user_id": facebookUserID, "p_reason": reason, "p_issued_at": issued})
}

// Erase removes everything that is known of a Facebook person, and keeps a
// record under the code. The same code again finds the first record.
func (s *Store) Erase(ctx context.Context, facebookUserID string, code uuid.UUID) error {
	_, err := call[[]Erasure](ctx, s, "erasing", "erase_facebook_user",
		args{"p_facebook_user_id": facebookUserID, "p_code": code})
	return err
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
