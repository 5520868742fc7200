package metasim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
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

// Approve opens the dialog as a browser would, fills in its form and returns
// the URL to which the dialog sends the browser back. Only the path and query
// of dialogURL count: the Sim serves it itself, without the network, whatever
// host it names. An error page of the dialog becomes an error with its text.
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
	form, err := readForm(shown.body.Bytes())
	if err != nil {
		return "", fmt.Errorf("reading the dialog: %w", err)
	}
	fields, err := form.fill(o)
	if err != nil {
		return "", fmt.Errorf("filling the dialog in: %w", err)
	}
	done, err := s.visit(ctx, http.MethodPost, u, fields)
	if err != nil {
		return "", fmt.Errorf("submitting the dialog: %w", err)
	}
	location := done.header.Get("Location")
	if location == "" {
		return "", fmt.Errorf("submitting the dialog: status %d and no redirect", done.status)
	}
	return location, nil
}

// visit makes one request of the Sim, in process.
func (s *Sim) visit(ctx context.Context, method string, u *url.URL, form url.Values) (c *capture, err error) {
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
	c = &capture{header: http.Header{}}
	s.ServeHTTP(c, r)
	if c.status >= http.StatusBadRequest {
		return nil, fmt.Errorf("status %d: %s", c.status, problemText(c.body.Bytes()))
	}
	return c, nil
}

// capture is the http.ResponseWriter of a request made in process.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *capture) Header() http.Header         { return c.header }
func (c *capture) WriteHeader(status int)      { c.status = status }
func (c *capture) Write(b []byte) (int, error) { return c.body.Write(b) }

// fill returns what a browser submits after o's clicks.
func (f form) fill(o Approval) (url.Values, error) {
	fields := url.Values{"decision": {"continue"}}
	if o.Deny {
		fields.Set("decision", "not_now")
	}
	offered := map[string][]string{}
	for _, in := range f {
		if in.kind != "checkbox" {
			fields.Add(in.name, in.value)
			continue
		}
		if in.disabled {
			continue // a browser does not send it
		}
		offered[in.name] = append(offered[in.name], in.value)
		ticked := in.checked
		switch {
		case in.name == "permission":
			ticked = ticked && !slices.Contains(o.Decline, in.value)
		case in.name == "page":
			ticked = o.Pages == nil || slices.Contains(o.Pages, in.value)
		case in.name == "all_pages":
			ticked = o.All
		}
		if ticked {
			fields.Add(in.name, in.value)
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
