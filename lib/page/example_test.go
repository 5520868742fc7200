package page_test

import (
	"fmt"
	"strings"

	"igconnect/lib/page"
)

// A page is drawn first and sent afterwards, with its policy as a header.
func ExampleRender() {
	policy := page.Policy{Forms: []string{"https://www.facebook.com"}}
	document, err := page.Render(policy, page.Error{
		Code:    "state_expired",
		Title:   "That took too long",
		Next:    "Start again.",
		Actions: []page.Action{{Label: "Start over", Href: "/api/login", Primary: true}},
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
	// <a class="button primary" href="/api/login">Start over</a>
	// 'self' https://www.facebook.com; base-uri 'none'; frame-ancestors 'none'
}
