package connect

import (
	"context"
	"slices"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/sealed"
	"igconnect/lib/store"
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
	if len(found.Missing) > 0 {
		return found, &MissingPermissionError{Found: found}
	}
	return found, nil
}

// Select returns the accounts that a finished login saves without asking: the
// one to reconnect, or the only one. None means that the person must choose. The
// error is a *[NoAccountError]; connections that the grant no longer covers are
// marked in the database then.
func (s *Service) Select(ctx context.Context, grant Grant, found graph.Found) ([]graph.Account, error) {
	wanted := found.Chosen([]string{grant.Options.InstagramID})
	switch {
	case len(found.Accounts) == 0:
		_, stopped := s.StopUncovered(ctx, grant, found)
		return nil, &NoAccountError{Found: found, Stopped: stopped}
	case len(wanted) == 1:
		return wanted, nil
	case len(found.Accounts) == 1 && grant.Options.InstagramID == "":
		return found.Accounts, nil
	}
	return nil, nil
}

// Choice is what a person should know about the accounts to choose from.
type Choice struct {
	Connected []string // Instagram ids that the user has connected and that work
	Stopped   []string // names of the user's accounts that the grant no longer covers
}

// OfferChoice leaves the grant sealed in the browser while the person chooses,
// and marks in the database what it no longer covers.
func (s *Service) OfferChoice(ctx context.Context, jar *sealed.Jar, grant Grant, found graph.Found) (Choice, error) {
	known, stopped := s.StopUncovered(ctx, grant, found)
	if err := s.keepGrant(jar, grant); err != nil {
		return Choice{}, err
	}
	choice := Choice{Stopped: stopped}
	for _, connection := range known {
		if connection.Status != store.StatusReconnect && !slices.Contains(choice.Connected, connection.InstagramID) {
			choice.Connected = append(choice.Connected, connection.InstagramID)
		}
	}
	return choice, nil
}
