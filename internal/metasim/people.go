package metasim

import (
	"fmt"
	"maps"
	"slices"
)

// Person is somebody with a Facebook account.
type Person struct {
	ID, Name   string
	Note       string // shown in the dialog only: what the person is there for
	Pages      []Page
	Businesses []Business
}

// Business is a business portfolio that a [Person] has a role in. A Page of it is in /me/accounts
// only if it stands in Person.Pages too; with business_management granted, the Pages of all
// businesses are shared.
type Business struct {
	ID, Name      string
	Owned, Client []Page
}

// Page is a Facebook Page that a [Person] has a role on.
type Page struct {
	ID, Name  string
	Token     string     // "": made up; a fixed one lives as long as its latest reading allows
	NoToken   bool       // listed without access_token
	NoRead    bool       // to read it by its id takes pages_read_engagement
	Tasks     []string   // nil: all tasks
	Instagram *Instagram // nil: no linked professional account
	Personal  *Instagram // shown as connected_instagram_account only: not professional
	// Unlisted Pages (held by a business) are missing from /me/accounts, but debug_token's
	// granular_scopes names them and they can be read directly.
	Unlisted bool
}

// Instagram is an account linked to a Page.
type Instagram struct{ ID, Username, Name string }

var allTasks = []string{"ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"}

// AddPerson adds p, or replaces the person of the same id. The first one is whom the dialog offers
// by default. The Sim keeps p: do not change it afterwards.
func (s *Sim) AddPerson(p Person) { s.locked(func() { s.addPerson(p) }) }

func (s *Sim) addPerson(p Person) {
	s.deleted = slices.DeleteFunc(s.deleted, func(id string) bool { return p.page(id) != nil })
	if known := s.person(p.ID); known != nil {
		*known = p
		return
	}
	s.people = append(s.people, p)
}

// person returns the person of that id, or nil.
func (s *Sim) person(id string) *Person {
	for i := range s.people {
		if s.people[i].ID == id {
			return &s.people[i]
		}
	}
	return nil
}

// mustPerson panics on an id that nobody has: what happens to nobody would make a test pass for
// nothing.
func (s *Sim) mustPerson(id string) *Person {
	p := s.person(id)
	if p == nil {
		panic(fmt.Sprintf("metasim: no person %q", id))
	}
	return p
}

// allPages returns the Pages of all people.
func (s *Sim) allPages() (pages []Page) {
	for _, p := range s.people {
		pages = append(pages, p.allPages()...)
	}
	return pages
}

// page returns the person's Page of that id, or nil. Where a business holds it too, the person's
// own copy comes first.
func (p *Person) page(id string) *Page {
	for _, page := range p.allPages() {
		if page.ID == id {
			return &page
		}
	}
	return nil
}

// allPages returns the person's Pages, his own first, then his businesses'.
func (p *Person) allPages() []Page {
	pages := slices.Clone(p.Pages)
	for _, b := range p.Businesses {
		pages = slices.Concat(pages, b.Owned, b.Client)
	}
	return pages
}

// dropPage takes a Page from the person and from his businesses.
func (p *Person) dropPage(id string) {
	without := func(pages []Page) []Page { // a copy: the slices are the caller's
		return slices.DeleteFunc(slices.Clone(pages), func(q Page) bool { return q.ID == id })
	}
	p.Pages = without(p.Pages)
	p.Businesses = slices.Clone(p.Businesses)
	for i := range p.Businesses {
		b := &p.Businesses[i]
		b.Owned, b.Client = without(b.Owned), without(b.Client)
	}
}

// HasRole reports whether the person has a role on the Page, also through a business.
func (s *Sim) HasRole(personID, pageID string) bool {
	return read(s, func() bool { return s.mustPerson(personID).page(pageID) != nil })
}

// Consented reports whether the person let the app in and has not removed it since.
func (s *Sim) Consented(personID string) bool {
	return read(s, func() bool { return s.consents[personID] != nil })
}

// owns reports whether the Page is one of the person's own.
func (p *Person) owns(id string) bool {
	return slices.ContainsFunc(p.Pages, func(q Page) bool { return q.ID == id })
}

