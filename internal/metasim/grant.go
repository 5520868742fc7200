package metasim

import "fmt"

// Grant is a consent given without the dialog, for tests that begin after it.
type Grant struct {
	Person string   // id; "": the first person
	Scopes []string // nil: DefaultScopes
	Pages  []string // ids of the Pages shared; nil: all of Person.Pages
}

// Grant records the consent in place of any earlier one and returns a long-lived user token. It panics on
// a person or a permission that does not exist.
func (s *Sim) Grant(g Grant) (userToken string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.Person == "" && len(s.people) > 0 {
		g.Person = s.people[0].ID
	}
	person := s.person(g.Person)
	if person == nil {
		panic(fmt.Sprintf("metasim: no person %q", g.Person))
	}
	if g.Scopes == nil {
		g.Scopes = DefaultScopes
	}
	for _, name := range g.Scopes {
		if _, ok := findPermission(name); !ok {
			panic(fmt.Sprintf("metasim: no permission %q", name))
		}
	}
	if g.Pages == nil {
		for _, p := range person.Pages {
			g.Pages = append(g.Pages, p.ID)
		}
	}
	now := s.Now()
	delete(s.consents, person.ID)
	s.decide(person, decision{asked: g.Scopes, ticked: g.Scopes, pages: g.Pages}, now)
	return s.handLong(person.ID, now).value
}
