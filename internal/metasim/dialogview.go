package metasim

import "slices"

// dialogView is what dialog.html shows.
type dialogView struct {
	AppID       string
	Person      *Person
	Others      []otherPerson
	Permissions []choice
	Declined    []string // asked for, declined before, not asked again
	Pages       []choice
	Businesses  []string // names
}

// otherPerson is a link to the same dialog as somebody else.
type otherPerson struct{ Name, Note, Initial, Link string }

// choice is a box to tick.
type choice struct {
	Name, Value   string // of the form's field
	Title, Note   string
	Picture       string // path, or ""
	Ticked, Fixed bool
}

func (s *Sim) dialogView(c *call, d *dialog) dialogView {
	v := dialogView{AppID: s.cfg.AppID, Person: d.person}
	for _, p := range d.declined {
		v.Declined = append(v.Declined, p.name)
	}
	for _, p := range s.people {
		if p.ID == d.person.ID {
			continue
		}
		q := c.r.URL.Query()
		q.Set("person", p.ID)
		v.Others = append(v.Others, otherPerson{Name: p.Name, Note: p.Note, Initial: initial(p.Name), Link: "?" + q.Encode()})
	}
	for _, p := range d.ask {
		v.Permissions = append(v.Permissions, choice{
			Name: "permission", Value: p.name, Title: p.asks, Note: p.name,
			Ticked: true, Fixed: p.name == "public_profile",
		})
	}
	v.Pages = s.pageChoices(d.person)
	if slices.ContainsFunc(d.ask, func(p permission) bool { return p.name == "business_management" }) {
		for _, b := range d.person.Businesses {
			v.Businesses = append(v.Businesses, b.Name)
		}
	}
	return v
}

// pageChoices are the Pages to tick. Like Meta: who has been here before finds
// his earlier choice, and a Page that has come since is not ticked.
func (s *Sim) pageChoices(person *Person) []choice {
	if len(person.Pages) == 0 {
		return nil
	}
	before := s.consents[person.ID]
	var boxes []choice
	for i := range person.Pages {
		p := &person.Pages[i]
		box := choice{
			Name: "page", Value: p.ID, Title: p.Name, Note: p.describe(),
			Ticked: before == nil || before.shares(p.ID),
		}
		if ig := p.connected(); ig != nil {
			box.Picture = "/pictures/" + ig.ID + ".svg"
		}
		boxes = append(boxes, box)
	}
	return append(boxes, choice{
		Name: "all_pages", Value: "on", Title: "All of them, and those to come",
		Note: "whatever is ticked above", Ticked: before != nil && before.all,
	})
}

// describe says in the dialog what is linked to the Page.
func (p *Page) describe() string {
	note := "no Instagram account linked"
	switch {
	case p.Instagram != nil:
		note = "@" + p.Instagram.Username
	case p.Personal != nil:
		note = "@" + p.Personal.Username + ", not a professional account"
	}
	if p.Unlisted {
		note += ", held by a business"
	}
	if p.NoToken {
		note += ", without a Page token"
	}
	return note
}

// Initial is the person's, for the round picture.
func (p *Person) Initial() string { return initial(p.Name) }

func initial(name string) string {
	for _, r := range name {
		return string(r)
	}
	return "?"
}