// Demo returns the people of the dev server, one for each way that connecting can go.
func Demo() []Person {
	return []Person{
		{ID: "10228840011223301", Name: "Ada Lindqvist", Note: "one account", Pages: []Page{
			{ID: "104550012233401", Name: "Lindqvist Ceramics", Instagram: &Instagram{"17841400011223301", "lindqvist.ceramics", "Lindqvist Ceramics"}},
		}},
		{ID: "10228840011223302", Name: "Bruno Takahashi", Note: "three accounts", Pages: []Page{
			{ID: "104550012233402", Name: "Harbour Coffee", Instagram: &Instagram{"17841400011223302", "harbour.coffee", "Harbour Coffee"}},
			{ID: "104550012233403", Name: "Harbour Bakery & Söhne", Instagram: &Instagram{"17841400011223303", "harbour_bakery", "Harbour <Bakery> & Söhne"}},
			{ID: "104550012233404", Name: "Bruno's old blog"},
			{ID: "104550012233405", Name: "Harbour Events", Instagram: &Instagram{"17841400011223304", "harbour.events", "Harbour Events"}},
		}},
		{ID: "10228840011223303", Name: "Chidi Okafor", Note: "no Page"},
		{ID: "10228840011223304", Name: "Dana Petrova", Note: "something is missing everywhere", Pages: []Page{
			{ID: "104550012233406", Name: "Petrova Yoga", Personal: &Instagram{"17841400011223305", "dana.moves", "Dana"}},
			{ID: "104550012233407", Name: "Petrova Retreats"},
			{ID: "104550012233408", Name: "Sunrise Studio", NoToken: true, Instagram: &Instagram{"17841400011223306", "sunrise.studio", "Sunrise Studio"}},
			{ID: "104550012233409", Name: "Moonlight Studio", Tasks: []string{"ANALYZE"}, Instagram: &Instagram{"17841400011223307", "moonlight.studio", "Moonlight Studio"}},
		}},
		{ID: "10228840011223305", Name: "Elif Yılmaz", Note: "Page held by a business", Pages: []Page{
			{ID: "104550012233410", Name: "Bosphorus Books", Unlisted: true, Instagram: &Instagram{"17841400011223308", "bosphorus.books", "Bosphorus Books"}},
		}, Businesses: []Business{{ID: "190022003300401", Name: "Bosphorus Group", Client: []Page{
			{ID: "104550012233411", Name: "Galata Guitars", Instagram: &Instagram{"17841400011223309", "galata.guitars", "Galata Guitars"}},
		}}}},
		{ID: "10228840011223306", Name: "Farid Haddad", Note: "agency with twelve accounts", Pages: agency()},
	}
}

// agency is enough accounts for a chooser to offer a search.
func agency() []Page {
	var pages []Page
	for i, name := range []string{
		"Atlas Bikes", "Birch & Bloom", "Cedar Kitchen", "Delta Surf", "Ember Grill", "Fern Florist",
		"Golden Gym", "Hazel Hair", "Indigo Ink", "Juniper Jewels", "Kite Kids", "Lumen Lamps",
	} {
		ig := Instagram{ID: fmt.Sprintf("178414000112240%02d", i+1), Username: fmt.Sprintf("client_%02d", i+1), Name: name}
		pages = append(pages, Page{ID: fmt.Sprintf("1045500122340%02d", i+1), Name: name, Instagram: &ig})
	}
	return pages
}

// ChangePassword ends all tokens of the person with 190/460. As after all that ends tokens, a
// later login gives good ones.
func (s *Sim) ChangePassword(personID string) { s.endAll(personID, subcodePasswordChanged) }

// Checkpoint ends all tokens of the person with 190/459: the person must log in to Facebook first.
func (s *Sim) Checkpoint(personID string) { s.endAll(personID, subcodeCheckpointed) }

// Unconfirm ends all tokens of the person with 190/464.
func (s *Sim) Unconfirm(personID string) { s.endAll(personID, subcodeUnconfirmed) }

// RemoveApp is the person removing the app in Facebook's settings: consent and codes are gone, all
// tokens end with 190/458. Meta then calls the app's deauthorize callback, see Deauthorize.
func (s *Sim) RemoveApp(personID string) { s.locked(func() { s.removeApp(s.mustPerson(personID)) }) }

