package metasim

import "cmp"

// object is a node with the fields that were asked for.
type object map[string]any

// view is who asks: the call, its token and what that token's person consented
// to.
type view struct {
	*call
	token   *token
	consent *consent
}

// node serves GET /{id} of a person or a Page.
func (s *Sim) node(c *call) (any, error) {
	v, err := s.authorize(c)
	if err != nil {
		return nil, err
	}
	fields, err := parseFields(c.param("fields"))
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		fields = names("name", "id")
	}
	person := s.person(v.token.person)
	if person == nil {
		return nil, c.missingObject()
	}
	if v.token.kind == userToken && (c.id == "me" || c.id == person.ID) {
		return s.userObject(v, person, fields)
	}
	id := c.id
	if id == "me" {
		id = v.token.page // with a Page token, "me" is the Page
	}
	page := person.page(id)
	if page == nil || !v.maySee(page) {
		return nil, c.missingObject()
	}
	if err := v.readsData(); err != nil {
		return nil, err
	}
	return s.pageObject(v, page, fields)
}

// maySee reports whether the token may read the Page: a Page token its own, a
// user token those shared.
func (v view) maySee(p *Page) bool {
	if v.token.kind == pageToken {
		return v.token.page == p.ID
	}
	return v.consent.shares(p.ID) && v.consent.has("pages_show_list")
}

func (s *Sim) userObject(v view, p *Person, fields []field) (object, error) {
	o := object{"id": p.ID}
	for _, f := range fields {
		switch f.name {
		case "id":
		case "name":
			o["name"] = p.Name
		case "accounts":
			which := part{edge: "accounts", limit: min(cmp.Or(f.limit, defaultLimit), nestedLimit)}
			list, err := s.pageList(v, p.ID, v.listed(p), f.sub, which)
			if err != nil {
				return nil, err
			}
			o["accounts"] = list
		default:
			return nil, noSuchField(f.name, "User")
		}
	}
	return o, nil
}

func (s *Sim) pageObject(v view, p *Page, fields []field) (object, error) {
	o := object{"id": p.ID}
	var err error
	for _, f := range fields {
		switch f.name {
		case "id":
		case "name":
			o["name"] = p.Name
		case "category":
			o["category"] = "Brand"
		case "tasks":
			o["tasks"] = p.tasks()
		case "access_token":
			s.addPageToken(v, p, o)
		case "instagram_business_account":
			err = v.addInstagram(o, f, p.Instagram)
		case "connected_instagram_account":
			err = v.addInstagram(o, f, p.connected())
		default:
			err = noSuchField(f.name, "Page")
		}
		if err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (s *Sim) addPageToken(v view, p *Page, o object) {
	switch {
	case v.token.kind == pageToken:
		o["access_token"] = v.token.value
	case !p.NoToken:
		o["access_token"] = s.handPage(v.token, p, v.now).value
	}
}
