// Package page draws the HTML pages that a person may meet on the way to a
// connected account: an [Error], the [Chooser], [Missing] ("Why is my account
// not here?") and [Erased]. Start at [Render].
//
// It decides nothing and sends nothing: what a page shows are its fields, and
// the caller writes the [Document] with a status and headers.
//
// Each page works without JavaScript. Style and script are files of our own
// under public/, so that the Content-Security-Policy needs no exception.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"sync"
)

//go:embed templates/*.html
var files embed.FS

// templates parses at the first page and not at start: most requests are
// redirects, which need none.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(files, "templates/*.html"))
})

// metaImages are the hosts of Meta's CDN that serve profile pictures.
var metaImages = []string{"https://*.cdninstagram.com", "https://*.fbcdn.net"}

// Page is one of the pages of this package: [Error], [Chooser], [Missing] or [Erased].
type Page interface {
	// template names the file in templates/ that draws the page.
	template() string
}

// Policy is what a page's Content-Security-Policy must allow besides our own
// origin and, for pictures, the hosts of Meta's CDN. Its entries are origins
// (https://app.example); an entry that is none is left out, which is stricter.
type Policy struct {
	Images []string // further hosts of profile pictures, such as a simulator
	Forms  []string // where a form may end, redirects included: Meta's dialog and the allowed origins
}

// Document is a page ready to be sent as "text/html; charset=utf-8".
type Document struct {
	Body                  []byte
	ContentSecurityPolicy string // the value of that header
}

// Render draws p. An error is one of the template, and the Document is empty then.
func Render(policy Policy, p Page) (Document, error) {
	var body bytes.Buffer
	if err := templates().ExecuteTemplate(&body, p.template(), p); err != nil {
		return Document{}, fmt.Errorf("drawing the page: %w", err)
	}
	return Document{Body: body.Bytes(), ContentSecurityPolicy: policy.header()}, nil
}

// header is the value of Content-Security-Policy. form-action names every
// origin at which a form may end, because browsers apply it to the redirect
// that answers the form too.
func (p Policy) header() string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"script-src 'self'",
		"img-src " + strings.Join(slices.Concat([]string{"'self'"}, metaImages, origins(p.Images)), " "),
		"form-action " + strings.Join(slices.Concat([]string{"'self'"}, origins(p.Forms)), " "),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

// origins keeps the entries that are an origin and nothing more: a space, a
// comma or a semicolon in one would start another source or directive.
func origins(entries []string) []string {
	var kept []string
	for _, entry := range entries {
		u, err := url.Parse(entry)
		if err == nil && u.Host != "" && entry == u.Scheme+"://"+u.Host &&
			(u.Scheme == "https" || u.Scheme == "http") && !strings.ContainsAny(entry, " ,;'\"*") {
			kept = append(kept, entry)
		}
	}
	return kept
}
