package page

import (
	"html/template"
	"strings"
	"testing"
)

// Pages on the way say for whom an account is connected, in each language and as text whatever it holds;
// the landing page never knows.
func TestConnectsFor(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{"Ada"}, hostile...) {
		for language := range languages() {
			for _, p := range []Page{variants()["chooser"], variants()["error"], variants()["missing"], variants()["home"]} {
				document, err := Render(Look{Language: language, For: name}, Policy{}, p)
				if err != nil {
					t.Fatal(err)
				}
				before, _, _ := strings.Cut(Text(language, "connects_for"), "{name}")
				shown := template.HTMLEscapeString(before) + "<bdi>" + template.HTMLEscapeString(name) + "</bdi>"
				if _, landing := p.(Home); strings.Contains(string(document.Body), shown) == (landing || name == "") {
					t.Errorf("%s, %T: %q is shown: %v", language, p, shown, landing)
				}
			}
		}
	}
}
