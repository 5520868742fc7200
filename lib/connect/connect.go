// Package connect leads a user from the button to saved connections, and back:
// begin a login, finish it, choose among accounts, reconcile with what was
// connected before, disconnect. It knows no HTTP and no page: lib/web and api/
// show what comes of it. Read [Service.Begin] first, and api/callback.go for the
// order of the rest.
package connect

import (
	"context"
	"errors"
	"strings"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/sealed"
	"igconnect/lib/store"
)

// What can go wrong besides calls to Meta (*[graph.Error]) and to Supabase
// (*[store.Error]).
var (
	// ErrState says that no sealed state or grant of this browser fits.
	ErrState = errors.New("the login is not this browser's")
	// ErrExpired says that a login or a grant is older than ten minutes.
	ErrExpired = errors.New("the login has run out")
	// ErrUserChanged says that the browser holds another user's session now.
	ErrUserChanged = errors.New("the session is another user's")
	// ErrDenied says that the person said no in Meta's dialog.
	ErrDenied = errors.New("the person said no")
	// ErrDialog says that Meta's dialog failed.
	ErrDialog = errors.New("the dialog failed")
	// ErrNoCode says that the dialog's answer holds neither a code nor an error.
	ErrNoCode = errors.New("no code")
	// ErrNotConnected says that the user has no such connection.
	ErrNotConnected = errors.New("the user has no such connection")
)

// MissingPermissionError says that a permission was not granted without which
// no account can be found, subscribed or answered. Nothing was saved.
type MissingPermissionError struct{ Found graph.Found }

func (e *MissingPermissionError) Error() string {
	return "not granted: " + strings.Join(e.Found.Missing, ", ")
}

// NoAccountError says that what was granted leads to no Instagram account.
type NoAccountError struct {
	Found   graph.Found
	Stopped []string // names of the user's accounts that the grant no longer covers
}

func (e *NoAccountError) Error() string { return "no Page has an Instagram account" }

// NotSavedError says that Supabase did not take the connections. The grant waits
// in the browser for ten minutes: Flow names it for another try.
type NotSavedError struct {
	Flow  string
	Cause error
}

func (e *NotSavedError) Error() string { return e.Cause.Error() }
func (e *NotSavedError) Unwrap() error { return e.Cause }

// Service serves every login of a deployment. [New] makes it.
type Service struct {
	Provider Provider
	Store    *store.Store
	Now      func() time.Time

	states sealed.Cookies[State]
	grants sealed.Cookies[sealedGrant]
}

// New makes a Service whose cookies are sealed by box. secure is false only
// where the deployment is reached over http, on localhost.
func New(provider Provider, db *store.Store, box *sealed.Box, secure bool, now func() time.Time) *Service {
	return &Service{
		Provider: provider, Store: db, Now: now,
		states: sealed.Cookies[State]{Box: box, Kind: "state", Secure: secure, Now: now},
		grants: sealed.Cookies[sealedGrant]{Box: box, Kind: "grant", Secure: secure, Now: now},
	}
}

// Accounts lists what a user may see of the own connections, the newest first.
func (s *Service) Accounts(ctx context.Context, user string) ([]store.Account, error) {
	connections, err := s.Store.OfUser(ctx, user)
	accounts := make([]store.Account, len(connections))
	for i, connection := range connections {
		accounts[i] = connection.Account
	}
	return accounts, err
}
