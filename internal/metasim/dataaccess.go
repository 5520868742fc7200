package metasim

import "time"

const dataAccessLife = 90 * 24 * time.Hour

// dataAccessEnds is data_access_expires_at: only a new consent moves it.
func (c *consent) dataAccessEnds() time.Time { return c.at.Add(dataAccessLife) }

// readsData refuses what needs data access once 90 days have passed since the
// consent. From then on the person is still known (debug_token says is_valid;
// GET /me, /me/permissions, a renewal and a revocation work), but businesses,
// Pages, their subscriptions and messages are closed, to Page tokens too: see
// "Authentication Versus Data Access" in Meta's documentation. It names no
// error; 190/493 with this message is what developers report.
func (v view) readsData() error {
	if v.consent == nil || v.now.Before(v.consent.dataAccessEnds()) {
		return nil
	}
	return &fault{code: 190, subcode: subcodeDataAccess, message: "The access token is invalid since the user hasn't engaged the app in longer than 90 days."}
}
