package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	postgrest "github.com/supabase-community/postgrest-go"

	"igconnect/lib/secret"
)

const connections = "user_configs"

// The statuses of a connection.
const (
	StatusActive    = "active"
	StatusExpiring  = "expiring"  // ends soon
	StatusReconnect = "reconnect" // needs its person
)

// Connection is one user's Instagram account with its tokens: a row of
// public.user_configs.
type Connection struct {
	UserID            uuid.UUID
	InstagramID       string
	Token             secret.String // the 60-day user token
	PageToken         secret.String // empty where Meta gave none
	PageID            string
	PageName          string
	Username          string
	Name              string
	PictureURL        string
	FacebookUserID    string // app-scoped
	Scopes            []string
	TokenExpires      time.Time // zero: never
	DataAccessExpires time.Time // zero: unknown
	Connected         time.Time
	Subscription      Subscription
}

// Subscription is what the Page's webhook subscription came to.
type Subscription struct {
	Fields []string // what was reached
	Error  string   // what was refused; "" if nothing
}

// row is a connection on the wire. Bulk rows must have the same keys, so none
// is ever left out; the database's triggers seal both tokens.
type row struct {
	UserID            uuid.UUID  `json:"user_id"`
	InstagramID       string     `json:"instagram_id"`
	Token             string     `json:"token"`
	PageToken         *string    `json:"page_token"`
	PageID            string     `json:"page_id"`
	PageName          string     `json:"page_name"`
	Username          string     `json:"username"`
	Name              string     `json:"name"`
	PictureURL        string     `json:"picture_url"`
	FacebookUserID    string     `json:"facebook_user_id"`
	Scopes            []string   `json:"scopes"`
	TokenExpires      *time.Time `json:"token_expires_at"`
	DataAccessExpires *time.Time `json:"data_access_expires_at"`
	Status            string     `json:"status"`
	StatusReason      *string    `json:"status_reason"`
	CheckedAt         time.Time  `json:"checked_at"`
	ConnectedAt       time.Time  `json:"connected_at"`
	subscription
}

type subscription struct {
	Fields []string `json:"subscribed_fields"`
	Error  *string  `json:"subscription_error"`
}

// Save writes the connections in one call: new ones are inserted, known ones
// replaced and active again. No account may appear twice. Saving twice does
// no harm.
func (s *Store) Save(ctx context.Context, all []Connection) error {
	rows := make([]row, len(all))
	for i, c := range all {
		rows[i] = row{
			UserID: c.UserID, InstagramID: c.InstagramID, Token: c.Token.Reveal(), PageToken: orNull(c.PageToken.Reveal()),
			PageID: c.PageID, PageName: c.PageName, Username: c.Username, Name: c.Name, PictureURL: c.PictureURL,
			FacebookUserID: c.FacebookUserID, Scopes: orEmpty(c.Scopes),
			TokenExpires: orNull(c.TokenExpires), DataAccessExpires: orNull(c.DataAccessExpires),
			Status: StatusActive, CheckedAt: c.Connected, ConnectedAt: c.Connected,
			subscription: c.Subscription.onTheWire(),
		}
	}
	return s.write(ctx, "saving the connections", func() *postgrest.FilterBuilder {
		return s.client.From(connections).Upsert(rows, "user_id,instagram_id", "minimal", "")
	})
}

// SetSubscription corrects the subscription of a user's connections that came
// out alike.
func (s *Store) SetSubscription(ctx context.Context, user uuid.UUID, instagramIDs []string, came Subscription) error {
	return s.write(ctx, "noting the subscription", func() *postgrest.FilterBuilder {
		return s.client.From(connections).Update(came.onTheWire(), "minimal", "").
			Eq("user_id", user.String()).Filter("instagram_id", "in", anyOf(instagramIDs...))
	})
}

// anyOf writes values for the operator in. It stands for eq as well, because
// Supabase Lite reads eq.<digits> as a double.
func anyOf(values ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	quoted := make([]string, len(values)) // values is the caller's, and a repetition needs it again
	for i, value := range values {
		quoted[i] = `"` + escape.Replace(value) + `"`
	}
	return "(" + strings.Join(quoted, ",") + ")"
}

// Equal tells whether two subscriptions came out alike.
func (s Subscription) Equal(other Subscription) bool {
	return s.Error == other.Error && slices.Equal(s.Fields, other.Fields)
}

func (s Subscription) onTheWire() subscription {
	return subscription{Fields: orEmpty(s.Fields), Error: orNull(s.Error)}
}

func orNull[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

// orEmpty keeps a missing list from becoming null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
