package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// Due is a connection that is leased to be checked. What the lease or the
// person changed meanwhile wins over whatever comes of the check. Of the row it
// has what claim_due_connections returns.
type Due struct {
	LeaseID      uuid.UUID `json:"lease_id"`
	TokenVersion int64     `json:"token_version"`
	Sealed                 // Token is empty where the secret is gone
}

// Checkup is what came of checking a connection: what is set is written.
type Checkup struct {
	Due
	Read         Account       // names and picture as Meta gives them now; "": as they are
	Done         bool          // false: something failed that may pass, so it stays due
	Failed       bool          // for a reason of its own: others come before it from then on
	RetryAfter   time.Duration // of Failed: not before
	Person       string        // app-scoped Facebook id, for a row that knows none
	Renewed      secret.String // the new token, if there is one
	RenewedPage  secret.String // the Page's new token, if there is one
	Dates        *Dates
	Granted      []string // permissions; nil: as they are
	Subscription *Subscription
	Outcome      string // the status: active, expiring or reconnect; "": as it is
	Reason       string // of the status
	Retry        bool   // of [StatusReconnect]: it is checked daily, and may end by itself
}

// Newest is the token that counts after the check.
func (c Checkup) Newest() secret.String {
	if c.Renewed.Empty() {
		return c.Token
	}
	return c.Renewed
}

// Dates are those of a token. Zero: never, or unknown.
type Dates struct{ Expires, DataAccessExpires time.Time }

// ClaimDue leases up to limit connections, 100 at most, that are due to be checked:
// those first that name no person, then those that end soonest, and with them some
// that have waited longest or failed. Several claims may
// share the id of a lease. A lease that is not settled runs out by itself.
func (s *Store) ClaimDue(ctx context.Context, id uuid.UUID, limit int, lease time.Duration) ([]Due, error) {
	return call[[]Due](ctx, s, "leasing what is due", "claim_due_connections",
		args{"p_limit": limit, "p_lease": fmt.Sprintf("%d seconds", int(lease.Seconds())), "p_lease_id": id})
}

// CountDue tells how many connections are due, leased ones included.
func (s *Store) CountDue(ctx context.Context) (int, error) {
	return call[int](ctx, s, "counting what is due", "count_due_connections", args{})
}

// Release gives back what is left of a lease.
func (s *Store) Release(ctx context.Context, lease uuid.UUID) error {
	_, err := call[int](ctx, s, "releasing a lease", "release_connections", args{"p_lease_id": lease})
	return err
}

// Settle writes back what came of the checks, and ends their leases. It writes
// only rows that are still leased so and whose token is still the same, and
// returns how many these were.
func (s *Store) Settle(ctx context.Context, checkups []Checkup) (int, error) {
	results := make([]map[string]any, len(checkups))
	for i, c := range checkups {
		results[i] = c.result()
	}
	return call[int](ctx, s, "writing back the checks", "settle_connections", args{"results": results})
}

// result names what is to be written: an absent key leaves its column.
func (c Checkup) result() map[string]any {
	result := map[string]any{
		"lease_id": c.LeaseID, "user_id": c.UserID, "instagram_id": c.InstagramID,
		"token_version": c.TokenVersion, "checked": c.Done,
	}
	for column, value := range map[string]string{
		"token": c.Renewed.Reveal(), "page_token": c.RenewedPage.Reveal(), "facebook_user_id": c.Person, "status": c.Outcome,
		"username": string(c.Read.Username), "name": string(c.Read.Name), "picture_url": string(c.Read.PictureURL),
		"page_name": string(c.Read.PageName),
	} {
		if value != "" {
			result[column] = value
		}
	}
	if c.Failed {
		result["failed"], result["retry_after"] = true, int(c.RetryAfter.Seconds())
	}
	if c.Outcome != "" {
		result["status_reason"], result["retry"] = Text(c.Reason), c.Retry
	}
	if c.Dates != nil {
		result["token_expires_at"] = At(c.Dates.Expires)
		result["data_access_expires_at"] = At(c.Dates.DataAccessExpires)
	}
	if c.Granted != nil {
		result["scopes"] = c.Granted
	}
	if c.Subscription != nil {
		result["subscribed_fields"] = append([]string{}, c.Subscription.Fields...) // the column takes no null
		result["subscription_error"] = c.Subscription.Error
	}
	return result
}
