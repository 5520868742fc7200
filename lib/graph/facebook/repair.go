package facebook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"igconnect/lib/graph"
	"igconnect/lib/secret"
)

// lostRole is the subcode of a dead token whose person has no role on the Page
// any more. A new Page token would not help.
// https://developers.facebook.com/docs/graph-api/guides/error-handling#subcodes
const lostRole = 492

// Repair looks whether the account's Page is subscribed as the granted permissions
// allow, and subscribes it again where it is not, and whether the Page is still
// there and linked to the account. Where the Page's token is missing or dead it
// fetches another with the person's token, user; it returns that token also along
// with an error. Without a Page nothing is known.
//
// Meta's refusal to subscribe is no error but a part of the result, and so is what
// keeps the account from working. A refusal to show the Page says nothing about the
// connection. An error of class [graph.TokenDead] means that the person has lost
// the role on the Page.
func (l Login) Repair(ctx context.Context, user secret.String, account graph.Account, granted []string) (
	repair graph.Repair, err error) {
	if account.Page == nil || account.Page.ID == "" {
		return repair, nil
	}
	account.Fields = wantedFields(l.WebhookFields, granted)
	needsToken := account.Token.Empty()
	if !needsToken {
		repair.Fields, err = l.subscribeAgain(ctx, account)
		needsToken = pageTokenDead(err)
	}
	var p page
	var unread error
	switch {
	case needsToken:
		p, unread = l.pageWithToken(ctx, user, account.Page.ID)
	case err == nil || refusal(err) != nil:
		p, unread = l.pageNow(ctx, user, account)
	default:
		return repair, err
	}
	switch {
	case pageGone(unread):
		repair.Lost = graph.LostPage
		return repair, nil
	case unread == nil:
		repair.Read, repair.Lost = linked(p, account.InstagramID, granted)
	case refusal(unread) == nil:
		return repair, notThePersons(unread)
	case needsToken:
		err = unread
	}
	if needsToken && unread == nil {
		if p.Token.Empty() {
			repair.Lost = cmp.Or(repair.Lost, graph.LostPageToken)
		}
		if repair.Lost != "" {
			return repair, nil
		}
		repair.Token, account.Token = p.Token, p.Token
		repair.Fields, err = l.subscribeAgain(ctx, account)
	}
	if refused := refusal(err); refused != nil {
		repair.Refused, err = refused.Reason(), nil
	}
	repair.Known = err == nil
	return repair, notThePersons(err)
}

// pageWithToken reads a Page for its token. Where Meta does not show the Page by
// its id, the person's list may have it.
func (l Login) pageWithToken(ctx context.Context, user secret.String, id string) (page, error) {
	p, err := onePage(ctx, l.Client, id, user)
	if refusal(err) == nil {
		return p, err
	}
	listed, _, listErr := pages(ctx, l.Client, "listing the Pages", "/me/accounts", pageFields, user)
	if at := slices.IndexFunc(listed, func(p page) bool { return string(p.ID) == id }); at >= 0 {
		return listed[at], nil
	}
	if listErr != nil && refusal(listErr) == nil {
		return p, listErr
	}
	return p, err
}

// pageNow reads the account's Page with its own token, or where that is refused
// with the person's. The Page is gone only where both say so.
func (l Login) pageNow(ctx context.Context, user secret.String, account graph.Account) (page, error) {
	p, err := onePage(ctx, l.Client, account.Page.ID, account.Token)
	if refusal(err) == nil {
		return p, err
	}
	byPerson, errOfPerson := onePage(ctx, l.Client, account.Page.ID, user)
	if pageGone(errOfPerson) {
		return p, err
	}
	return byPerson, errOfPerson
}

// linked compares the account that the Page is linked to with the one that it
// should be. Meta may show a professional account as connected only, and shows none
// without its permission.
func linked(p page, instagramID string, granted []string) (*graph.Account, graph.Loss) {
	now := p.account(nil)
	switch now.InstagramID {
	case instagramID:
		return &now, ""
	case "":
		if string(p.Connected.ID) == instagramID || !slices.Contains(granted, "instagram_basic") {
			return &now, ""
		}
		return &now, graph.LostAccount
	}
	return &graph.Account{Page: now.Page}, graph.LostToAnother // its names are not the account's
}

// refusal is the error as Meta's refusal of what was asked, nil where it is none or
// another may be answered: what may pass, and a dead token.
func refusal(err error) *graph.Error {
	ofMeta, ok := errors.AsType[*graph.Error](err)
	if !ok || ofMeta.Class != graph.Rejected && ofMeta.Class != graph.NoPermission {
		return nil
	}
	return ofMeta
}

// pageGone reports whether Meta knows no such Page, or does not show it to us at all.
// A field that it refuses, or a permission to read, says nothing of that.
// https://developers.facebook.com/docs/graph-api/guides/error-handling
func pageGone(err error) bool {
	refused := refusal(err)
	return refused != nil && (refused.Code == 803 || refused.Code == 100 && refused.Subcode == gone || errors.Is(err, errNoPage))
}

// pageTokenDead reports whether another Page token may help.
func pageTokenDead(err error) bool {
	ofMeta, ok := errors.AsType[*graph.Error](err)
	return ok && ofMeta.Class == graph.TokenDead && ofMeta.Subcode != lostRole
}

// notThePersons keeps the death of a Page's token from passing for that of the
// person's, which was just found good.
func notThePersons(err error) error {
	if pageTokenDead(err) {
		return fmt.Errorf("using the Page's token: %s", err)
	}
	return err
}
