package graph

import (
	"slices"
	"strings"
	"time"

	"igconnect/lib/secret"
)

// Token is an access token of a person.
type Token struct {
	Value   secret.String
	Expires time.Time // zero where Meta did not say: an [Inspection] tells
}

// Person is whoever is behind a token, by app-scoped id: the one in the callbacks
// that Meta sends when a person removes the app or asks for erasure.
type Person struct{ ID, Name string }

// Account is an Instagram professional account, the unit that the flows pass on.
type Account struct {
	InstagramID string // the one that webhooks carry
	Username    string
	Name        string
	PictureURL  string        // at Meta's CDN; expires
	Token       secret.String // acts for the account; empty where Meta gave none
	Fields      []string      // webhook fields that the grant allows: what to subscribe to
	Page        *Page         // the one it was found through; nil where the login needs none
}

// Page is a Facebook Page that the person shared.
type Page struct {
	ID          string
	Name        string
	HasToken    bool     // Meta gave a token for it
	Tasks       []string // what the person may do there; nil: Meta did not say
	InstagramID string   // of the professional account linked to it; "" if none
	Username    string   // of the account linked to it, professional or not; "" if none
}

// CanMessage reports whether the person's role on the Page covers its messages, as
// far as is known. Newer Pages have other names for the same roles.
// https://developers.facebook.com/docs/pages-api/overview#tasks
func (p Page) CanMessage() bool {
	return p.Tasks == nil || slices.ContainsFunc(p.Tasks, func(task string) bool {
		task = strings.TrimPrefix(task, "PROFILE_PLUS_")
		return task == "MODERATE" || task == "MESSAGING" || task == "FULL_CONTROL"
	})
}

// Found is everything that a person's token leads to.
type Found struct {
	Person            Person
	Granted           []string  // permissions
	Declined          []string  // permissions that were asked for and declined, needed or not
	Withheld          []string  // permissions that were asked for and that Meta neither granted nor offered
	Missing           []string  // those needed that were not granted: nothing may be saved then
	Accounts          []Account // each account once
	Pages             []Page    // also those without an account, to explain why
	Expires           time.Time // of the token; zero: never
	DataAccessExpires time.Time // zero: unknown
	Skipped           []error   // failures that cost no account that we know of, for the log
	Asked             time.Time // when the look-up began
	Shared            []string  // ids of the Pages that Meta named as shared
	AllNamed          bool      // these are all
	NotShown          []string  // ids of those of them that Meta then did not show
	SharedAccounts    []string  // Instagram ids that Meta named as shared, with their Page or without
}

// Pageless returns the Instagram ids that Meta named as shared and that no Page led
// to. While Meta keeps back a Page that may be theirs it returns none.
func (f Found) Pageless() []string {
	if len(f.NotShown) > 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.SharedAccounts), func(id string) bool { return len(f.Chosen([]string{id})) > 0 })
}

// Chosen returns those accounts whose Instagram ids are among the given ones.
func (f Found) Chosen(instagramIDs []string) []Account {
	var chosen []Account
	for _, account := range f.Accounts {
		if slices.Contains(instagramIDs, account.InstagramID) {
			chosen = append(chosen, account)
		}
	}
	return chosen
}

// Inspection is what Meta knows about a token of a person.
type Inspection struct {
	PersonID          string
	Expires           time.Time // zero: never
	DataAccessExpires time.Time // about 90 days after the last consent; zero: unknown
	Scopes            []string
	PageIDs           []string // the Pages that the person shared, where Meta names them
	AllNamed          bool     // Meta named them all; not so for "all Pages, and those to come"
	AccountIDs        []string // the Instagram accounts that the person shared, where Meta names them
}

// Repair is what came of checking an account and its subscription.
type Repair struct {
	Read    *Account      // the account and its Page as Meta gives them now; nil where that was not read
	Lost    Loss          // why the account cannot work; "": nothing says so
	Known   bool          // the subscription was read
	Token   secret.String // acts for the account from now on; empty if the old one stands
	Fields  []string      // subscribed to
	Refused string        // why Meta did not subscribe to all that was wanted; "" if it did
}

// Loss says in the person's words why an account cannot work though its person's
// token does. What it names is mended at Meta, and leaves that token as it is.
type Loss string

// The losses.
const (
	LostPage      Loss = "The Facebook Page is gone, or not shared with us any more."
	LostAccount   Loss = "The Facebook Page is not linked to this Instagram account any more."
	LostToAnother Loss = "The Facebook Page is linked to another Instagram account now."
	LostPageToken Loss = "Your role on the Facebook Page does not let us answer its messages."
)

// NoTask says in the person's words that an account is connected and its messages
// cannot be answered: see [Page.CanMessage].
const NoTask = "Your role on the Facebook Page does not cover its messages."

// SavedAccount is an account that was saved before, as far as calls about it need
// one: with the token that acts for it. That is the Page's, or the person's where
// the account was saved without a Page (pageID is empty).
func SavedAccount(instagramID string, person secret.String, pageID string, pageToken secret.String) Account {
	if pageID == "" {
		return Account{InstagramID: instagramID, Token: person}
	}
	return Account{InstagramID: instagramID, Token: pageToken, Page: &Page{ID: pageID}}
}
