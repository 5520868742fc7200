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
	"igconnect/lib/secret"
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
	// ErrUserDeleted says that the user who began is deleted.
	ErrUserDeleted = errors.New("the user is deleted")
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
	Stopped []string   // names of the user's accounts that the grant no longer covers
	Missed  *NotShared // the account to reconnect; nil where none was named
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
	States   States
	Endings  Endings
	// SupabaseUsers reports whether the ids of users are those of Supabase Auth.
	SupabaseUsers bool

	grants sealed.Cookies[sealedGrant]
}

// New makes a Service whose cookies are sealed by box. secure is false only
// where the deployment is reached over http, on localhost.
func New(provider Provider, db *store.Store, box *sealed.Box, secure bool, now func() time.Time) *Service {
	return &Service{
		Provider: provider, Store: db, Now: now,
		Endings: Endings{cookies: sealed.Cookies[Ended]{Box: box, Kind: "ended", Secure: secure, Now: now}, store: db},
		States:  States{cookies: sealed.Cookies[State]{Box: box, Kind: "state", Secure: secure, Now: now}, now: now},
		grants:  sealed.Cookies[sealedGrant]{Box: box, Kind: "grant", Secure: secure, Now: now},
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

// Provider is one of Meta's ways to log in, and all that the flows know of
// Meta. lib/graph/facebook has Facebook Login; a login without Pages finds
// accounts whose Page is nil. Errors of calls are *[graph.Error].
type Provider interface {
	// AuthCodeURL is the address of the dialog that asks the person.
	AuthCodeURL(state string) string
	// Exchange trades a code, which works once, for a short-lived token.
	Exchange(ctx context.Context, code string) (graph.Token, error)
	// Extend trades a valid token for one of about 60 days.
	Extend(ctx context.Context, token secret.String) (graph.Token, error)
	// Accounts finds the person, the permissions and the accounts that a
	// long-lived token leads to.
	Accounts(ctx context.Context, token graph.Token) (graph.Found, error)
	// Covers reports whether the grant still covers an account that was found
	// through the given Page. Only a refusal is a no.
	Covers(ctx context.Context, token secret.String, found graph.Found, pageID string) bool
	// Subscribe has the account's events sent to the app's webhook, and returns
	// the fields that were reached, and the refusal if there was one.
	Subscribe(ctx context.Context, account graph.Account) (reached []string, err error)
	// Unsubscribe ends that.
	Unsubscribe(ctx context.Context, account graph.Account) error
	// Revoke takes back all that the person granted to the app, and so ends all
	// of the person's tokens.
	Revoke(ctx context.Context, personID string, token secret.String) error

	// Inspect asks whether a token is alive, until when, and for what. A dead one
	// is an error of class [graph.TokenDead], beside which its person may be known.
	Inspect(ctx context.Context, token secret.String) (graph.Inspection, error)
	// Repair looks whether an account can still work, subscribes it again where its
	// subscription is not what the granted permissions allow, and reads its acting
	// token anew where that one is missing or dead. It acts for the person whose
	// token is given.
	Repair(ctx context.Context, person secret.String, account graph.Account, granted []string) (graph.Repair, error)
}
