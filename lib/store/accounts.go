package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	postgrest "github.com/supabase-community/postgrest-go"

	"igconnect/lib/secret"
)

// Account is what a user may see of a connection, under the columns' names.
type Account struct {
	InstagramID       string     `json:"instagram_id"`
	Username          *string    `json:"username"`
	Name              *string    `json:"name"`
	PictureURL        *string    `json:"picture_url"`
	PageID            *string    `json:"page_id"`
	PageName          *string    `json:"page_name"`
	Status            string     `json:"status"` // active, expiring, reconnect
	StatusReason      *string    `json:"status_reason"`
	TokenExpires      *Timestamp `json:"token_expires_at"` // null: never
	Connected         *Timestamp `json:"connected_at"`
	SubscribedFields  []string   `json:"subscribed_fields"`
	SubscriptionError *string    `json:"subscription_error"`
}

// Stored is a connection as it stands in the table, without its tokens.
type Stored struct {
	UserID         uuid.UUID `json:"user_id"`
	FacebookUserID string    `json:"facebook_user_id"` // empty where only the seed's three columns were written
	Account
}

const storedColumns = "user_id,facebook_user_id,instagram_id,username,name,picture_url,page_id,page_name," +
	"status,status_reason,token_expires_at,connected_at,subscribed_fields,subscription_error"

// OfUser lists a user's connections, the newest first.
func (s *Store) OfUser(ctx context.Context, user uuid.UUID) ([]Stored, error) {
	return s.list(ctx, func(q *postgrest.FilterBuilder) *postgrest.FilterBuilder { return q.Eq("user_id", user.String()) })
}

// OfPerson lists what a Facebook person connected, for whichever users, and
// what nobody knows the person of: rows that were written without one.
func (s *Store) OfPerson(ctx context.Context, facebookUserID string) ([]Stored, error) {
	return s.list(ctx, func(q *postgrest.FilterBuilder) *postgrest.FilterBuilder {
		return q.Or("facebook_user_id.in."+anyOf(facebookUserID)+",facebook_user_id.is.null", "")
	})
}

// OfUserOrPerson lists a user's connections and those of a Facebook person.
func (s *Store) OfUserOrPerson(ctx context.Context, user uuid.UUID, facebookUserID string) ([]Stored, error) {
	return s.list(ctx, func(q *postgrest.FilterBuilder) *postgrest.FilterBuilder {
		return q.Or(fmt.Sprintf("user_id.eq.%s,facebook_user_id.in.%s", user, anyOf(facebookUserID)), "")
	})
}

func (s *Store) list(ctx context.Context, filter func(*postgrest.FilterBuilder) *postgrest.FilterBuilder) ([]Stored, error) {
	var rows []Stored
	err := s.repeated(ctx, "listing the connections", func(ctx context.Context) error {
		query := filter(s.client.From(connections).Select(storedColumns, "", false)).Order("connected_at", nil).
			Order("instagram_id", &postgrest.OrderOpts{Ascending: true}) // those saved together share their time
		return fetch(ctx, query, &rows)
	})
	return rows, err
}

// Tokens are the tokens of one user's connection.
type Tokens struct {
	UserID    uuid.UUID     `json:"user_id"`
	Token     secret.String `json:"token"`
	PageID    string        `json:"page_id"`
	PageToken secret.String `json:"page_token"`
	Status    string        `json:"status"`
}

// Tokens opens the tokens of an Instagram account, a set for each user who
// connected it.
func (s *Store) Tokens(ctx context.Context, instagramID string) ([]Tokens, error) {
	var rows []Tokens
	err := s.call(ctx, "opening the tokens", "get_instagram_token", map[string]any{"p_instagram_id": instagramID}, &rows)
	return rows, err
}

// Delete removes a user's connection; the database removes its secrets.
func (s *Store) Delete(ctx context.Context, user uuid.UUID, instagramID string) error {
	return s.write(ctx, "removing the connection", func() *postgrest.FilterBuilder {
		return s.client.From(connections).Delete("minimal", "").
			Eq("user_id", user.String()).Filter("instagram_id", "in", anyOf(instagramID))
	})
}

// Stop marks connections of a Facebook person for reconnection, but for those
// that were made anew after the given time.
func (s *Store) Stop(ctx context.Context, facebookUserID string, instagramIDs []string, before time.Time, reason string) error {
	change := map[string]string{"status": StatusReconnect, "status_reason": reason}
	return s.write(ctx, "marking for reconnection", func() *postgrest.FilterBuilder {
		return s.client.From(connections).Update(change, "minimal", "").
			Filter("facebook_user_id", "in", anyOf(facebookUserID)).
			Filter("instagram_id", "in", anyOf(instagramIDs...)).
			Lt("connected_at", before.UTC().Format(time.RFC3339Nano))
	})
}

// write runs a query whose answer is empty, or JSON of a stand-in that does not
// know our Prefer header. A text or a page that says yes, as a gateway's does,
// is not Supabase. The query is built anew for each try.
func (s *Store) write(ctx context.Context, op string, query func() *postgrest.FilterBuilder) error {
	return s.repeated(ctx, op, func(ctx context.Context) error {
		body, _, err := query().ExecuteWithContext(ctx)
		if body = bytes.TrimSpace(body); err != nil || len(body) == 0 {
			return err
		}
		if !json.Valid(body) || body[0] != '[' && body[0] != '{' {
			return &Error{Status: 200, cause: errNotSupabase}
		}
		return nil
	})
}

// call calls a function of the database, which must be one that may be called
// again: as a table named rpc/…, because the library's Rpc loses every error.
func (s *Store) call(ctx context.Context, op, function string, arguments map[string]any, answer any) error {
	return s.repeated(ctx, op, func(ctx context.Context) error {
		return fetch(ctx, s.client.From("rpc/"+function).Insert(arguments, false, "", "representation", ""), answer)
	})
}

// fetch runs a query and decodes its answer. What does not fit is reported
// without being quoted. Nor is null an answer: decoded, it would look like a
// list without rows, or a count of zero.
func fetch(ctx context.Context, query *postgrest.FilterBuilder, rows any) error {
	body, _, err := query.ExecuteWithContext(ctx)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, rows) != nil || string(bytes.TrimSpace(body)) == "null" {
		return &Error{Status: 200, cause: errNotSupabase}
	}
	return nil
}

// Timestamp is a timestamptz. PostgREST writes RFC 3339; Supabase Lite writes
// PostgreSQL's own form. It is always given out as RFC 3339, in UTC.
type Timestamp struct{ time.Time }

// UnmarshalJSON takes both forms.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999-07:00"} {
		at, err := time.Parse(layout, text)
		if year := at.UTC().Year(); err == nil && year >= 0 && year <= 9999 { // JSON has no others
			t.Time = at.UTC()
			return nil
		}
	}
	return errors.New("not a timestamp")
}
