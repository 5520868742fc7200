package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/sealed"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

// Discover finds everything that the person granted. Where something is missing
// that we can't do without, the error is a *[MissingPermissionError].
func (s *Service) Discover(ctx context.Context, token graph.Token) (graph.Found, error) {
	found, err := s.Provider.Accounts(ctx, token)
	if err != nil {
		return found, err
	}
	for _, err := range found.Skipped {
		note.Add(ctx, "skipped", err.Error())
	}
	if len(found.Withheld) > 0 {
		note.Add(ctx, "withheld", found.Withheld)
	}
	if len(found.Missing) > 0 {
		return found, &MissingPermissionError{Found: found}
	}
	return found, nil
}

// Select returns the accounts that a finished login saves without asking: those
// chosen before, the one to reconnect, or the only one. None means that the person must choose. The
// error is a *[NoAccountError]; connections that the grant no longer covers are
// marked in the database then.
func (s *Service) Select(ctx context.Context, grant Grant, found graph.Found) ([]graph.Account, error) {
	wanted := found.Chosen([]string{grant.Options.InstagramID})
	switch {
	case len(found.Accounts) == 0:
		known, stopped := s.StopUncovered(ctx, grant, found)
		return nil, &NoAccountError{Found: found, Stopped: stopped, Missed: notShared(grant, found, known)}
	case len(grant.Chosen) > 0: // before Supabase failed
		return found.Chosen(grant.Chosen), nil
	case len(wanted) == 1:
		return wanted, nil
	case len(found.Accounts) == 1 && grant.Options.InstagramID == "":
		return found.Accounts, nil
	}
	return nil, nil
}

// AwaitChoice leaves the grant sealed in the browser while the person chooses,
// and marks in the database what it no longer covers.
func (s *Service) AwaitChoice(ctx context.Context, jar *sealed.Jar, grant Grant, found graph.Found) error {
	_, grant.Stopped = s.StopUncovered(ctx, grant, found)
	return s.keepGrant(jar, grant)
}

// Choice is what a person should know about the accounts to choose from.
type Choice struct {
	Connected []string   // Instagram ids that the user has connected and that work
	Missed    *NotShared // the account to reconnect, where it is not among them
}

// NotShared is the account that a login was to reconnect, where the person shared
// others, or none.
type NotShared struct {
	Account      string // its user name; "" unless this user has connected it
	PageName     string // may be empty
	WithoutPage  bool   // it was shared, and the Page that leads to it was not
	OtherProfile bool   // another Facebook profile connected it than the one that shares now
}

// Choice reads what the user has connected before. A failure is noted only: it must
// not cost the choice.
func (s *Service) Choice(ctx context.Context, grant Grant, found graph.Found) Choice {
	ctx, cancel := context.WithTimeout(ctx, reconcileLimit)
	defer cancel()
	known, err := s.Store.OfUser(ctx, grant.User.ID)
	if err != nil {
		note.Add(ctx, "not_reconciled", err.Error())
	}
	choice := Choice{Missed: notShared(grant, found, known)}
	for _, connection := range known {
		if connection.Status != store.StatusReconnect {
			choice.Connected = append(choice.Connected, connection.InstagramID)
		}
	}
	return choice
}

// notShared compares what was found with the account to reconnect, given the user's
// connections. It is nil where that one was found, or none was named.
func notShared(grant Grant, found graph.Found, known []store.Connection) *NotShared {
	id := grant.Options.InstagramID
	if id == "" || len(found.Chosen([]string{id})) > 0 {
		return nil
	}
	missed := &NotShared{WithoutPage: slices.Contains(found.Pageless(), id)}
	if at := slices.IndexFunc(known, func(c store.Connection) bool { return c.InstagramID == id }); at >= 0 {
		missed.Account, missed.PageName = known[at].Title(), string(known[at].PageName)
		missed.OtherProfile = known[at].FacebookUserID != "" && string(known[at].FacebookUserID) != found.Person.ID
	}
	return missed
}

const (
	subscribeLimit = 8 * time.Second // a subscription can be repaired later: it must not cost the connection
	callsAtOnce    = 16
)

// Saved is what came of saving.
type Saved struct {
	Connections []store.Sealed       // the rows as they were saved
	came        []store.Subscription // what came of each one's subscription
}

// IDs are the Instagram ids of the accounts that are connected now: of those saved
// that are not waiting for their person.
func (s Saved) IDs() []string {
	connected, _ := s.split()
	return connected
}

// split tells those that are connected from those that wait for their person.
func (s Saved) split() (connected, waiting []string) {
	connected = []string{}
	for _, connection := range s.Connections {
		if connection.Status == store.StatusReconnect {
			waiting = append(waiting, connection.InstagramID)
		} else {
			connected = append(connected, connection.InstagramID)
		}
	}
	return connected, waiting
}

// Accounts are the accounts as they stand in the database now.
func (s Saved) Accounts() []store.Account {
	accounts := make([]store.Account, len(s.Connections))
	for i, connection := range s.Connections {
		accounts[i] = connection.Account
		accounts[i].Subscription = s.came[i]
	}
	return accounts
}

