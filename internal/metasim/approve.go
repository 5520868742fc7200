package metasim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
)

// Approval is what a person does in the dialog.
type Approval struct {
	Person  string   // id; "": whom the dialog offers
	Deny    bool     // Not now
	Decline []string // permissions to untick; each must be offered
	Pages   []string // ids to tick, and no others; nil: all
	All     bool     // tick "all of them, and those to come"
}

// Approve opens the dialog as a browser would, fills in its form and returns the URL to which the
// dialog sends the browser back. Only the path and query of dialogURL count: the Sim serves it
// itself, without the network, whatever host it names. An error page of the dialog becomes an
// error with its text.
func (s *Sim) Approve(ctx context.Context, dialogURL string, o Approval) (redirect string, err error) {
	u, err := url.Parse(dialogURL)
	if err != nil {
		return "", fmt.Errorf("reading the dialog's URL: %w", err)
	}
	if o.Person != "" {
		q := u.Query()
		q.Set("person", o.Person)
		u.RawQuery = q.Encode()
	}
	shown, err := s.visit(ctx, http.MethodGet, u, nil)
	if err != nil {
		return "", fmt.Errorf("opening the dialog: %w", err)
	}
	fields, err := o.fillIn(parsePage(shown.Body.Bytes()))
	if err != nil {
		return "", fmt.Errorf("filling the dialog in: %w", err)
	}
	done, err := s.visit(ctx, http.MethodPost, u, fields)
	if err != nil {
		return "", fmt.Errorf("submitting the dialog: %w", err)
	}
	location := done.Header().Get("Location")
	if location == "" {
		return "", fmt.Errorf("submitting the dialog: status %d and no redirect", done.Code)
	}
	return location, nil
}

// visit makes one request of the Sim, in process.
func (s *Sim) visit(
	ctx context.Context, method string, u *url.URL, form url.Values,
) (res *httptest.ResponseRecorder, err error) {
	r, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Host = u.Host
	r.Header.Set("Accept", "text/html")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = errors.Join(errors.New("the connection was closed"), ctx.Err())
		} else if p != nil {
			panic(p)
		}
	}()
	res = httptest.NewRecorder()
	s.ServeHTTP(res, r)
	if res.Code >= http.StatusBadRequest {
		text := "not a page of the dialog"
		for _, p := range parsePage(res.Body.Bytes()).find("p") {
			if p.attribute("id") == "problem" {
				text = cmp.Or(strings.TrimSpace(p.Text), "an empty error page")
			}
		}
		return nil, fmt.Errorf("status %d: %s", res.Code, text)
	}
	return res, nil
}

// fillIn returns what a browser submits after the person's clicks on the dialog's page.
func (o Approval) fillIn(page element) (url.Values, error) {
	forms := page.find("form")
	if len(forms) == 0 {
		return nil, errors.New("there is no form on the page")
	}
	fields := url.Values{"decision": {"continue"}}
	if o.Deny {
		fields.Set("decision", "not_now")
	}
	offered := url.Values{}
	for _, in := range forms[0].find("input") {
		name, value := in.attribute("name"), in.attribute("value")
		ticked := true
		if in.attribute("type") == "checkbox" {
			if in.attribute("disabled") != "" {
				continue // a browser does not send it
			}
			offered.Add(name, value)
			switch name {
			case "permission":
				ticked = in.attribute("checked") != "" && !slices.Contains(o.Decline, value)
			case "page":
				ticked = o.Pages == nil || slices.Contains(o.Pages, value)
			case "all_pages":
				ticked = o.All
			}
		}
		if ticked {
			fields.Add(name, value)
		}
	}
	for _, name := range o.Decline {
		if !slices.Contains(offered["permission"], name) {
			return nil, fmt.Errorf("the dialog does not ask for %q", name)
		}
	}
	for _, id := range o.Pages {
		if !slices.Contains(offered["page"], id) {
			return nil, fmt.Errorf("the dialog does not offer the Page %q", id)
		}
	}
	return fields, nil
}

// element is one of the dialog's page, which is well-formed XML as well as HTML.
type element struct {
	XMLName    xml.Name
	Attributes []xml.Attr `xml:",any,attr"`
	Text       string     `xml:",chardata"`
	Children   []element  `xml:",any"`
}

// parsePage returns the page's html element, empty if it is no page.
func parsePage(page []byte) element {
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict, d.Entity = false, xml.HTMLEntity
	var root element
	_ = d.Decode(&root)
	return root
}

// find returns all elements of that name inside e, in order.
func (e element) find(name string) []element {
	var found []element
	for _, child := range e.Children {
		if child.XMLName.Local == name {
			found = append(found, child)
		}
		found = append(found, child.find(name)...)
	}
	return found
}

// attribute returns the value of an attribute, "" if there is none.
func (e element) attribute(name string) string {
	for _, a := range e.Attributes {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
