package renew

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"igconnect/lib/graph"
	"igconnect/lib/store"
)

const (
	renewWithin = 14 * 24 * time.Hour
	checkLimit  = 12 * time.Second // for one connection
)

type outcome struct {
	begun       bool
	unexplained bool  // needs its person from now on, for a reason that Meta did not name
	err         error // a failure that may pass
	checkup     store.Checkup
}

// check asks Meta how a connection is, renews its token where that is near its
// end, and repairs its subscription. A failure that may pass changes no status;
// a token that came before it is kept all the same. One that needs its person is
// checked on where that person can mend it at Meta: then it becomes active by itself.
func (s *Service) check(ctx context.Context, due store.Due) outcome {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	o := outcome{begun: true, checkup: store.Checkup{Due: due}}
	err := s.examine(ctx, &o)
	switch ofMeta, ok := errors.AsType[*graph.Error](err); {
	case err == nil:
		o.checkup.Done = true
	case ok && ofMeta.Class == graph.TokenDead:
		o.checkup.Done = true
		o.reconnect(whyDead(ofMeta.Subcode))
	default:
		o.err = err
	}
	return o
}

// A verdict is why a connection needs its person.
type verdict struct {
	reason    string // in plain words
	explained bool   // Meta named it: it is no incident of Meta's
	mendable  bool   // at Meta, after which the same token works again
}

func (o *outcome) reconnect(v verdict) {
	c := &o.checkup
	c.Outcome, c.Reason, c.Retry = store.StatusReconnect, v.reason, v.mendable
	o.unexplained = !v.explained && c.Status != store.StatusReconnect
}

// errNoVerdict says that Meta's answer cannot be all of it.
var errNoVerdict = errors.New("checking the token: not a whole answer")

// examine notes in o what it finds, step by step.
func (s *Service) examine(ctx context.Context, o *outcome) error {
	c := &o.checkup
	if c.Token.Empty() {
		o.reconnect(verdict{reason: "We no longer hold a key for this account.", explained: true})
		return nil
	}

	// 1. Meta's dates count, not ours.
	inspection, err := s.Provider.Inspect(ctx, c.Token)
	if c.FacebookUserID == "" {
		c.Person = inspection.PersonID // also a dead token's: Meta's callbacks must find the row
	}
	switch {
	case err != nil:
		return err
	case inspection.PersonID == "" || len(inspection.Scopes) == 0:
		return errNoVerdict
	case c.FacebookUserID != "" && inspection.PersonID != string(c.FacebookUserID):
		o.reconnect(verdict{reason: anotherPerson})
		return nil
	}

	// 2. A token near its end is exchanged for a new one, of the same person.
	if ends(inspection.Expires, s.Now()) {
		if inspection, err = s.extend(ctx, inspection, o); err != nil || c.Outcome != "" {
			return err
		}
	}
	c.Dates = &store.Dates{Expires: inspection.Expires, DataAccessExpires: inspection.DataAccessExpires}
	if at := inspection.DataAccessExpires; !at.IsZero() && at.Before(s.Now()) {
		o.reconnect(verdict{reason: "Your consent at Facebook has run out.", explained: true})
		return nil
	}

	// 3. Is everything still granted? What was stays in the row until it is again.
	if lost := lostScopes(s.RequiredScopes, c.Scopes, inspection.Scopes); len(lost) > 0 {
		o.reconnect(verdict{reason: "A permission was taken back at Meta: " + strings.Join(lost, ", ") + ".", mendable: true})
		return nil
	}
	c.Granted = inspection.Scopes

	// 4. Is the account still there, and do its events still come?
	repair, err := s.repair(ctx, c)
	switch {
	case err != nil:
		return err
	case repair.Lost != "":
		o.reconnect(verdict{reason: string(repair.Lost), mendable: true})
	case c.Status == store.StatusReconnect && repair.Read == nil && isLoss(c.StatusReason):
		// Nobody says that it is found again.
	default:
		c.Outcome, c.Reason = prognosis(inspection, s.Now())
	}
	return nil
}

const anotherPerson = "The key belongs to another Facebook profile."

