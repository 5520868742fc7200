package page_test

import (
	"fmt"
	"strings"

	"igconnect/lib/page"
)

// A page is drawn first and sent afterwards, with its policy as a header.
func ExampleRender() {
	policy := page.Policy{Forms: []string{"https://www.facebook.com"}}
	look := page.Look{Language: page.LanguageFor("", "de-AT,de;q=0.9,en;q=0.8")}
	document, err := page.Render(look, policy, page.Error{
		Code:    "state_expired",
		Actions: []page.Action{{Label: page.StartAgain, Href: "/api/login", Primary: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(string(document.Body)) {
		if strings.Contains(line, "/api/login") {
			fmt.Print(line)
		}
	}
	_, forms, _ := strings.Cut(document.ContentSecurityPolicy, "form-action ")
	fmt.Println(forms)
	// Output:
	// <a class="button primary" href="/api/login">Neu beginnen</a>
	// 'self' https://www.facebook.com; base-uri 'none'; frame-ancestors 'none'
}
