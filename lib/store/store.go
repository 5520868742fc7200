// Package store keeps connections in Supabase, and asks it who is signed in.
// Its one client goes through a guard that makes every fault a typed error.
package store

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/supabase-community/supabase-go"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const tryTimeout = 5 * time.Second

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

// repeated runs an idempotent call until it succeeds or fails for good, each
// try with a limit of its own. The error is an *Error.
func (s *Store) repeated(ctx context.Context, op string, call func(context.Context) error) error {
	try := func() error {
		ctx, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		return call(ctx)
	}
	if err := upstream.Retry(ctx, try, transient); err != nil {
		return named(op, err)
	}
	return nil
}
