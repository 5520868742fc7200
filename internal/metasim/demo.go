package metasim

import "fmt"

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
