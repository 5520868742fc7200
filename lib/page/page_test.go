package page

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// draw renders p and returns the body.
func draw(t *testing.T, p Page) string {
	t.Helper()
	document, err := Render(Policy{}, p)
	if err != nil {
		t.Fatal(err)
	}
	return string(document.Body)
}

func TestRenderGivesPageAndExactPolicy(t *testing.T) {
	t.Parallel()
	document, err := Render(Policy{
		Images: []string{"http://localhost:4000"},
		Forms:  []string{"https://www.facebook.com", "https://app.example"},
	}, Error{Title: "Too late"})
	if err != nil {
		t.Fatal(err)
	}
	want := "default-src 'none'; style-src 'self'; script-src 'self'; " +
		"img-src 'self' https://*.cdninstagram.com https://*.fbcdn.net http://localhost:4000; " +
		"form-action 'self' https://www.facebook.com https://app.example; " +
		"base-uri 'none'; frame-ancestors 'none'"
	if diff := cmp.Diff(want, document.ContentSecurityPolicy); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(document.Body), "<h1>Too late</h1>") {
		t.Errorf("the body lacks its title:\n%s", document.Body)
	}
}

// brokenPage has none of the fields that its template asks for after the title,
// and so fails in the middle of the page.
type brokenPage struct{ Title string }

func (brokenPage) template() string { return "error.html" }

func TestRenderOfABrokenPageGivesNothing(t *testing.T) {
	t.Parallel()
	document, err := Render(Policy{}, brokenPage{Title: "half of it"})
	if err == nil || document.Body != nil || document.ContentSecurityPolicy != "" {
		t.Errorf("error %v, document %+v; want an error alone", err, document)
	}
}

func TestPolicyKeepsOriginsOnly(t *testing.T) {
	t.Parallel()
	for entry, kept := range map[string]bool{
		"https://www.facebook.com": true, "http://localhost:3000": true, "http://[::1]:3000": true,
		"https://app.example/": false, "https://app.example/path": false, "https://user@app.example": false,
		"https://app.example; script-src *": false, "https://app.example https://evil.example": false,
		"https://app.example,https://evil.example": false, "https://app.example\r\nX: y": false,
		"https://*.example": false, "https:": false, "https://": false, "javascript:alert(1)": false,
		"data:": false, "'unsafe-inline'": false, "*": false, "": false,
	} {
		want := "form-action 'self';"
		if kept {
			want = "form-action 'self' " + entry + ";"
		}
		if got := (Policy{Forms: []string{entry}}).header(); !strings.Contains(got, want) {
			t.Errorf("Forms %q: %s, want %s", entry, got, want)
		}
	}
}
