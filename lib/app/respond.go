package app

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"igconnect/lib/page"
)

// Render shows a page.
func (c *Call) Render(status int, p page.Page) error { return page.Render(c.W, status, c.policy, p) }

// Redirect sends the browser on: 302 to begin a login, 303 after a form or a
// callback. location must be one that we made or checked.
func (c *Call) Redirect(status int, location string) error {
	c.W.Header().Set("Location", location)
	c.W.WriteHeader(status)
	return nil
}

// fail answers with an error: JSON to programs, a page to people.
func (c *Call) fail(f *Failure, asJSON bool) {
	entry := errorTable[f.Code]
	c.W.Header().Set("X-Error-Code", string(f.Code))
	if f.Code == Throttled {
		c.W.Header().Set("Retry-After", strconv.Itoa(int(f.retryAfter().Seconds())))
	}
	if asJSON {
		_ = c.JSON(entry.status, map[string]any{"error": map[string]string{ // strings can be encoded
			"code": string(f.Code), "message": entry.what + " " + entry.next, "request_id": c.RequestID,
		}})
		return
	}
	shown := f.Page
	if shown == nil {
		shown = page.Error{
			Code: string(f.Code), RequestID: c.RequestID,
			Title: entry.title, What: entry.what, Next: entry.next, Note: f.Note, Actions: c.actions(f, entry.again),
		}
	}
	if err := c.Render(entry.status, shown); err != nil {
		c.Note("page", err.Error())
		if !c.W.(*answer).begun() {
			http.Error(c.W, entry.title, entry.status)
		}
	}
}

// actions are the failure's own, else a link that starts again.
func (c *Call) actions(f *Failure, again string) []page.Action {
	if f.Actions != nil || again == "" {
		return f.Actions
	}
	return []page.Action{c.Again(again)}
}

// Again is a link that begins a new login with the same wish.
func (c *Call) Again(label string) page.Action {
	return page.Action{Label: label, Href: c.Wish.login(), Primary: true}
}

// login is the address of a login with this wish.
func (w Wish) login() string {
	query := url.Values{}
	if w.ReturnTo != "" {
		query.Set("return_to", w.ReturnTo)
	}
	if w.Explain {
		query.Set("explain", "1")
	}
	if w.Account != "" {
		query.Set("instagram_id", w.Account)
	}
	if len(query) == 0 {
		return "/api/login"
	}
	return "/api/login?" + query.Encode()
}

// JSON answers a program.
func (c *Call) JSON(status int, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	c.W.Header().Set("Content-Type", "application/json")
	c.W.WriteHeader(status)
	_, _ = c.W.Write(encoded) // nobody is left to tell
	return nil
}

// prefersJSON tells whether an Accept header ranks JSON above HTML.
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
