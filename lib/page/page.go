// Package page draws the HTML pages that a person may meet on the way to a
// connected account: an error, the chooser, and "Why is my account not here?".
//
// Each page works without JavaScript. Style and script are files of our own
// under public/, so that the Content-Security-Policy needs no exception.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
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

// Page is one of the pages of this package: Error, Chooser or Missing.
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

// Render draws p and sends it with the given status. It draws into memory
// first: when it returns an error of the template, nothing has been written and
// no header set, so the caller may still answer something else. It calls
// WriteHeader and Write once each, because the platform keeps the last status
// and sends headers that come late.
func Render(w http.ResponseWriter, status int, policy Policy, p Page) error {
	var body bytes.Buffer
	if err := templates().ExecuteTemplate(&body, p.template(), p); err != nil {
		return fmt.Errorf("drawing the page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy.header())
	h.Set("Cache-Control", "no-store")
	// Not no-referrer: with it a page's own form POSTs send "Origin: null".
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Strict-Transport-Security", "max-age=63072000")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if _, err := w.Write(body.Bytes()); err != nil {
		return fmt.Errorf("sending the page: %w", err)
	}
	return nil
}

// header is the value of Content-Security-Policy. form-action names every
// origin at which a form may end, because browsers apply it to the redirect
// that answers the form too.
func (p Policy) header() string {
	return strings.Join([]string{
		"default-src 'none'",
		"style-src 'self'",
		"script-src 'self'",
		"img-src " + sources(metaImages, origins(p.Images)),
		"form-action " + sources(origins(p.Forms)),
		"base-uri 'none'",
		"frame-ancestors 'none'",
	}, "; ")
}

func sources(lists ...[]string) string {
	all := []string{"'self'"}
	for _, list := range lists {
		all = append(all, list...)
	}
	return strings.Join(all, " ")
}

// origins keeps the entries that are an origin and nothing more: a space, a
// comma or a semicolon in one would start another source or directive.
func origins(entries []string) []string {
	var kept []string
	for _, entry := range entries {
		u, err := url.Parse(entry)
		if err != nil || u.Host == "" || strings.ContainsAny(entry, " ,;'\"*") {
			continue
		}
		if (u.Scheme == "https" || u.Scheme == "http") && entry == u.Scheme+"://"+u.Host {
			kept = append(kept, entry)
		}
	}
	return kept
}
