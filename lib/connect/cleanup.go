package connect

import (
	"context"
	"slices"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/note"
	"igconnect/lib/store"
	"igconnect/lib/upstream"
)

const (
	cleanUpLimit  = 4 * time.Second // for each thing that is done at Meta after the data is gone here
	cleanUpsLimit = 8 * time.Second // for all that are done side by side: /api/accounts has 24 s
)

// cleanUp takes back at Meta what connections that are gone here have left there.
type cleanUp struct {
	provider Provider
	store    *store.Store
	now      func() time.Time
}

// atMeta ends the subscriptions of accounts unless another user's connection
// needs them. After that, because all tokens end with it, it revokes the grant of each
// person of whom no account is left: a grant belongs to the person. Only connections
// that could be that person's count.
func (c cleanUp) atMeta(ctx context.Context, removed []removal) {
	persons := onePerPerson(removed)
	last := make([]bool, len(persons))
	first, cancel := context.WithTimeout(ctx, cleanUpsLimit)
	defer cancel()
	var jobs []func()
	for i, r := range persons {
		jobs = append(jobs, func() {
			withTimeout(first, "not_revoked", r, func(ctx context.Context) error {
				left, err := c.store.OfPerson(ctx, string(r.FacebookUserID))
				last[i] = err == nil && !slices.ContainsFunc(left, func(of store.Connection) bool { return c.couldBeOf(ctx, r.FacebookUserID, of) })
				return err
			})
		})
	}
	for _, r := range removed {
		account := graph.SavedAccount(r.InstagramID, r.own.Token, string(r.PageID), r.own.PageToken)
		if account.Token.Empty() || r.neededByOthers {
			continue
		}
		jobs = append(jobs, func() {
			withTimeout(first, "not_unsubscribed", r, func(ctx context.Context) error { return c.provider.Unsubscribe(ctx, account) })
		})
	}
	upstream.SideBySide(callsAtOnce, jobs...)

	then, cancel := context.WithTimeout(ctx, cleanUpsLimit)
	defer cancel()
	jobs = nil
	for i, r := range persons {
		if last[i] {
			jobs = append(jobs, func() {
				withTimeout(then, "not_revoked", r, func(ctx context.Context) error { return c.revoke(ctx, r) })
			})
		}
	}
	upstream.SideBySide(callsAtOnce, jobs...)
}

// onePerPerson picks a connection of each Facebook person whose token we have: one
// that works, if there is one.
func onePerPerson(removed []removal) (persons []removal) {
	for _, r := range removed {
		if r.FacebookUserID == "" || r.own.Token.Empty() {
			continue
		}
		at := slices.IndexFunc(persons, func(p removal) bool { return p.FacebookUserID == r.FacebookUserID })
		if at < 0 {
			persons = append(persons, r)
		} else if persons[at].Status == store.StatusReconnect {
			persons[at] = r
		}
	}
	return persons
}

// couldBeOf reports whether a connection hangs on the person's grant. Of one that
// names nobody yet, Meta says whose token it is; where it does not, it could be.
func (c cleanUp) couldBeOf(ctx context.Context, person store.Text, of store.Connection) bool {
	if of.FacebookUserID != "" {
		return of.FacebookUserID == person
	}
	tokens, err := c.store.OpenTokens(ctx, of.InstagramID)
	if err != nil {
		return true
	}
	own := tokensOf(of, tokens)
	if own.Token.Empty() {
		return false
	}
	inspection, _ := c.provider.Inspect(ctx, own.Token) // a dead one may live again
	return inspection.PersonID == "" || inspection.PersonID == string(person)
}

// revoke takes back the person's grant. Whoever connected an account of that
// person just meanwhile has a dead token now, and is told so.
func (c cleanUp) revoke(ctx context.Context, gone removal) error {
	person := string(gone.FacebookUserID)
	if err := c.provider.Revoke(ctx, person, gone.own.Token); err != nil {
		return err
	}
	revoked := c.now()
	caught, err := c.store.OfPerson(ctx, person)
	if err != nil || len(caught) == 0 {
		return err
	}
	var ids []string
	for _, connection := range caught {
		ids = append(ids, connection.InstagramID)
	}
	return c.store.Stop(ctx, person, ids, revoked, "The permission was taken back at Meta.")
}

// withTimeout does one thing of the clean-up after a removal, in its own time; a
// failure is noted under the given key.
func withTimeout(ctx context.Context, key string, after removal, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, cleanUpLimit)
	defer cancel()
	if err := do(ctx); err != nil {
		note.Add(ctx, key, after.InstagramID+": "+err.Error())
	}
}
