package web

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"igconnect/lib/page"
)

// Response is what a handler answers with. Only [Serve] writes it.
type Response struct {
	status int
	header http.Header
	body   []byte
	page   page.Page // drawn once the handler is done; nil: body counts
}

// Empty is a response without a body.
func Empty(status int) Response { return Response{status: status} }

// Page shows a page to a person.
func Page(status int, p page.Page) Response { return Response{status: status, page: p} }

// Redirect sends the browser on: 302 to begin a login, 303 after a form or a
// callback. location must be one that we made or checked.
func Redirect(status int, location string) Response {
	return Response{status: status, header: http.Header{"Location": {location}}}
}

// Return sends the browser back to where a login came from, with a fragment even if
// it is empty: else browsers take along the one that Meta adds, #_=_.
// https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2
func Return(location string) Response {
	if !strings.Contains(location, "#") {
		location += "#"
	}
	return Redirect(http.StatusSeeOther, location)
}

// Text answers a program with plain text.
func Text(status int, text string) Response {
	return Response{status: status, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, body: []byte(text)}
}

// JSON answers a program. body must be a value that can be encoded: another one
// is a mistake in the program, and panics.
func JSON(status int, body any) Response {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return Response{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: encoded}
}

func (r Response) with(name, value string) Response {
	header := r.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(name, value)
	r.header = header
	return r
}

// drawn returns the response with its page, if it has one, drawn.
func drawn(r *Request, response Response) (Response, error) {
	if response.page == nil {
		return response, nil
	}
	document, err := page.Render(look(r), policy(r), response.page)
	if err != nil {
		return response, err
	}
	response.page, response.body = nil, document.Body
	return response.
		with("Content-Type", "text/html; charset=utf-8").
		with("Content-Security-Policy", document.ContentSecurityPolicy).
		with("Strict-Transport-Security", "max-age=63072000"), nil
}

// language is the one that the login was begun in, else that of the address or the browser.
func language(r *Request) page.Language {
	asked := cmp.Or(r.Login.Language, r.URL.Query().Get("lang"))
	return page.LanguageFor(asked, r.Header.Get("Accept-Language"))
}

// look is in which language the page speaks, and for whom.
func look(r *Request) page.Look {
	look := page.Look{Language: language(r), For: r.User.Name}
	if r.App != nil {
		cfg := r.App.Config
		look.Brand = page.Brand{
			Name: cfg.AppName, URL: cfg.AppURL, LogoURL: cfg.LogoURL, Accent: cfg.Accent,
			SupportURL: cfg.SupportURL, PrivacyURL: cfg.PrivacyURL,
		}
	}
	return look
}

// policy is what our pages may load, and where their forms may end.
func policy(r *Request) page.Policy {
	if r.App == nil {
		return page.Policy{}
	}
	cfg := r.App.Config
	return page.Policy{
		Images: []string{cfg.SimulatorOrigin(), cfg.LogoOrigin()},
		Forms:  append([]string{cfg.DialogOrigin()}, cfg.AllowedOrigins...),
	}
}

// prefersJSON reports whether an Accept header ranks JSON above HTML.
// https://www.rfc-editor.org/rfc/rfc9110#name-accept
func prefersJSON(accept string) bool {
	weight := map[string]float64{}
	for entry := range strings.SplitSeq(accept, ",") {
		media, parameters, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(parameters["q"], 64)
		if err != nil {
			q = 1
		}
		weight[media] = max(weight[media], q)
	}
	return weight["application/json"] > max(weight["text/html"], weight["application/xhtml+xml"])
}
