package connect

import (
	"context"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

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
	// is an error of class [graph.TokenDead].
	Inspect(ctx context.Context, token secret.String) (graph.Inspection, error)
	// Repair subscribes an account again where its subscription is not what the
	// granted permissions allow, and reads its acting token anew where that one is
	// dead. It acts for the person whose token is given.
	Repair(ctx context.Context, person secret.String, account graph.Account, granted []string) (graph.Repair, error)
}
