// Package store keeps connections in Supabase, and asks it who is signed in.
// Its one client goes through a guard that makes every fault a typed error.
package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	postgrest "github.com/supabase-community/postgrest-go"
	"github.com/supabase-community/supabase-go"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const (
	tries      = 3 // of a call that may be repeated
	tryTimeout = 5 * time.Second
)

// Store is one Supabase project, used with its secret key.
type Store struct {
	url    string // through the guard
	key    secret.String
	client *supabase.Client
	http   *http.Client
}

// New makes a store for a project's URL (https://….supabase.co, already
// checked) and its secret or service_role key. It makes no call.
func New(projectURL string, key secret.String) (*Store, error) {
	register()
	guarded := schemePrefix + projectURL
	if _, err := url.Parse(guarded); err != nil { // the client would not say, and panic when used
		return nil, fmt.Errorf("making the Supabase client: %w", upstream.WithoutURL(err))
	}
	client, err := supabase.NewClient(guarded, key.Reveal(), nil)
	if err != nil {
		return nil, fmt.Errorf("making the Supabase client: %w", err)
	}
	return &Store{url: guarded, key: key, client: client, http: &http.Client{}}, nil
}

type query = postgrest.FilterBuilder

// write runs a query whose answer is empty, or JSON of a stand-in that does not
// know our Prefer header. A text or a page that says yes, as a gateway's does,
// is not Supabase. The query is built anew for each try.
func write(ctx context.Context, op string, build func() *query) error {
	return repeated(ctx, op, func(ctx context.Context) error {
		body, _, err := build().ExecuteWithContext(ctx)
		if body = bytes.TrimSpace(body); err != nil || len(body) == 0 {
			return err
		}
		if !json.Valid(body) || body[0] != '[' && body[0] != '{' {
			return notSupabase(http.StatusOK, body)
		}
		return nil
	})
}

type args map[string]any

// call calls a function of the database, which must be one that may be called
// again, and decodes its answer: as a table named rpc/…, because the library's
// Rpc loses every error. The error is an *[Error].
func call[T any](ctx context.Context, s *Store, op, function string, arguments args) (answer T, err error) {
	err = repeated(ctx, op, func(ctx context.Context) error {
		_, err := fetch(ctx, s.client.From("rpc/"+function).Insert(arguments, false, "", "representation", ""), &answer)
		return err
	})
	return answer, err
}

// fetch runs a query and decodes its answer. What does not fit is reported
// without being quoted. Nor is null an answer: decoded, it would look like a
// list without rows, or a count of zero. It returns how many rows there are in
// all, for a query that asks for it.
func fetch(ctx context.Context, q *query, answer any) (total int, err error) {
	body, count, err := q.ExecuteWithContext(ctx)
	if err == nil && (json.Unmarshal(body, answer) != nil || string(bytes.TrimSpace(body)) == "null") {
		return 0, notSupabase(http.StatusOK, body)
	}
	return int(count), err
}

// repeated runs an idempotent call until it succeeds or fails for good, each
// try with a limit of its own. The error is an *[Error].
func repeated(ctx context.Context, op string, call func(context.Context) error) error {
	try := func() error {
		ctx, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		return call(ctx)
	}
	if err := upstream.Retry(ctx, tries, try, transient); err != nil {
		return named(op, err)
	}
	return nil
}
