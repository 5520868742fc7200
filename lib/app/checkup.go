package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"igconnect/lib/config"
	"igconnect/lib/graph"
	"igconnect/lib/store"
)

const (
	statusActive    = "active"
	statusExpiring  = "expiring"
	statusReconnect = "reconnect"

	renewWithin = 14 * 24 * time.Hour
	checkLimit  = 12 * time.Second // for one connection
)

// outcome is what came of one connection.
type outcome struct {
	begun     bool
	throttled bool
	err       error // a failure that may pass
	result    store.Checkup
}

// checkUp asks Meta how a connection is, renews its token where that is near
// its end, and repairs the Page's subscription. A failure that may pass changes
// no status; a token that came before it is kept all the same.
func (c *Call) checkUp(ctx context.Context, meta *graph.Client, due store.Due) outcome {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	o := outcome{begun: true, result: store.Checkup{Due: due}}
	err := c.examine(ctx, meta, &o.result)
	var ofMeta *graph.Error
	switch {
	case err == nil:
		o.result.Checked = true
	case errors.As(err, &ofMeta) && ofMeta.Class == graph.TokenDead:
		o.result.Checked = true
		o.result.Status, o.result.Reason = statusReconnect, whyDead(ofMeta.Subcode)
	default:
		o.err, o.throttled = err, ofMeta != nil && ofMeta.Class == graph.Throttled
	}
	return o
}

// examine notes in r what it finds, step by step.
func (c *Call) examine(ctx context.Context, meta *graph.Client, r *store.Checkup) error {
	if r.Token.Empty() {
		r.Status, r.Reason = statusReconnect, "We no longer hold a key for this account."
		return nil
	}

	// 1. Meta's dates count, not ours.
	debug, err := meta.Debug(ctx, r.Token)
	if err != nil {
		return err
	}
	if r.FacebookUserID != "" && debug.PersonID != "" && debug.PersonID != r.FacebookUserID {
		r.Status, r.Reason = statusReconnect, anotherPerson
		return nil
	}

	// 2. A token near its end is exchanged for a new one, of the same person.
	if ends(debug.Expires, c.now()) {
		if debug, err = renewed(ctx, meta, debug, r); err != nil || r.Status != "" {
			return err
		}
	}
	r.Dates = &store.Dates{Expires: debug.Expires, DataAccessExpires: debug.DataAccessExpires}

	// 3. Is everything still granted?
	r.Scopes = debug.Scopes
	if lost := lostScopes(r.Due.Scopes, debug.Scopes); len(lost) > 0 {
		r.Status, r.Reason = statusReconnect, "A permission was taken back at Meta: "+strings.Join(lost, ", ")+"."
		return nil
	}

	// 4. May we still read? Only the person can say so again.
	if !debug.DataAccessExpires.IsZero() && !debug.DataAccessExpires.After(c.now()) {
		r.Status, r.Reason = statusReconnect, whyDead(consentOver)
		return nil
	}

	// 5. Does the Page still tell us?
	if err := c.repair(ctx, meta, r); err != nil {
		return err
	}
	r.Status, r.Reason = prognosis(debug, c.now())
	return nil
}

const anotherPerson = "The key belongs to another Facebook profile."

// renewed exchanges the token and asks Meta about the new one. One of another
// person is refused. Where Meta does not want to, all stays as it was: the token
// lives on to its end.
func renewed(ctx context.Context, meta *graph.Client, before graph.Debug, r *store.Checkup) (graph.Debug, error) {
	token, err := meta.Upgrade(ctx, r.Token)
	var ofMeta *graph.Error
	switch {
	case errors.As(err, &ofMeta) && ofMeta.Class == graph.TokenDead && ofMeta.Code != 190 && ofMeta.Code != 102:
		return before, nil
	case err != nil:
		return before, err
	}
	after, err := meta.Debug(ctx, token.Value)
	if err != nil {
		return before, err
	}
	if after.PersonID != before.PersonID {
		r.Status, r.Reason = statusReconnect, anotherPerson
		return before, nil
	}
	r.Renewed = token.Value
	return after, nil
}

// repair reads what the Page is subscribed to, and subscribes it again where
// that is not what it should be. A row without a Page token is let be.
func (c *Call) repair(ctx context.Context, meta *graph.Client, r *store.Checkup) error {
	if r.PageID == "" || r.PageToken.Empty() {
		return nil
	}
	wanted := graph.WantedFields(c.Config.WebhookFields, r.Scopes)
	reached, err := meta.Subscribed(ctx, r.PageID, r.PageToken)
	if err == nil && !graph.Enough(reached, wanted) {
		reached, err = meta.Subscribe(ctx, r.PageID, r.PageToken, wanted)
	}
	var ofMeta *graph.Error
	switch {
	case err == nil:
		r.Subscription = &store.Subscription{Fields: reached}
	case errors.As(err, &ofMeta) && (ofMeta.Class == graph.Rejected || ofMeta.Class == graph.NoPermission):
		r.Subscription = &store.Subscription{Fields: reached, Error: ofMeta.Reason()}
	default:
		return err
	}
	return nil
}

// lostScopes are those that we cannot do without, were granted, and are not
// any more.
func lostScopes(before, after []string) []string {
	return slices.DeleteFunc(slices.Clone(config.SeedScopes), func(scope string) bool {
		return !slices.Contains(before, scope) || slices.Contains(after, scope)
	})
}

// prognosis says how long the connection will last by itself.
func prognosis(debug graph.Debug, now time.Time) (status, reason string) {
	switch {
	case ends(debug.Expires, now):
		return statusExpiring, "Meta did not prolong the access. Reconnect before " + day(debug.Expires) + "."
	case ends(debug.DataAccessExpires, now):
		return statusExpiring, "Meta asks for your consent again. Reconnect before " + day(debug.DataAccessExpires) + "."
	}
	return statusActive, ""
}

// ends tells whether a time is near or past; zero is never.
func ends(at, now time.Time) bool { return !at.IsZero() && at.Before(now.Add(renewWithin)) }

func day(at time.Time) string { return at.UTC().Format("2 January 2006") }

// consentOver is the subcode of a token without data access.
const consentOver = 493

// whyDead says why Meta does not accept a token any more.
// https://developers.facebook.com/docs/graph-api/guides/error-handling#subcodes
func whyDead(subcode int) string {
	switch subcode {
	case 458:
		return "You removed this app at Facebook."
	case 459:
		return "Facebook wants you to log in there and confirm that it is you."
	case 460:
		return "You changed your Facebook password."
	case 463:
		return "The access has run out."
	case 464:
		return "Your Facebook account is not confirmed."
	case consentOver:
		return "Your consent at Facebook has run out."
	case 492:
		return "You no longer have a role on the Facebook Page."
	}
	return "Facebook ended the access."
}
