// Package page draws the HTML pages that a person may meet on the way to a
// connected account: [Home], an [Error], the [Chooser], [Done], [Missing] ("Why is my
// account not here?") and [Erased]. Start at [Render].
//
// It decides nothing and sends nothing: what a page shows are its fields, and
// the caller writes the [Document] with a status and headers. All that pages say
// stands in messages/, a file a language.
//
// Each page works without JavaScript. Style and script are files of our own
// under public/. The only style in a page is that of the app's own colour, which the
// Content-Security-Policy allows by its hash.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"sync"
)

//go:embed templates/*.html
var files embed.FS

// Page is one of the pages of this package: [Home], [Error], [Chooser], [Done], [Missing]
// or [Erased].
type Page interface {
	// Title stands in its head, and as its heading unless it is [Home].
	Title() Key
	// template names the file in templates/ that draws what follows the heading.
	template() string
}

// Look is how pages look to the person.
type Look struct {
	Language Language // one of [LanguageFor]; another one is English
	For      string   // what the app calls the user for whom an account is connected; "" where it is not known
	Brand
}

// Document is a page ready to be sent as "text/html; charset=utf-8".
type Document struct {
	Body                  []byte
	ContentSecurityPolicy string // the value of that header
}

// Render draws p. An error is one of the template, and the Document is empty then.
func Render(look Look, policy Policy, p Page) (Document, error) {
	templates, ok := templatesOf()[look.Language]
	if !ok {
		look.Language, templates = English, templatesOf()[English]
	}
	var content, body bytes.Buffer
	if err := templates().ExecuteTemplate(&content, p.template(), p); err != nil {
		return Document{}, fmt.Errorf("drawing the page: %w", err)
	}
	_, landing := p.(Home)
	frame := frame{
		Look: look, Landing: landing, Style: look.style(), Title: p.Title(), Content: template.HTML(content.String()),
	}
	if done, ok := p.(Done); ok && done.Goes {
		frame.GoesTo = done.Onward.Href
	}
	if err := templates().ExecuteTemplate(&body, "frame.html", frame); err != nil {
		return Document{}, fmt.Errorf("drawing the page's frame: %w", err)
	}
	return Document{Body: body.Bytes(), ContentSecurityPolicy: policy.header(frame)}, nil
}

// frame is what stands around a page's content.
type frame struct {
	Look
	Landing bool // whose heading is its own, and whose script asks for the list of accounts
	Style   template.HTML
	Title   Key
	GoesTo  string // where the page leads by itself; mostly empty
	Content template.HTML
}

// Languages are all, in alphabetical order.
func (frame) Languages() []Language { return slices.Sorted(maps.Keys(languages())) }

// templatesOf lists the templates by language. Each set is parsed at its first page
// and not at start: most requests are redirects, which need none.
var templatesOf = sync.OnceValue(func() map[Language]func() *template.Template {
	sets := map[Language]func() *template.Template{}
	for language, texts := range languages() {
		sets[language] = sync.OnceValue(func() *template.Template {
			return template.Must(template.New("").Funcs(texts().functions()).ParseFS(files, "templates/*.html"))
		})
	}
	return sets
})
