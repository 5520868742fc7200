package store

import (
	"context"
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
	changed := 0
	err := s.call(ctx, "deauthorizing", "deauthorize_facebook_user",
		map[string]any{"p_facebook_user_id": facebookUserID, "p_reason": reason, "p_issued_at": issued}, &changed)
	return changed, err
}

// Erase removes everything that is known of a Facebook person, and keeps a
// record under the code. The same code again finds the first record.
func (s *Store) Erase(ctx context.Context, facebookUserID string, code uuid.UUID) error {
	var records []Erasure
	return s.call(ctx, "erasing", "erase_facebook_user",
		map[string]any{"p_facebook_user_id": facebookUserID, "p_code": code}, &records)
}

// Erasure finds a record by its code; false if there is none.
func (s *Store) Erasure(ctx context.Context, code uuid.UUID) (Erasure, bool, error) {
	var records []Erasure
	if err := s.call(ctx, "looking for an erasure", "erasure", map[string]any{"p_code": code}, &records); err != nil || len(records) == 0 {
		return Erasure{}, false, err
	}
	return records[0], true, nil
}
