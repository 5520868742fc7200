package metasim

import "slices"

// Person is somebody with a Facebook account.
type Person struct {
	ID, Name   string
	Note       string // shown in the dialog only: what the person is there for
	Pages      []Page
	Businesses []Business
}

// Page is a Facebook Page that a Person has a role on.
type Page struct {
	ID, Name  string
	Token     string     // "": made up; a fixed one lives as long as its latest reading allows
	NoToken   bool       // listed without access_token
	Tasks     []string   // nil: all tasks
	Instagram *Instagram // nil: no linked professional account
	Personal  *Instagram // shown as connected_instagram_account only: not professional
	// Unlisted Pages (held by a business) are missing from /me/accounts, but
	// debug_token's granular_scopes names them and they can be read directly.
	Unlisted bool
}

// Instagram is an account linked to a Page.
type Instagram struct{ ID, Username, Name string }

var allTasks = []string{"ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"}

// AddPerson adds p, or replaces the person of the same id. The first one is
// whom the dialog offers by default. The Sim keeps p: do not change it
// afterwards.
func (s *Sim) AddPerson(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.people, func(q Person) bool { return q.ID == p.ID }); i >= 0 {
		s.people[i] = p
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

// page returns the person's Page of that id, or nil. Where a business holds it
// too, the person's own copy comes first.
func (p *Person) page(id string) *Page {
	pages := p.everyPage()
	i := slices.IndexFunc(pages, func(q Page) bool { return q.ID == id })
	if i < 0 {
		return nil
	}
	return &pages[i]
}

// everyPage returns the person's Pages, his own first, then his businesses'.
func (p *Person) everyPage() []Page {
	pages := slices.Clone(p.Pages)
	for _, b := range p.Businesses {
		pages = slices.Concat(pages, b.Owned, b.Client)
	}
	return pages
}

// businessPages returns the ids of the Pages that only businesses hold.
func (p *Person) businessPages() []string {
	var ids []string
	for _, page := range p.everyPage() {
		if !p.owns(page.ID) {
			ids = append(ids, page.ID)
		}
	}
	return ids
}

// owns reports whether the Page is one of the person's own.
func (p *Person) owns(id string) bool {
	return slices.ContainsFunc(p.Pages, func(q Page) bool { return q.ID == id })
}

func (p *Page) tasks() []string {
	if p.Tasks == nil {
		return allTasks
	}
	return p.Tasks
}

// connected is the account that connected_instagram_account shows: Meta shows
// the professional one there too.
func (p *Page) connected() *Instagram {
	if p.Personal != nil {
		return p.Personal
	}
	return p.Instagram
}
