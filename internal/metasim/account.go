package metasim

import (
	"fmt"
	"maps"
	"slices"
)

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
	defer s.mu.Unlock()
	p := s.mustPerson(personID)
	if p.page(pageID) == nil {
		panic(fmt.Sprintf("metasim: person %q has no Page %q", personID, pageID))
	}
	without := func(pages []Page) []Page { // a copy: the slices are the caller's
		return slices.DeleteFunc(slices.Clone(pages), func(q Page) bool { return q.ID == pageID })
	}
	p.Pages = without(p.Pages)
	p.Businesses = slices.Clone(p.Businesses)
	for i := range p.Businesses {
		b := &p.Businesses[i]
		b.Owned, b.Client = without(b.Owned), without(b.Client)
	}
}

// Decline is the person switching permissions off in Facebook's settings. It panics on a
// permission that the person has not granted.
func (s *Sim) Decline(personID string, scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.consents[s.mustPerson(personID).ID]
	for _, name := range scopes {
		if !c.has(name) {
			panic(fmt.Sprintf("metasim: person %q has not granted %q", personID, name))
		}
		c.status[name] = declined
	}
}

// Expire lets a token expire now, with 190/463; Page tokens fetched with a long-lived one stay
// valid. It reports whether the token is known.
func (s *Sim) Expire(value string) bool {
	return s.changeToken(value, func(t *token) { t.expires = s.Now() })
}

// Invalidate ends a token with a subcode of error 190, as 460 (password changed) or 459
// (checkpoint); the Page tokens fetched with it end too. It reports whether the token is known.
func (s *Sim) Invalidate(value string, subcode int) bool {
	return s.changeToken(value, func(t *token) { t.ended = subcode })
}

func (s *Sim) changeToken(value string, change func(*token)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
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
		if t.person == p.ID && t.ended == 0 {
			t.ended = subcode
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
func (s *Sim) revoke(a access) (any, error) {
	s.removeApp(a.person)
	return true, nil
}
