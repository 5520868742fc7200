package metasim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
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
	fields, err := o.fillIn(shown.Body.String())
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
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
		if found := problemText.FindStringSubmatch(res.Body.String()); found != nil {
			text = cmp.Or(html.UnescapeString(found[1]), "an empty error page")
		}
		return nil, fmt.Errorf("status %d: %s", res.Code, text)
	}
	return res, nil
}

// What Approve reads of dialog.html, where html/template has escaped every value.
var (
	problemText = regexp.MustCompile(`<p id="problem">([^<]*)</p>`)
	inputTag    = regexp.MustCompile(`<input [^>]*>`)
	attribute   = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

// fillIn returns what a browser submits after the person's clicks on the dialog's page.
func (o Approval) fillIn(page string) (url.Values, error) {
	if !strings.Contains(page, "<form") {
		return nil, errors.New("there is no form on the page")
	}
	fields, offered := url.Values{"decision": {"continue"}}, url.Values{}
	if o.Deny {
		fields.Set("decision", "not_now")
	}
	for _, tag := range inputTag.FindAllString(page, -1) {
		in := map[string]string{}
		for _, a := range attribute.FindAllStringSubmatch(tag, -1) {
			in[a[1]] = html.UnescapeString(a[2])
		}
		if in["disabled"] != "" {
			continue // a browser does not send it
		}
		name, value, ticked := in["name"], in["value"], true
		switch name {
		case "permission":
			ticked = in["checked"] != "" && !slices.Contains(o.Decline, value)
		case "page":
			ticked = o.Pages == nil || slices.Contains(o.Pages, value)
		case "all_pages":
			ticked = o.All
		}
		if offered.Add(name, value); ticked {
			fields.Add(name, value)
		}
	}
	for name, clicked := range map[string][]string{"permission": o.Decline, "page": o.Pages} {
		for _, value := range clicked {
			if !slices.Contains(offered[name], value) {
				return nil, fmt.Errorf("the dialog does not offer the %s %q", name, value)
			}
		}
	}
	return fields, nil
}