// LoseRole takes the person's role on the Page: it is in no list any more and its Page tokens of
// this person are refused with 190/492. AddPerson gives the role back. It panics if the person has
// no such Page.
func (s *Sim) LoseRole(personID, pageID string) {
	s.mu.Lock()
	defer s.unlock()
	p := s.mustPerson(personID)
	if p.page(pageID) == nil {
		panic(fmt.Sprintf("metasim: person %q has no Page %q", personID, pageID))
	}
	p.dropPage(pageID)
}

// Confirm is the person doing at Facebook what a checkpoint (459, 490) or an unconfirmed account
// (464) asks for: the tokens that ended for it work again.
func (s *Sim) Confirm(personID string) {
	s.mu.Lock()
	defer s.unlock()
	p := s.mustPerson(personID)
	for _, t := range s.tokens {
		if t.Person == p.ID && slices.Contains(subcodesOfCheckpoints, t.Ended) {
			t.Ended = 0
		}
	}
}

// Allow is the person switching permissions on again that Decline switched off. It panics on one
// that is not off.
func (s *Sim) Allow(personID string, scopes ...string) {
	s.mu.Lock()
	defer s.unlock()
	c := s.consents[s.mustPerson(personID).ID]
	for _, name := range scopes {
		if c.state(name) != declined {
			panic(fmt.Sprintf("metasim: person %q has not declined %q", personID, name))
		}
		c.Status[name] = granted
	}
}

// DeletePage deletes a Page, whoever has a role there: nobody can see it, with any token.
// AddPerson brings it back.
func (s *Sim) DeletePage(pageID string) {
	s.mu.Lock()
	defer s.unlock()
	for i := range s.people {
		if s.people[i].page(pageID) != nil {
			s.people[i].dropPage(pageID)
		}
	}
	s.deleted = append(s.deleted, pageID)
}

// Decline is the person switching permissions off in Facebook's settings. It panics on a
// permission that the person has not granted.
func (s *Sim) Decline(personID string, scopes ...string) {
	s.mu.Lock()
	defer s.unlock()
	c := s.consents[s.mustPerson(personID).ID]
	for _, name := range scopes {
		if !c.has(name) {
			panic(fmt.Sprintf("metasim: person %q has not granted %q", personID, name))
		}
		c.Status[name] = declined
	}
}

// Expire lets a token expire now, with 190/463; Page tokens fetched with a long-lived one stay
// valid. It reports whether the token is known.
func (s *Sim) Expire(value string) bool {
	return s.changeToken(value, func(t *token) { t.Expires = s.Now() })
}

// Invalidate ends a token with a subcode of error 190, as 460 (password changed) or 459
// (checkpoint); the Page tokens fetched with it end too. It reports whether the token is known.
func (s *Sim) Invalidate(value string, subcode int) bool {
	return s.changeToken(value, func(t *token) { t.Ended = subcode })
}

func (s *Sim) changeToken(value string, change func(*token)) bool {
	s.mu.Lock()
	defer s.unlock()
	t := s.tokens[value]
	if t != nil {
		change(t)
	}
	return t != nil
}

func (s *Sim) endAll(personID string, subcode int) {
	s.locked(func() { s.endTokens(s.mustPerson(personID), subcode) })
}

// endTokens ends all tokens of the person; those that ended before keep their first reason.
func (s *Sim) endTokens(p *Person, subcode int) {
	for _, t := range s.tokens {
		if t.Person == p.ID && t.Ended == 0 {
			t.Ended = subcode
		}
	}
}

func (s *Sim) removeApp(p *Person) {
	delete(s.consents, p.ID)
	maps.DeleteFunc(s.codes, func(_ string, c *code) bool { return c.person == p.ID })
	s.endTokens(p, subcodeAppRemoved)
}

// revoke serves DELETE /{user-id}/permissions: the app is removed, and all of the person's tokens
// for it end.
func (s *Sim) revoke(c *call) (any, error) {
	s.removeApp(c.person)
	return true, nil
}