// extend exchanges the token and asks Meta about the new one. One of another
// person is refused; one that ends sooner, or that Meta does not know yet, is
// not taken: the old one was just found good. Where Meta does not want to
// exchange it, it lives on to its end.
func (s *Service) extend(ctx context.Context, before graph.Inspection, o *outcome) (graph.Inspection, error) {
	token, err := s.Provider.Extend(ctx, o.checkup.Token)
	switch ofMeta, ok := errors.AsType[*graph.Error](err); {
	case ok && ofMeta.Class == graph.TokenDead && ofMeta.Code != 190 && ofMeta.Code != 102:
		return before, nil
	case err != nil:
		return before, err
	}
	after, err := s.Provider.Inspect(ctx, token.Value)
	switch {
	case err != nil:
		return before, fmt.Errorf("checking the new token: %s", err) // not wrapped: the old one is not dead
	case after.PersonID == "":
		return before, errNoVerdict
	case after.PersonID != before.PersonID:
		o.reconnect(verdict{reason: anotherPerson, explained: true})
	case after.Expires.IsZero() || after.Expires.After(before.Expires):
		o.checkup.Renewed = token.Value
		return after, nil
	}
	return before, nil
}

// repair has the provider look after the account and its subscription, and notes
// what came of it.
func (s *Service) repair(ctx context.Context, c *store.Checkup) (graph.Repair, error) {
	account := graph.SavedAccount(c.InstagramID, c.Newest(), string(c.PageID), c.PageToken)
	repair, err := s.Provider.Repair(ctx, c.Newest(), account, c.Granted)
	c.RenewedPage = repair.Token
	if err == nil && repair.Known {
		c.Subscription = &store.Subscription{Fields: repair.Fields, Error: store.Text(repair.Refused)}
	}
	if now := repair.Read; now != nil {
		c.Read = store.Account{
			Username: store.Text(now.Username), Name: store.Text(now.Name), PictureURL: store.Text(now.PictureURL),
		}
		if now.Page != nil {
			c.Read.PageName = store.Text(now.Page.Name)
		}
	}
	return repair, err
}

// isLoss reports whether the reason of a status is one that only a look at the
// account can end.
func isLoss(reason store.Text) bool {
	switch graph.Loss(reason) {
	case graph.LostPage, graph.LostAccount, graph.LostToAnother, graph.LostPageToken:
		return true
	}
	return false
}

// lostScopes are those that are required, were granted, and are not any more.
func lostScopes(required, before, after []string) []string {
	return slices.DeleteFunc(slices.Clone(required), func(scope string) bool {
		return !slices.Contains(before, scope) || slices.Contains(after, scope)
	})
}

// prognosis says how long the connection will last by itself.
func prognosis(inspection graph.Inspection, now time.Time) (status, reason string) {
	switch {
	case ends(inspection.Expires, now):
		return store.StatusExpiring, "Meta did not prolong the access. Reconnect before " + day(inspection.Expires) + "."
	case ends(inspection.DataAccessExpires, now):
		return store.StatusExpiring, "Meta asks for your consent again. Reconnect before " + day(inspection.DataAccessExpires) + "."
	}
	return store.StatusActive, ""
}

// ends reports whether a time is near or past; zero is never.
func ends(at, now time.Time) bool { return !at.IsZero() && at.Before(now.Add(renewWithin)) }

func day(at time.Time) string { return at.UTC().Format("2 January 2006") }

// whyDead says why Meta does not accept a token any more, or not now. 490 is a
// checkpoint as well, which Meta's list leaves out.
// https://developers.facebook.com/docs/graph-api/guides/error-handling#subcodes
func whyDead(subcode int) verdict {
	const checkpoint = "Facebook wants you to log in there and confirm that it is you."
	switch subcode {
	case 458:
		return verdict{reason: "You removed this app at Facebook.", explained: true}
	case 459, 490:
		return verdict{reason: checkpoint, explained: true, mendable: true}
	case 460:
		return verdict{reason: "You changed your Facebook password.", explained: true}
	case 463:
		return verdict{reason: "The access has run out.", explained: true}
	case 464:
		return verdict{reason: "Your Facebook account is not confirmed.", explained: true, mendable: true}
	case 492:
		return verdict{reason: "You no longer have a role on the Facebook Page.", explained: true, mendable: true}
	case 493:
		return verdict{reason: "Your consent at Facebook has run out.", explained: true}
	}
	return verdict{reason: "Facebook ended the access."}
}