// SaveConnections writes the chosen accounts to the database and subscribes them
// at Meta, side by side, and marks what the grant no longer covers. Where
// Supabase fails nothing is lost: the error is a *[NotSavedError], and the sealed
// grant stays in the browser. Else the grant ends here, also where the user has been
// deleted meanwhile, which is [ErrUserDeleted].
func (s *Service) SaveConnections(ctx context.Context, jar *sealed.Jar, grant Grant, found graph.Found, chosen []graph.Account) (Saved, error) {
	var (
		saved Saved
		ids   []string
	)
	now := s.Now() // one for all: lists begin with the newest, and keep these in order
	for _, account := range chosen {
		row := row(grant, found, account, now)
		if s.SupabaseUsers { // so that the row of one who is deleted meanwhile is refused
			row.AuthUserID = store.Text(grant.User.ID)
		}
		saved.Connections, ids = append(saved.Connections, row), append(ids, account.InstagramID)
	}
	var saveErr error
	upstream.SideBySide(2,
		func() {
			var earlier []store.Connection
			if earlier, saveErr = s.Store.Save(ctx, saved.Connections); saveErr == nil {
				s.stopUncovered(ctx, grant, found, earlier)
			}
		},
		func() { saved.came = s.subscribe(ctx, chosen) },
	)
	if refused, ok := errors.AsType[*store.Error](saveErr); ok && refused.NoUser() {
		s.grants.Clear(jar, grant.Flow)
		return Saved{}, fmt.Errorf("%w: %v", ErrUserDeleted, saveErr)
	}
	if saveErr != nil {
		grant.Chosen = ids
		if err := s.keepGrant(jar, grant); err != nil {
			return Saved{}, errors.Join(saveErr, err)
		}
		return Saved{}, &NotSavedError{Flow: grant.Flow, Cause: saveErr}
	}
	s.correctSubscriptions(ctx, saved)
	connected, waiting := saved.split()
	note.Add(ctx, "connected", connected)
	s.grants.Clear(jar, grant.Flow)
	s.Endings.Keep(jar, grant.Flow, Ended{
		User: grant.User, Begun: grant.Begun.Unix(), Connected: connected, Waiting: waiting, LoginOptions: grant.Options,
	})
	return saved, nil
}

// row is the row of one account, with the subscription that we expect.
func row(grant Grant, found graph.Found, account graph.Account, now time.Time) store.Sealed {
	row := store.Sealed{
		Tokens: store.Tokens{Token: grant.Token.Value},
		Connection: store.Connection{
			UserID: grant.User.ID, FacebookUserID: store.Text(found.Person.ID),
			Scopes: append([]string{}, found.Granted...), DataAccessExpires: store.At(found.DataAccessExpires), Checked: store.At(now),
			Account: store.Account{
				InstagramID: account.InstagramID, Username: store.Text(account.Username), Name: store.Text(account.Name),
				PictureURL: store.Text(account.PictureURL), Status: store.StatusActive,
				TokenExpires: store.At(found.Expires), Connected: store.At(now),
				Subscription: expectedSubscription(account),
			},
		},
	}
	if page := account.Page; page != nil {
		row.PageID, row.PageName, row.PageToken = store.Text(page.ID), store.Text(page.Name), account.Token
	}
	if account.Token.Empty() { // nothing can act for it; the daily check looks whether that changes
		row.Status, row.StatusReason = store.StatusReconnect, store.Text(graph.LostPageToken)
	}
	return row
}

// expectedSubscription is what subscribing the account should come to. A role that
// does not cover messages stands there whatever Meta takes.
func expectedSubscription(account graph.Account) store.Subscription {
	expected := store.Subscription{Fields: []string{}, Error: "Meta gave no Page token"}
	if !account.Token.Empty() {
		expected = store.Subscription{Fields: append(expected.Fields, account.Fields...)}
		if page := account.Page; page != nil && !page.CanMessage() {
			expected.Error = store.Text(graph.NoTask)
		}
	}
	return expected
}

// subscribe subscribes each account that has a token, and returns what came of
// it.
func (s *Service) subscribe(ctx context.Context, accounts []graph.Account) []store.Subscription {
	ctx, cancel := context.WithTimeout(ctx, subscribeLimit)
	defer cancel()
	var (
		jobs []func()
		came = make([]store.Subscription, len(accounts))
	)
	for i, account := range accounts {
		came[i] = expectedSubscription(account)
		if account.Token.Empty() {
			continue
		}
		jobs = append(jobs, func() {
			reached, err := s.Provider.Subscribe(ctx, account)
			came[i].Fields = reached
			if refused, ok := errors.AsType[*graph.Error](err); ok {
				came[i].Error = cmp.Or(came[i].Error, store.Text(refused.Reason()))
				note.Add(ctx, "subscription", err.Error())
			}
		})
	}
	upstream.SideBySide(callsAtOnce, jobs...)
	return came
}

// correctSubscriptions writes down what came out differently from what was
// saved, and only that: one call for all that came out alike. A failure here is
// noted: the daily check finds it again.
func (s *Service) correctSubscriptions(ctx context.Context, saved Saved) {
	differs := func(i int) bool { return !saved.came[i].Equal(saved.Connections[i].Subscription) }
	done := map[int]bool{}
	for i, row := range saved.Connections {
		if done[i] || !differs(i) {
			continue
		}
		var alike []string
		for j := i; j < len(saved.Connections); j++ {
			if differs(j) && saved.came[j].Equal(saved.came[i]) {
				alike, done[j] = append(alike, saved.Connections[j].InstagramID), true
			}
		}
		if err := s.Store.SetSubscription(ctx, row.UserID, alike, saved.came[i]); err != nil {
			note.Add(ctx, "subscription_not_noted", err.Error())
		}
	}
}
