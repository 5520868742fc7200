package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/secret"
)

// Due is a connection that is leased to be checked. What the lease or the
// person changed meanwhile wins over whatever comes of the check.
type Due struct {
	LeaseID           uuid.UUID     `json:"lease_id"`
	UserID            uuid.UUID     `json:"user_id"`
	InstagramID       string        `json:"instagram_id"`
	FacebookUserID    string        `json:"facebook_user_id"` // empty where unknown
	Token             secret.String `json:"token"`            // empty where the secret is gone
	TokenVersion      int64         `json:"token_version"`
	PageID            string        `json:"page_id"`
	PageToken         secret.String `json:"page_token"`
	Scopes            []string      `json:"scopes"`
	SubscribedFields  []string      `json:"subscribed_fields"`
	SubscriptionError string        `json:"subscription_error"`
}

// Checkup is what came of checking a connection: what is set is written.
type Checkup struct {
	Due
	Checked      bool          // false: something failed that may pass, so it stays due
	Person       string        // app-scoped Facebook id, for a row that knows none
	Renewed      secret.String // the new token, if there is one
	RenewedPage  secret.String // the Page's new token, if there is one
	Dates        *Dates
	Scopes       []string
	Subscription *Subscription
	Status       string // active, expiring or reconnect; "": as it is
	Reason       string // of the status
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

// ClaimDue leases up to limit connections that are due to be checked, those
// that end soonest first. A lease that is not settled runs out by itself.
func (s *Store) ClaimDue(ctx context.Context, limit int, lease time.Duration) ([]Due, error) {
	var due []Due
	err := s.call(ctx, "leasing what is due", "claim_due_connections",
		map[string]any{"p_limit": limit, "p_lease": fmt.Sprintf("%d seconds", int(lease.Seconds()))}, &due)
	return due, err
}

// CountDue tells how many connections are due, leased ones included.
func (s *Store) CountDue(ctx context.Context) (int, error) {
	n := 0
	err := s.call(ctx, "counting what is due", "count_due_connections", map[string]any{}, &n)
	return n, err
}

// Release gives back what is left of a lease.
func (s *Store) Release(ctx context.Context, lease uuid.UUID) error {
	var released int
	return s.call(ctx, "releasing a lease", "release_connections", map[string]any{"p_lease_id": lease}, &released)
}

// Settle writes back what came of the checks, and ends their leases. It writes
// only rows that are still leased so and whose token is still the same, and
// returns how many these were.
func (s *Store) Settle(ctx context.Context, checkups []Checkup) (int, error) {
	results := make([]map[string]any, len(checkups))
	for i, c := range checkups {
		results[i] = c.onTheWire()
	}
	written := 0
	err := s.call(ctx, "writing back the checks", "settle_connections", map[string]any{"results": results}, &written)
	return written, err
}

// onTheWire names what is to be written: an absent key leaves its column.
func (c Checkup) onTheWire() map[string]any {
	result := map[string]any{
		"lease_id": c.LeaseID, "user_id": c.UserID, "instagram_id": c.InstagramID,
		"token_version": c.TokenVersion, "checked": c.Checked,
	}
	if !c.Renewed.Empty() {
		result["token"] = c.Renewed.Reveal()
	}
	if !c.RenewedPage.Empty() {
		result["page_token"] = c.RenewedPage.Reveal()
	}
	if c.Person != "" {
		result["facebook_user_id"] = c.Person
	}
	if c.Dates != nil {
		result["token_expires_at"] = orNull(c.Dates.Expires)
		result["data_access_expires_at"] = orNull(c.Dates.DataAccessExpires)
	}
	if c.Scopes != nil {
		result["scopes"] = c.Scopes
	}
	if c.Subscription != nil {
		result["subscribed_fields"] = orEmpty(c.Subscription.Fields)
		result["subscription_error"] = orNull(c.Subscription.Error)
	}
	if c.Status != "" {
		result["status"], result["status_reason"] = c.Status, orNull(c.Reason)
	}
	return result
}
