package facebook

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"igconnect/lib/graph"
	"igconnect/lib/metajson"
)

// leastFields are what a Page can be subscribed to with pages_manage_metadata
// alone; the Instagram fields are then chosen at app level.
var leastFields = []string{"feed"}

// wantedFields are what a Page is subscribed to under the granted permissions:
// one field that is not authorised rejects the whole call.
func wantedFields(fields, granted []string) []string {
	if slices.Contains(granted, messagingScope) {
		return fields
	}
	return leastFields
}

// Subscribe connects the account's Page to the app's webhook. It sends the whole
// list of account.Fields, for the call replaces what was there. A field that Meta
// refuses is left out; where Meta says that pages_messaging is missing it falls
// back to the least that works. It returns what was reached, and the refusal, if
// there was one: both after a fallback.
// https://developers.facebook.com/docs/graph-api/reference/page/subscribed_apps
func (l Login) Subscribe(ctx context.Context, account graph.Account) (reached []string, err error) {
	fields := slices.Clone(account.Fields)
	first := l.subscribe(ctx, account, fields)
	for err = first; err != nil; err = l.subscribe(ctx, account, fields) {
		refused := l.refusedFields(ctx, account, fields, err)
		fields = slices.DeleteFunc(fields, func(field string) bool { return slices.Contains(refused, field) })
		if len(refused) == 0 || len(fields) == 0 {
			break
		}
	}
	if err == nil {
		return fields, leftOut(first, account.Fields, fields)
	}
	least := graph.ClassOf(err) == graph.NoPermission && !slices.Equal(account.Fields, leastFields)
	if least && l.subscribe(ctx, account, leastFields) == nil {
		return leastFields, first
	}
	return nil, first
}

func (l Login) subscribe(ctx context.Context, account graph.Account, fields []string) error {
	call := subscribedApps(account, "subscribing the Page", http.MethodPost)
	call.Params = url.Values{"subscribed_fields": {strings.Join(fields, ",")}}
	return l.Client.Confirm(ctx, call)
}

// refusedFields returns those of the fields that Meta refuses: the one that its
// message names, or else those that it refuses one by one, where the error may be
// about one of them.
func (l Login) refusedFields(ctx context.Context, account graph.Account, fields []string, err error) (refused []string) {
	ofMeta, ok := errors.AsType[*graph.Error](err)
	mayBeOne := ok && (ofMeta.Class == graph.Rejected && ofMeta.Code != 0 || ofMeta.Code == 1 || ofMeta.Subcode == unknownField)
	named := ok && ofMeta.Class == graph.NoPermission && !strings.Contains(ofMeta.Message, messagingScope) // else it is about all
	if !mayBeOne && !named {
		return nil
	}
	// The message may list all names that there are: "must be one of {…} - got "…"".
	said := strings.ToLower(oneOf.ReplaceAllString(ofMeta.Message, ""))
	names := words(said)
	for _, field := range fields {
		if slices.Contains(names, field) {
			refused = append(refused, field)
		}
	}
	if index := fieldIndex.FindStringSubmatch(said); len(refused) == 0 && index != nil {
		if i, err := strconv.Atoi(index[1]); err == nil && i < len(fields) {
			refused = append(refused, fields[i])
		}
	}
	if len(refused) > 0 || !mayBeOne || len(fields) == 1 {
		return refused
	}
	for _, field := range fields {
		if one, ok := errors.AsType[*graph.Error](l.subscribe(ctx, account, []string{field})); ok && one.Code == ofMeta.Code {
			refused = append(refused, field)
		}
	}
	return refused
}

const (
	messagingScope = "pages_messaging"
	unknownField   = 1929002 // a subcode
)

var (
	oneOf      = regexp.MustCompile(`(?s)\{.*\}`)
	fieldIndex = regexp.MustCompile(`subscribed_fields\[(\d{1,3})\]`)
)

// words are the parts of a text that may be names of fields.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// leftOut is the refusal, if there was one, with the names of the fields that were
// left out for it.
func leftOut(refusal error, wanted, reached []string) error {
	ofMeta, ok := errors.AsType[*graph.Error](refusal)
	if !ok {
		return refusal
	}
	missing := slices.DeleteFunc(slices.Clone(wanted), func(field string) bool { return slices.Contains(reached, field) })
	said := *ofMeta
	said.Class, said.Message = graph.Rejected, "left out "+strings.Join(missing, ", ")+": "+ofMeta.Message
	return &said
}

// Unsubscribe ends the Page's subscription to the app's webhook. An account that
// was saved without its Page was never subscribed by us.
func (l Login) Unsubscribe(ctx context.Context, account graph.Account) error {
	if account.Page == nil {
		return nil
	}
	return l.Client.Confirm(ctx, subscribedApps(account, "unsubscribing the Page", http.MethodDelete))
}

// subscribed reads what the account's Page is subscribed to for this app; nothing
// where it is not.
func (l Login) subscribed(ctx context.Context, account graph.Account) ([]string, error) {
	type app struct {
		ID     metajson.ID           `json:"id"`
		Fields metajson.List[string] `json:"subscribed_fields"`
	}
	apps, _, err := graph.List[app](ctx, l.Client, subscribedApps(account, "reading the subscription", http.MethodGet))
	for _, app := range apps {
		if string(app.ID) == l.Client.AppID {
			return metajson.PlainNames(app.Fields.Entries), err
		}
	}
	return nil, err
}

// subscribedApps is a call of the Page's subscription. Without a Page it has no
// path, and fails.
func subscribedApps(account graph.Account, op, method string) graph.Call {
	call := graph.Call{Op: op, Method: method, Token: account.Token}
	if account.Page != nil {
		call.Path = "/" + account.Page.ID + "/subscribed_apps"
	}
	return call
}

// subscribeAgain subscribes the account's Page unless it is subscribed as wanted.
func (l Login) subscribeAgain(ctx context.Context, account graph.Account) ([]string, error) {
	reached, err := l.subscribed(ctx, account)
	if err != nil || enough(reached, account.Fields) {
		return reached, err
	}
	return l.Subscribe(ctx, account)
}

// enough reports whether a Page's subscription is as wanted. Where the least is
// wanted anything more is left alone: another user of the same Page may have been
// granted it.
func enough(reached, wanted []string) bool {
	if slices.Equal(wanted, leastFields) {
		return len(reached) > 0
	}
	return slices.Equal(slices.Sorted(slices.Values(reached)), slices.Sorted(slices.Values(wanted)))
}
