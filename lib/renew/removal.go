package renew

import (
	"context"
	"time"

	"igconnect/lib/note"
)

// removalTime is enough for half a million events.
const removalTime = 15 * time.Second

// deleteRemoved goes on with the erasures that were not done at once, before the checks, so that these
// can't keep it from its turn. Where it fails the next run goes on, and this one checks.
func (s *Service) deleteRemoved(ctx context.Context) {
	deleted, err := s.Store.DeleteRemoved(ctx, removalTime)
	if deleted > 0 {
		note.Add(ctx, "removed", deleted)
	}
	if err != nil {
		note.Add(ctx, "not_removed", err.Error())
	}
}
