package metasim

import "slices"

// accounts serves GET /me/accounts.
func (s *Sim) accounts(c *call) (any, error) {
	v, person, err := s.userOf(c)
	if err != nil {
		return nil, err
	}
	fields, which, err := c.listParams("accounts")
	if err != nil {
		return nil, err
	}
	return s.pageList(v, person.ID, v.listed(person), fields, which)
}

// listed returns the Pages that /me/accounts shows: none without
// pages_show_list, and only those shared and not held by a business.
func (v view) listed(p *Person) []Page {
	if !v.consent.has("pages_show_list") {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Pages), func(page Page) bool {
		return page.Unlisted || !v.consent.shares(page.ID)
	})
}

// pageList is one part of a list of Pages below the node owner.
func (s *Sim) pageList(v view, owner string, pages []Page, fields []field, which part) (object, error) {
	if err := v.readsData(); err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		fields = names("access_token", "category", "name", "id", "tasks")
	}
	ids := make([]string, len(pages))
	for i := range pages {
		ids[i] = pages[i].ID
	}
	return v.list(owner, ids, which, func(i int) (object, error) { return s.pageObject(v, &pages[i], fields) })
}
