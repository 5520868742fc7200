package metasim

import "slices"

// Business is a business portfolio that a Person has a role in. A Page of it is
// in /me/accounts only if it stands in Person.Pages too; with
// business_management granted, the Pages of all businesses are shared.
type Business struct {
	ID, Name      string
	Owned, Client []Page
}

// businesses serves GET /me/businesses.
func (s *Sim) businesses(c *call) (any, error) {
	v, person, err := s.businessUser(c)
	if err != nil {
		return nil, err
	}
	if c.id != "me" && c.id != person.ID {
		return nil, c.missingObject()
	}
	fields, which, err := c.listParams("businesses")
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		fields = names("id", "name")
	}
	ids := make([]string, len(person.Businesses))
	for i, b := range person.Businesses {
		ids[i] = b.ID
	}
	return v.list(person.ID, ids, which, func(i int) (object, error) {
		b := &person.Businesses[i]
		o := object{"id": b.ID}
		for _, f := range fields {
			switch f.name {
			case "id":
			case "name":
				o["name"] = b.Name
			default:
				return nil, noSuchField(f.name, "Business")
			}
		}
		return o, nil
	})
}

// ownedPages serves GET /{business}/owned_pages.
func (s *Sim) ownedPages(c *call) (any, error) {
	return s.businessPages(c, "owned_pages", func(b *Business) []Page { return b.Owned })
}

// clientPages serves GET /{business}/client_pages.
func (s *Sim) clientPages(c *call) (any, error) {
	return s.businessPages(c, "client_pages", func(b *Business) []Page { return b.Client })
}

func (s *Sim) businessPages(c *call, edge string, pages func(*Business) []Page) (any, error) {
	v, person, err := s.businessUser(c)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(person.Businesses, func(b Business) bool { return b.ID == c.id })
	if at < 0 {
		return nil, c.missingObject()
	}
	fields, which, err := c.listParams(edge)
	if err != nil {
		return nil, err
	}
	shared := slices.DeleteFunc(slices.Clone(pages(&person.Businesses[at])), func(p Page) bool {
		return !v.consent.shares(p.ID)
	})
	return s.pageList(v, c.id, shared, fields, which)
}

// businessUser is the person whose user token c carries, if he granted
// business_management.
func (s *Sim) businessUser(c *call) (view, *Person, error) {
	v, person, err := s.authorizeUser(c)
	if err == nil {
		err = v.readsData()
	}
	if err == nil && !v.consent.has("business_management") {
		err = &fault{code: 200, message: "(#200) Requires business_management permission to manage the object"}
	}
	return v, person, err
}
