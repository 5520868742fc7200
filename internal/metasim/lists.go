package metasim

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

const (
	defaultLimit = 25
	maxLimit     = 100
	nestedLimit  = 25 // of a list inside another answer
)

// listQuery is which part of a list is asked for.
type listQuery struct {
	edge   string // the edge's name, for the link to the next part
	text   string // the fields parameter, for that link
	fields []field
	limit  int
	after  string // cursor; "": from the start
}

// listQuery reads fields, limit and after.
func (a access) listQuery() (listQuery, error) {
	q := listQuery{edge: a.route.step, text: a.param("fields"), limit: defaultLimit, after: a.param("after")}
	var err error
	if q.fields, err = parseFields(q.text); err != nil {
		return q, err
	}
	if text := a.param("limit"); text != "" {
		q.limit, err = strconv.Atoi(text)
		if err != nil || q.limit < 1 {
			return q, errorf(100, "(#100) param limit must be a positive integer")
		}
		q.limit = min(q.limit, maxLimit)
	}
	return q, nil
}

// list is one part of the list of ids below the node owner; render makes the object of the i-th.
func (a access) list(
	owner string, ids []string, q listQuery, render func(i int) (object, error),
) (object, error) {
	start := 0
	if q.after != "" {
		id, err := base64.RawURLEncoding.DecodeString(q.after)
		at := slices.Index(ids, string(id))
		if err != nil || at < 0 {
			return nil, errorf(100, "(#100) Invalid cursor")
		}
		start = at + 1
	}
	end := min(start+q.limit, len(ids))
	data := []object{}
	for i := start; i < end; i++ {
		o, err := render(i)
		if err != nil {
			return nil, err
		}
		data = append(data, o)
	}
	list := object{"data": data}
	if len(data) == 0 {
		return list, nil
	}
	// The cursors are on every part, the last one too; next only where more follows. Like Meta's,
	// next carries the token and no proof: whoever follows it is refused.
	cursor := func(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }
	after := cursor(ids[end-1])
	paging := object{"cursors": object{"before": cursor(ids[start]), "after": after}}
	if end < len(ids) {
		next := url.Values{"access_token": {a.token.value}, "limit": {strconv.Itoa(q.limit)}, "after": {after}}
		if q.text != "" {
			next.Set("fields", q.text)
		}
		paging["next"] = fmt.Sprintf("%s/%s/%s/%s?%s", a.origin(), a.version, owner, q.edge, next.Encode())
	}
	list["paging"] = paging
	return list, nil
}

// pageList is one part of a list of Pages below the node owner.
func (s *Sim) pageList(a access, owner string, pages []Page, q listQuery) (object, error) {
	if err := a.checkDataAccess(); err != nil {
		return nil, err
	}
	if len(q.fields) == 0 {
		q.fields = names("access_token", "category", "name", "id", "tasks")
	}
	ids := make([]string, len(pages))
	for i, p := range pages {
		ids[i] = p.ID
	}
	return a.list(owner, ids, q, func(i int) (object, error) { return s.pageObject(a, &pages[i], q.fields) })
}

// accounts serves GET /me/accounts.
func (s *Sim) accounts(a access) (any, error) {
	q, err := a.listQuery()
	if err != nil {
		return nil, err
	}
	return s.pageList(a, a.person.ID, a.listedPages(), q)
}

// listedPages returns the Pages that /me/accounts shows: none without pages_show_list, and only
// those shared and not held by a business.
func (a access) listedPages() []Page {
	if !a.consent.has("pages_show_list") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.person.Pages), func(p Page) bool {
		return p.Unlisted || !a.consent.shares(p.ID)
	})
}

// businesses serves GET /me/businesses.
func (s *Sim) businesses(a access) (any, error) {
	if a.id != "me" && a.id != a.person.ID {
		return nil, a.missingObject()
	}
	q, err := a.listQuery()
	if err != nil {
		return nil, err
	}
	if len(q.fields) == 0 {
		q.fields = names("id", "name")
	}
	all := a.person.Businesses
	ids := make([]string, len(all))
	for i, b := range all {
		ids[i] = b.ID
	}
	return a.list(a.person.ID, ids, q, func(i int) (object, error) {
		return pick(q.fields, "Business", object{"id": all[i].ID, "name": all[i].Name})
	})
}

// businessPages serves GET /{business}/owned_pages and /{business}/client_pages.
func (s *Sim) businessPages(a access) (any, error) {
	at := slices.IndexFunc(a.person.Businesses, func(b Business) bool { return b.ID == a.id })
	if at < 0 {
		return nil, a.missingObject()
	}
	q, err := a.listQuery()
	if err != nil {
		return nil, err
	}
	pages := a.person.Businesses[at].Owned
	if q.edge == "client_pages" {
		pages = a.person.Businesses[at].Client
	}
	shared := slices.DeleteFunc(slices.Clone(pages), func(p Page) bool { return !a.consent.shares(p.ID) })
	return s.pageList(a, a.id, shared, q)
}

// permissions serves GET /me/permissions: granted and declined, not what was never asked for.
func (s *Sim) permissions(a access) (any, error) {
	data := []object{}
	for _, p := range knownPermissions {
		if a.consent != nil && a.consent.status[p.Name] != "" {
			data = append(data, object{"permission": p.Name, "status": a.consent.status[p.Name]})
		}
	}
	return object{"data": data}, nil
}
