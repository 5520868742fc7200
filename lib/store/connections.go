package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	postgrest "github.com/supabase-community/postgrest-go"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const connections = "user_configs"

// The statuses of a connection.
const (
	StatusActive    = "active"
	StatusExpiring  = "expiring"  // ends soon
	StatusReconnect = "reconnect" // needs its person
)

// Account is what a user may see of a connection, under the columns' names.
type Account struct {
	InstagramID  string     `json:"instagram_id"`
	Username     Text       `json:"username"`
	Name         Text       `json:"name"`
	PictureURL   Text       `json:"picture_url"`
	PageID       Text       `json:"page_id"` // null where the login needs no Page
	PageName     Text       `json:"page_name"`
	Status       string     `json:"status"` // active, expiring, reconnect
	StatusReason Text       `json:"status_reason"`
	TokenExpires *Timestamp `json:"token_expires_at"` // null: never
	Connected    *Timestamp `json:"connected_at"`
	Subscription
}

// Connection is a row of public.user_configs without its tokens: one Instagram
// account that one user connected. A new column goes into its migration and
// here, or into [Account] where its user may see it, and nowhere else.
type Connection struct {
	UserID            string     `json:"user_id"`
	AuthUserID        Text       `json:"auth_user_id"`     // the same, where it is a user of Supabase Auth
	FacebookUserID    Text       `json:"facebook_user_id"` // app-scoped; null where only the seed's columns were written
	Scopes            []string   `json:"scopes"`
	DataAccessExpires *Timestamp `json:"data_access_expires_at"` // null: unknown
	Checked           *Timestamp `json:"checked_at"`
	Account
}

// Tokens are the columns that the database seals.
type Tokens struct {
	Token     secret.String `json:"token"`      // of the person, for 60 days
	PageToken secret.String `json:"page_token"` // empty where Meta gave none, or there is no Page
}

// Sealed is a connection together with its tokens, as it is saved and as the
// look-up opens it.
type Sealed struct {
	Connection
	Tokens
}

// row is a connection as it is sent: the one type that writes the tokens out.
// None of its keys is ever left out: a column without one would be emptied.
type row struct {
	Connection
	Token     string `json:"token"`
	PageToken Text   `json:"page_token"`
	Retry     bool   `json:"retry"`
}

// columns lists the columns of Connection, as its fields name them.
var columns = sync.OnceValue(func() string {
	return strings.Join(columnsOf(reflect.TypeFor[Connection]()), ",")
})

func columnsOf(row reflect.Type) []string {
	var names []string
	for i := range row.NumField() {
		if field := row.Field(i); field.Anonymous {
			names = append(names, columnsOf(field.Type)...)
		} else {
			names = append(names, field.Tag.Get("json"))
		}
	}
	return names
}

// Text is a text column, empty in Go where it is null in the table.
type Text string

// MarshalJSON writes an empty text as null.
func (t Text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(t))
}

// Timestamp is a timestamptz. PostgREST writes RFC 3339; Supabase Lite writes
// PostgreSQL's own form. It is always given out as RFC 3339, in UTC.
type Timestamp struct{ time.Time }

// At is the time as a column: null where it is zero.
func At(t time.Time) *Timestamp {
	if t.IsZero() {
		return nil
	}
	return &Timestamp{t.UTC()}
}

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

// Save writes the connections of one login in one call: new ones are inserted,
// known ones replaced; the database's triggers seal their tokens. No account may
// appear twice. Saving twice does no harm. What is saved as [StatusReconnect] has a
// good token and lacks something else at Meta: the daily check tries it again.
//
// It returns what else the same Facebook person connected, for whichever users,
// that still works through a Page. Of these only the names, the Page and the time
// are filled.
func (s *Store) Save(ctx context.Context, all []Sealed) (others []Connection, err error) {
	rows := make([]row, len(all))
	for i, c := range all {
		rows[i] = row{c.Connection, c.Token.Reveal(), Text(c.PageToken.Reveal()), c.Status == StatusReconnect}
	}
	return call[[]Connection](ctx, s, "saving the connections", "save_connections", args{"connections": rows})
}

// OfUser lists a user's connections, the newest first.
func (s *Store) OfUser(ctx context.Context, user string) ([]Connection, error) {
	return s.list(ctx, func(q *query) *query { return q.Filter("user_id", "in", anyOf(user)) })
}

// OfPerson lists what a Facebook person connected, for whichever users, and the
// rows that name no person because they were not checked yet. Where the first
// check named nobody, there is no token that Meta knows.
func (s *Store) OfPerson(ctx context.Context, facebookUserID string) ([]Connection, error) {
	return s.list(ctx, func(q *query) *query {
		return q.Or("facebook_user_id.in."+anyOf(facebookUserID)+",and(facebook_user_id.is.null,checked_at.is.null)", "")
	})
}

