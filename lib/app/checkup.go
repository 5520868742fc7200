package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
	"igconnect/lib/store"
)

const (
	renewWithin = 14 * 24 * time.Hour
	checkLimit  = 12 * time.Second // for one connection
)

// outcome is what came of one connection.
type outcome struct {
	begun       bool
	throttled   bool
	unexplained bool  // needs its person, for a reason that Meta did not name
	err         error // a failure that may pass
	result      store.Checkup
}

// checkUp asks Meta how a connection is, renews its token where that is near
// its end, and repairs the Page's subscription. A failure that may pass changes
// no status; a token that came before it is kept all the same.
func (c *Call) checkUp(ctx context.Context, meta *graph.Client, due store.Due) outcome {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	o := outcome{begun: true, result: store.Checkup{Due: due}}
	err := c.examine(ctx, meta, &o)
	var ofMeta *graph.Error
	switch {
	case err == nil:
		o.result.Checked = true
	case errors.As(err, &ofMeta) && ofMeta.Class == graph.TokenDead:
		o.result.Checked = true
		reason, known := whyDead(ofMeta.Subcode)
		o.end(reason, known)
	default:
		// 368 blocks one person, and not the app.
		o.err, o.throttled = err, ofMeta != nil && ofMeta.Class == graph.Throttled && ofMeta.Code != 368
	}
	return o
}

// end marks the connection for its person.
func (o *outcome) end(reason string, explained bool) {
	o.result.Status, o.result.Reason, o.unexplained = store.StatusReconnect, reason, !explained
}

// errNoVerdict says that Meta's answer cannot be all of it.
var errNoVerdict = errors.New("checking the token: not a whole answer")

// examine notes in o what it finds, step by step.
func (c *Call) examine(ctx context.Context, meta *graph.Client, o *outcome) error {
	r := &o.result
	if r.Token.Empty() {
		o.end("We no longer hold a key for this account.", true)
		return nil
	}

	// 1. Meta's dates count, not ours.
	debug, err := meta.Debug(ctx, r.Token)
	switch {
	case err != nil:
		return err
	case debug.PersonID == "" || len(debug.Scopes) == 0:
		return errNoVerdict
	case r.FacebookUserID == "":
		r.Person = debug.PersonID
	case debug.PersonID != r.FacebookUserID:
		o.end(anotherPerson, false)
		return nil
	}

	// 2. A token near its end is exchanged for a new one, of the same person.
	if ends(debug.Expires, c.now()) {
		if debug, err = renewed(ctx, meta, debug, o); err != nil || r.Status != "" {
			return err
		}
	}
	r.Dates = &store.Dates{Expires: debug.Expires, DataAccessExpires: debug.DataAccessExpires}
	if at := debug.DataAccessExpires; !at.IsZero() && at.Before(c.now()) {
		o.end("Your consent at Facebook has run out.", true)
		return nil
	}

	// 3. Is everything still granted?
	if lost := lostScopes(r.Due.Scopes, debug.Scopes); len(lost) > 0 {
		r.Scopes = debug.Scopes
		o.end("A permission was taken back at Meta: "+strings.Join(lost, ", ")+".", false)
		return nil
	}
	r.Scopes = debug.Scopes

	// 4. Does the Page still tell us?
	if err := c.repair(ctx, meta, r); err != nil {
		return err
	}
	r.Status, r.Reason = prognosis(debug, c.now())
	return nil
}

const anotherPerson = "The key belongs to another Facebook profile."

// renewed exchanges the token and asks Meta about the new one. One of another
// person is refused; one that ends sooner, or that Meta does not know yet, is
// not taken: the old one was just found good. Where Meta does not want to
// exchange it, it lives on to its end.
func renewed(ctx context.Context, meta *graph.Client, before graph.Debug, o *outcome) (graph.Debug, error) {
	token, err := meta.Upgrade(ctx, o.result.Token)
	var ofMeta *graph.Error
	switch {
	case errors.As(err, &ofMeta) && ofMeta.Class == graph.TokenDead && ofMeta.Code != 190 && ofMeta.Code != 102:
		return before, nil
	case err != nil:
		return before, err
	}
	after, err := meta.Debug(ctx, token.Value)
	switch {
	case err != nil:
		return before, fmt.Errorf("checking the new token: %s", err) // not wrapped: the old one is not dead
	case after.PersonID == "":
		return before, errNoVerdict
	case after.PersonID != before.PersonID:
		o.end(anotherPerson, true)
	case after.Expires.IsZero() || after.Expires.After(before.Expires):
		o.result.Renewed = token.Value
		return after, nil
	}
	return before, nil
}

// repair reads what the Page is subscribed to, and subscribes it again where
// that is not what it should be. A row without a Page token is let be.
func (c *Call) repair(ctx context.Context, meta *graph.Client, r *store.Checkup) error {
	if r.PageID == "" || r.PageToken.Empty() {
		return nil
	}
	wanted := graph.WantedFields(c.Config.WebhookFields, r.Scopes)
	reached, err := subscribeAgain(ctx, meta, r.PageID, r.PageToken, wanted)
	var ofMeta *graph.Error
	if errors.As(err, &ofMeta) && ofMeta.Class == graph.TokenDead && ofMeta.Subcode != lostRole {
		// The person's token is good, so this is about the Page's alone.
		if r.RenewedPage, err = meta.PageToken(ctx, r.PageID, r.Newest()); err == nil {
			reached, err = subscribeAgain(ctx, meta, r.PageID, r.RenewedPage, wanted)
		}
		if errors.As(err, &ofMeta) && ofMeta.Class == graph.TokenDead && ofMeta.Subcode != lostRole {
			return fmt.Errorf("using the Page's token: %s", err) // not wrapped: the person's token is not dead
		}
	}
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

func subscribeAgain(ctx context.Context, meta *graph.Client, pageID string, token secret.String, wanted []string) ([]string, error) {
	reached, err := meta.Subscribed(ctx, pageID, token)
	if err != nil || graph.Enough(reached, wanted) {
		return reached, err
	}
	return meta.Subscribe(ctx, pageID, token, wanted)
}
