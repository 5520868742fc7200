package page

import (
	"net/url"
	"slices"
	"strings"
)

// metaImages are the hosts of Meta's CDN that serve profile pictures.
var metaImages = []string{"https://*.cdninstagram.com", "https://*.fbcdn.net"}

// Policy is what a page's Content-Security-Policy must allow besides our own
// origin and, for pictures, the hosts of Meta's CDN. Its entries are origins
// (https://app.example); an entry that is none is left out, which is stricter.
type Policy struct {
	Images []string // further hosts of pictures: the logo's, a simulator's
	Forms  []string // where a form may end, redirects included: Meta's dialog and the allowed origins
}

// header is the value of Content-Security-Policy. form-action names every
// origin at which a form may end, because browsers apply it to the redirect
// that answers the form too.
func (p Policy) header(f frame) string {
	styles, scripts := "style-src 'self'", "script-src 'self'"
	if f.Style != "" {
		styles += " " + allowed(f.Style)
	}
	if f.Landing {
		scripts += "; connect-src 'self'"
	}
	return strings.Join([]string{
		"default-src 'none'",
		styles,
		scripts,
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
