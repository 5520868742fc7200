package main

import (
	"slices"

	"igconnect/internal/metasim"
)

// owners lists who connected what, each once. A row without a person, or with
// one that the simulated Meta does not know, is none of its business.
func owners(rows []connection) []owner {
	var all []owner
	for _, row := range rows {
		person, known := personOf(row.Show("facebook_user_id"))
		o := owner{
			Key:      row.Show("instagram_id") + "/" + person.ID,
			Username: row.Show("username"), Person: person.ID, Name: person.Name, Page: row.Show("page_id"),
		}
		if known && !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	return all
}

func personOf(id string) (metasim.Person, bool) {
	people := metasim.Demo()
	i := slices.IndexFunc(people, func(p metasim.Person) bool { return p.ID == id })
	if i < 0 {
		return metasim.Person{}, false
	}
	return people[i], true
}

// hasPage reports whether the person has a role on the Page, or did before it
// was lost here.
func hasPage(p metasim.Person, id string) bool {
	is := func(page metasim.Page) bool { return page.ID == id }
	return slices.ContainsFunc(p.Pages, is) || slices.ContainsFunc(p.Businesses, func(b metasim.Business) bool {
		return slices.ContainsFunc(b.Owned, is) || slices.ContainsFunc(b.Client, is)
	})
}
