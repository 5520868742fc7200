package metasim

import (
	"cmp"
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
	err    error  // what is wrong with it; lists refuse it with that
}

// listQuery reads fields, which are defaults if none are named, limit and after.
func (c *call) listQuery(defaults string) listQuery {
	q := listQuery{edge: c.route.step, text: c.param("fields"), limit: defaultLimit, after: c.param("after")}
	q.fields, q.err = parseFields(cmp.Or(q.text, defaults))
	if text := c.param("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 {
			q.err = cmp.Or(q.err, errorf(100, "(#100) param limit must be a positive integer"))
		}
		q.limit = min(limit, maxLimit)
	}
	return q
}

// list is one part of the list of all below the node owner. A cursor is an item's id, encoded.
func list[T any](
	c *call, owner string, all []T, q listQuery, id func(T) string, render func(T) (object, error),
) (object, error) {
	if q.err != nil {
		return nil, q.err
	}
	cursor := func(item T) string { return base64.RawURLEncoding.EncodeToString([]byte(id(item))) }
	start := 0
	if q.after != "" {
		at := slices.IndexFunc(all, func(item T) bool { return cursor(item) == q.after })
		if at < 0 {
			return nil, errorf(100, "(#100) Invalid cursor")
		}
		start = at + 1
	}
	end := min(start+q.limit, len(all))
	data := []object{}
	for _, item := range all[start:end] {
		o, err := render(item)
		if err != nil {
			return nil, err
		}
		data = append(data, o)
	}
	if len(data) == 0 {
		return object{"data": data}, nil
	}
	// The cursors are on every part, the last one too; next only where more follows. Like Meta's,
	// next carries the token and no proof: whoever follows it is refused.
	after := cursor(all[end-1])
	paging := object{"cursors": object{"before": cursor(all[start]), "after": after}}
	if end < len(all) {
		next := url.Values{"access_token": {c.token.Value}, "limit": {strconv.Itoa(q.limit)}, "after": {after}}
		if q.text != "" {
			next.Set("fields", q.text)
		}
		paging["next"] = fmt.Sprintf("%s/%s/%s/%s?%s", c.origin(), c.version, owner, q.edge, next.Encode())
	}
	return object{"data": data, "paging": paging}, nil
}

// pageList is one part of a list of Pages below the node owner.
func (s *Sim) pageList(c *call, owner string, pages []Page, q listQuery) (object, error) {
	q.err = cmp.Or(q.err, c.checkDataAccess())
	if len(q.fields) == 0 {
		q.fields = []field{{name: "access_token"}, {name: "category"}, {name: "name"}, {name: "id"}}
		if q.edge == "accounts" {
			q.fields = append(q.fields, field{name: "tasks"})
		}
	}
	tasks := func(f field) bool { return q.edge == "accounts" && f.name == "tasks" }
	others := slices.DeleteFunc(slices.Clone(q.fields), tasks)
	return list(c, owner, pages, q, func(p Page) string { return p.ID }, func(p Page) (object, error) {
		shown, err := s.pageObject(c, &p, others)
		if err == nil && slices.ContainsFunc(q.fields, tasks) {
			shown["tasks"] = p.Tasks
			if p.Tasks == nil {
				shown["tasks"] = allTasks
			}
		}
		return shown, err
	})
}

func (s *Sim) accounts(c *call) (any, error) {
	return s.pageList(c, c.person.ID, c.listedPages(), c.listQuery(""))
}

// listedPages returns the Pages that /me/accounts shows: none without pages_show_list, and only
// those shared and not held by a business.
func (c *call) listedPages() []Page {
	if !c.consent.has("pages_show_list") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.person.Pages), func(p Page) bool {
		return p.Unlisted || !c.consent.shares(p.ID)
	})
}

func (s *Sim) businesses(c *call) (any, error) {
	if c.id != "me" && c.id != c.person.ID {
		return nil, c.missingObject()
	}
	q := c.listQuery("id,name")
	id := func(b Business) string { return b.ID }
	return list(c, c.person.ID, c.person.Businesses, q, id, func(b Business) (object, error) {
		return pick(q.fields, "Business", object{"id": b.ID, "name": b.Name})
	})
}

func (s *Sim) businessPages(c *call) (any, error) {
	at := slices.IndexFunc(c.person.Businesses, func(b Business) bool { return b.ID == c.id })
	if at < 0 {
		return nil, c.missingObject()
	}
	pages := c.person.Businesses[at].Owned
	if c.route.step == "client_pages" {
		pages = c.person.Businesses[at].Client
	}
	shared := slices.DeleteFunc(slices.Clone(pages), func(p Page) bool { return !c.consent.shares(p.ID) })
	return s.pageList(c, c.id, shared, c.listQuery(""))
}

// permissions serves GET /me/permissions: granted and declined, not what was never asked for.
func (s *Sim) permissions(c *call) (any, error) {
	data := []object{}
	for _, p := range knownPermissions {
		if status := c.consent.state(p.Name); status != "" {
			data = append(data, object{"permission": p.Name, "status": status})
		}
	}
	return object{"data": data}, nil
}
