package metasim

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed dialog.html
var dialogHTML string

var dialogPages = template.Must(template.New("dialog").Parse(dialogHTML))

// dialog is a valid request for the login dialog.
type dialog struct {
	person      *Person
	redirectURI string
	state       string
	ask         []permission // what the person is asked now
	declined    []permission // asked for, but declined before and not asked again
}

// problem is an error page of the dialog. Meta shows it and never redirects:
// an address that is not registered must not learn anything.
type problem struct{ Title, Text string }

// readDialog checks the request for the dialog; person is the id chosen, or "".
func (s *Sim) readDialog(c *call, person string) (*dialog, *problem) {
	q := c.query
	switch {
	case q.Get("client_id") != s.cfg.AppID:
		return nil, &problem{"Invalid App ID", "The provided app ID does not look like a valid app ID."}
	case !slices.Contains(s.cfg.RedirectURIs, q.Get("redirect_uri")):
		return nil, &problem{"URL Blocked", "This redirect failed because the redirect URI is not whitelisted in the app's Client OAuth Settings. Make sure Client and Web OAuth Login are on and add all your app domains as Valid OAuth Redirect URIs."}
	case q.Has("response_type") && q.Get("response_type") != "code":
		return nil, &problem{"Invalid response type", "The parameter response_type must be code."}
	case q.Get("state") == "":
		return nil, &problem{"Missing state", "The required parameter state is missing."}
	case len(s.people) == 0:
		return nil, &problem{"Nobody is here", "This simulator has no people yet: add one with AddPerson."}
	}
	d := &dialog{person: &s.people[0], redirectURI: q.Get("redirect_uri"), state: q.Get("state")}
	if person != "" {
		if d.person = s.person(person); d.person == nil {
			return nil, &problem{"No such person", "Nobody here has the id " + person + "."}
		}
	}
	requested, wrong := s.requested(q)
	if wrong != nil {
		return nil, wrong
	}
	before := s.consents[d.person.ID]
	for _, p := range requested {
		if before != nil && before.status[p.name] == declined && q.Get("auth_type") != "rerequest" {
			d.declined = append(d.declined, p)
		} else {
			d.ask = append(d.ask, p)
		}
	}
	return d, nil
}

// requested returns the permissions that scope or config_id asks for, always
// with public_profile. A config_id replaces the scope.
func (s *Sim) requested(q url.Values) ([]permission, *problem) {
	list := strings.FieldsFunc(q.Get("scope"), func(r rune) bool { return r == ',' || r == ' ' })
	if id := q.Get("config_id"); id != "" {
		list = DefaultScopes
		if s.cfg.Configurations != nil {
			list = s.cfg.Configurations[id]
		}
	}
	if len(list) == 0 {
		return nil, &problem{"Nothing asked for", "Neither scope nor config_id names any permission."}
	}
	var all []permission
	for _, name := range append([]string{"public_profile"}, list...) {
		p, ok := findPermission(name)
		if !ok {
			return nil, &problem{"Invalid Scopes", "Invalid Scopes: " + name + ". This message is only shown to developers."}
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all, nil
}

// showDialog serves the dialog's page.
func (s *Sim) showDialog(c *call) answer {
	d, wrong := s.readDialog(c, c.query.Get("person"))
	if wrong != nil {
		return showProblem(wrong)
	}
	return htmlPage(http.StatusOK, "dialog", s.dialogView(c, d))
}

// submitDialog takes the person's decision and redirects to the app.
func (s *Sim) submitDialog(c *call) answer {
	d, wrong := s.readDialog(c, c.form.Get("person"))
	if wrong != nil {
		return showProblem(wrong)
	}
	if c.form.Get("decision") != "continue" {
		return d.redirect(url.Values{
			"error": {"access_denied"}, "error_code": {"200"},
			"error_description": {"Permissions error"}, "error_reason": {"user_denied"},
		})
	}
	for _, id := range c.form["page"] {
		if !d.person.owns(id) {
			return showProblem(&problem{"No such Page", "This person has no Page with the id " + id + "."})
		}
	}
	choice := decision{ticked: c.form["permission"], pages: c.form["page"], all: c.form.Has("all_pages")}
	for _, p := range d.ask {
		choice.asked = append(choice.asked, p.name)
	}
	s.decide(d.person, choice, c.now)
	return d.redirect(url.Values{"code": {s.newCode(d.person.ID, d.redirectURI, c.now)}})
}

// redirect sends the person back to the app, with Meta's odd fragment.
func (d *dialog) redirect(q url.Values) answer {
	q.Set("state", d.state)
	separator := "?"
	if strings.Contains(d.redirectURI, "?") {
		separator = "&"
	}
	a := plain(http.StatusFound, "", nil)
	a.header.Set("Location", d.redirectURI+separator+q.Encode()+"#_=_")
	a.header.Set("Cache-Control", "no-store")
	return a
}

func showProblem(p *problem) answer { return htmlPage(http.StatusBadRequest, "problem", p) }

// htmlPage renders one of the dialog's pages.
func htmlPage(status int, name string, data any) answer {
	var body bytes.Buffer
	if err := dialogPages.ExecuteTemplate(&body, name, data); err != nil {
		panic(err) // the template and its data are this package's own
	}
	a := plain(status, htmlType, body.Bytes())
	a.header.Set("Cache-Control", "no-store")
	// No form-action: Chromium would apply it to the redirect back to the app.
	a.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:")
	return a
}