// OfUserOrPerson lists a user's connections, and behind them those that a Facebook
// person made for other users. It asks for both at once, in two requests: or=(…) is
// one text, in which Supabase Lite takes what an id holds for a filter, quoted or not.
func (s *Store) OfUserOrPerson(ctx context.Context, user, facebookUserID string) ([]Connection, error) {
	var ofUser, made []Connection
	var ofUserErr, madeErr error
	upstream.SideBySide(2,
		func() { ofUser, ofUserErr = s.OfUser(ctx, user) },
		func() { made, madeErr = s.madeBy(ctx, facebookUserID) })
	ofOthers := slices.DeleteFunc(made, func(c Connection) bool { return c.UserID == user })
	return append(ofUser, ofOthers...), cmp.Or(ofUserErr, madeErr)
}

func (s *Store) madeBy(ctx context.Context, facebookUserID string) ([]Connection, error) {
	return s.list(ctx, func(q *query) *query { return q.Filter("facebook_user_id", "in", anyOf(facebookUserID)) })
}

// list reads page by page: an answer ends at the project's "max rows", 1,000 by
// default, and without its count it does not tell that there are more. Where none
// comes, a full page is asked on from.
func (s *Store) list(ctx context.Context, filter func(*query) *query) ([]Connection, error) {
	rows, count, total := []Connection{}, "exact", 0
	for {
		var page []Connection
		err := repeated(ctx, "listing the connections", func(ctx context.Context) error {
			q := filter(s.client.From(connections).Select(columns(), count, false)).
				Range(len(rows), len(rows)+maxPage-1, "").Order("connected_at", nil)
			for _, key := range []string{"instagram_id", "user_id"} { // those saved together share their time
				q = q.Order(key, &postgrest.OrderOpts{Ascending: true})
			}
			told, err := fetch(ctx, q, &page)
			total = max(total, told)
			return err
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, page...)
		if len(page) == 0 || total == 0 && len(page) < maxPage || total > 0 && len(rows) >= total {
			return rows, nil
		}
		count = "" // counted again, PostgREST refuses a page that begins behind rows removed since
	}
}

const maxPage = 1000 // rows asked for at once; the project may give fewer

// OpenTokens opens the tokens of an Instagram account: a row for each user who
// connected it, of which only the columns of get_instagram_token are filled.
func (s *Store) OpenTokens(ctx context.Context, instagramID string) ([]Sealed, error) {
	return call[[]Sealed](ctx, s, "opening the tokens", "get_instagram_token", args{"p_instagram_id": instagramID})
}

// Subscription is what an account's webhook subscription came to.
type Subscription struct {
	Fields []string `json:"subscribed_fields"`  // what was reached
	Error  Text     `json:"subscription_error"` // what was refused; "" if nothing
}

// Equal reports whether two subscriptions came out alike.
func (s Subscription) Equal(other Subscription) bool {
	return s.Error == other.Error && slices.Equal(s.Fields, other.Fields)
}

// SetSubscription corrects the subscription of a user's connections that came
// out alike.
func (s *Store) SetSubscription(ctx context.Context, user string, instagramIDs []string, came Subscription) error {
	came.Fields = append([]string{}, came.Fields...) // the column takes no null
	return write(ctx, "noting the subscription", func() *query {
		return s.client.From(connections).Update(came, "minimal", "").
			Filter("user_id", "in", anyOf(user)).Filter("instagram_id", "in", anyOf(instagramIDs...))
	})
}

// Stop marks connections of a Facebook person for reconnection, which nothing but
// that ends, but for those that were made anew after the given time.
func (s *Store) Stop(ctx context.Context, facebookUserID string, instagramIDs []string, before time.Time, reason string) error {
	change := map[string]any{"status": StatusReconnect, "status_reason": reason, "retry": false}
	return write(ctx, "marking for reconnection", func() *query {
		return s.client.From(connections).Update(change, "minimal", "").
			Filter("facebook_user_id", "in", anyOf(facebookUserID)).
			Filter("instagram_id", "in", anyOf(instagramIDs...)).
			Lt("connected_at", before.UTC().Format(time.RFC3339Nano))
	})
}

// Delete removes connections of a user; the database removes their secrets.
func (s *Store) Delete(ctx context.Context, user string, instagramIDs ...string) error {
	return write(ctx, "removing connections", func() *query {
		return s.client.From(connections).Delete("minimal", "").
			Filter("user_id", "in", anyOf(user)).Filter("instagram_id", "in", anyOf(instagramIDs...))
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

// Title is the account's user name, or its id where none is known.
func (a Account) Title() string { return cmp.Or(string(a.Username), a.InstagramID) }
