package metasim

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed dialog.html
var dialogHTML string

var dialogPages = template.Must(
	template.New("dialog").Funcs(template.FuncMap{"initial": initial}).Parse(dialogHTML))

// dialog is a valid request for the login dialog. What is exported is for dialog.html.
type dialog struct {
	AppID      string
	Person     *Person
	People     []Person     // whom one can be
	Asked      []permission // what the person is asked now
	Declined   []permission // asked for, but declined before and not asked again
	Businesses []Business   // shared along with what is asked

	query  url.Values
	before *consent // nil: none
}

// problem is an error page of the dialog. Meta shows it and never redirects: an address that is
// not registered must not learn anything.
type problem struct{ Title, Text string }

// readDialog checks the request for the dialog.
func (s *Sim) readDialog(c *call) (*dialog, *problem) {
	q := c.query
	switch {
	case q.Get("client_id") != s.cfg.AppID:
		return nil, &problem{"Invalid App ID", "The provided app ID does not look like a valid app ID."}
	case !slices.Contains(s.cfg.RedirectURIs, q.Get("redirect_uri")):
		return nil, &problem{"URL Blocked", "This redirect failed because the redirect URI is not " +
			"whitelisted in the app's Client OAuth Settings. Make sure Client and Web OAuth Login are on " +
			"and add all your app domains as Valid OAuth Redirect URIs."}
	case q.Has("response_type") && q.Get("response_type") != "code":
		return nil, &problem{"Invalid response type", "The parameter response_type must be code."}
	case q.Get("state") == "":
		return nil, &problem{"Missing state", "The required parameter state is missing."}
	case len(s.people) == 0:
		return nil, &problem{"Nobody is here", "This simulator has no people yet: add one with AddPerson."}
	}
	d := &dialog{AppID: s.cfg.AppID, Person: &s.people[0], People: s.people, query: q}
	if id := c.param("person"); id != "" {
		if d.Person = s.person(id); d.Person == nil {
			return nil, &problem{"No such person", "Nobody here has the id " + id + "."}
		}
	}
	d.before = s.consents[d.Person.ID]
	requested, wrong := s.requestedPermissions(q)
	for _, p := range requested {
		if d.before.state(p.Name) == declined && q.Get("auth_type") != "rerequest" {
			d.Declined = append(d.Declined, p)
			continue
		}
		d.Asked = append(d.Asked, p)
		if p.Name == "business_management" {
			d.Businesses = d.Person.Businesses
		}
	}
	return d, wrong
}

// requestedPermissions returns those that scope or config_id asks for, always with public_profile.
// A config_id replaces the scope.
func (s *Sim) requestedPermissions(q url.Values) ([]permission, *problem) {
	list := strings.FieldsFunc(q.Get("scope"), func(r rune) bool { return r == ',' || r == ' ' })
	if q.Get("config_id") != "" {
		list = DefaultScopes
	}
	if len(list) == 0 {
		return nil, &problem{"Nothing asked for", "Neither scope nor config_id names any permission."}
	}
	var all []permission
	for _, name := range append([]string{"public_profile"}, list...) {
		p, ok := findPermission(name)
		if !ok {
			const only = ". This message is only shown to developers."
			return nil, &problem{"Invalid Scopes", "Invalid Scopes: " + name + only}
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all, nil
}

func (s *Sim) showDialog(c *call) response {
	d, wrong := s.readDialog(c)
	if wrong != nil {
		return showProblem(wrong)
	}
	return htmlPage(http.StatusOK, "dialog", d)
}

// Link leads to the same dialog as another person.
func (d *dialog) Link(person string) string {
	q := maps.Clone(d.query)
	q.Set("person", person)
	return "?" + q.Encode()
}

// Ticked reports whether the Page is ticked to begin with. Like Meta: who has been here before
// finds his earlier choice, and a Page that has come since is not ticked.
func (d *dialog) Ticked(page string) bool { return d.before == nil || d.before.shares(page) }

// AllTicked reports whether "all of them, and those to come" is ticked to begin with.
func (d *dialog) AllTicked() bool { return d.before != nil && d.before.All }

// submitDialog takes the person's decision and redirects to the app.
func (s *Sim) submitDialog(c *call) response {
	d, wrong := s.readDialog(c)
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
		if !d.Person.owns(id) {
			return showProblem(&problem{"No such Page", "This person has no Page with the id " + id + "."})
		}
	}
	s.decide(d.Person, d.Asked, c.form["permission"], c.form["page"], c.form.Has("all_pages"), c.now)
	s.consents[d.Person.ID].Accounts = slices.Clone(c.form["account"])
	return d.redirect(url.Values{"code": {s.issueCode(d.Person.ID, d.query.Get("redirect_uri"), c.now)}})
}

// redirect sends the person back to the app, with Meta's odd fragment.
func (d *dialog) redirect(q url.Values) response {
	q.Set("state", d.query.Get("state"))
	to, separator := d.query.Get("redirect_uri"), "?"
	if strings.Contains(to, "?") {
		separator = "&"
	}
	res := redirectTo(http.StatusFound, to+separator+q.Encode()+"#_=_")
	res.header.Set("Cache-Control", "no-store")
	return res
}

func showProblem(p *problem) response { return htmlPage(http.StatusBadRequest, "problem", p) }

func htmlPage(status int, name string, data any) response {
	var body bytes.Buffer
	if err := dialogPages.ExecuteTemplate(&body, name, data); err != nil {
		panic(err) // the template and its data are this package's own
	}
	res := newResponse(status, "text/html; charset=utf-8", body.Bytes())
	res.header.Set("Cache-Control", "no-store")
	// No form-action: Chromium would apply it to the redirect back to the app.
	res.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:")
	return res
}

// initial is the first letter of a name, for the round picture; "?" of none.
func initial(name string) string { return string([]rune(name + "?")[:1]) }

// dataAccessLife is how long after a consent the person's data can be read.
const dataAccessLife = 90 * 24 * time.Hour

// consent is what a person decided about the app in the dialog. A nil consent grants nothing. What
// is exported is for Keep.
type consent struct {
	Status map[string]string // permission to granted or declined
	Pages  []string          // ids of the Pages shared
	All    bool              // all Pages are shared, present and future
	At     time.Time

	Accounts []string // ids of Instagram accounts shared without their Page
}

const (
	granted  = "granted"
	declined = "declined"
)

// permission is one that the app may ask for.
type permission struct{ Name, Asks string } // exported for the dialog's template

// knownPermissions are those that this kind of app can ask for; any other is an invalid scope.
var knownPermissions = []permission{
	{"public_profile", "See your name and profile picture"},
	{"email", "See your email address"},
	{"business_management", "Manage your business"},
	{"pages_show_list", "See the list of your Pages"},
	{"pages_manage_metadata", "Manage settings and receive updates of your Pages"},
	{"pages_messaging", "Manage and access Page conversations"},
	{"pages_read_engagement", "Read content posted on your Pages"},
	{"pages_manage_posts", "Create and manage content on your Pages"},
	{"instagram_basic", "See your Instagram account's profile and posts"},
	{"instagram_manage_messages", "Manage the messages of your Instagram account"},
	{"instagram_manage_comments", "Manage the comments on your Instagram account"},
	{"instagram_manage_insights", "See the insights of your Instagram account"},
	{"instagram_content_publish", "Publish on your Instagram account"},
}

func findPermission(name string) (known permission, ok bool) {
	i := slices.IndexFunc(knownPermissions, func(p permission) bool { return p.Name == name })
	if i >= 0 {
		known = knownPermissions[i]
	}
	return known, i >= 0
}

// decide records a decision of the dialog: of the permissions asked for those ticked are granted
// and the others declined; Pages shared before and not now are no longer shared.
func (s *Sim) decide(person *Person, asked []permission, ticked, pages []string, all bool, now time.Time) {
	c := cmp.Or(s.consents[person.ID], &consent{Status: map[string]string{}})
	s.consents[person.ID] = c
	for _, p := range asked {
		c.Status[p.Name] = declined
		if slices.Contains(ticked, p.Name) {
			c.Status[p.Name] = granted
		}
	}
	c.Status["public_profile"] = granted // cannot be declined
	c.Pages, c.All, c.At, c.Accounts = slices.Clone(pages), all, now, nil
	if c.has("business_management") {
		for _, page := range person.allPages() {
			if !person.owns(page.ID) {
				c.Pages = append(c.Pages, page.ID)
			}
		}
	}
}

// has reports whether the person granted the permission.
func (c *consent) has(name string) bool { return c.state(name) == granted }

// state is granted, declined, or "" for what was never asked for.
func (c *consent) state(name string) string {
	if c == nil {
		return ""
	}
	return c.Status[name]
}

// shares reports whether the person shares the Page.
func (c *consent) shares(page string) bool {
	return c != nil && (c.All || slices.Contains(c.Pages, page))
}

// granted returns the permissions granted, in a fixed order.
func (c *consent) granted() []string {
	names := []string{}
	for _, p := range knownPermissions {
		if c.has(p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// dataAccessEnds is data_access_expires_at: only a new consent moves it.
func (c *consent) dataAccessEnds() time.Time { return c.At.Add(dataAccessLife) }

// Grant is a consent given without the dialog, for tests that begin after it.
type Grant struct {
	Person string   // id; "": the first person
	Scopes []string // nil: DefaultScopes
	Pages  []string // ids of the Pages shared; nil: all of Person.Pages
}

// Grant records the consent in place of any earlier one and returns a long-lived user token. It
// panics on a person or a permission that does not exist.
func (s *Sim) Grant(g Grant) (userToken string) {
	s.mu.Lock()
	defer s.unlock()
	if g.Person == "" && len(s.people) > 0 {
		g.Person = s.people[0].ID
	}
	person := s.mustPerson(g.Person)
	if g.Scopes == nil {
		g.Scopes = DefaultScopes
	}
	var asked []permission
	for _, name := range g.Scopes {
		p, ok := findPermission(name)
		if !ok {
			panic(fmt.Sprintf("metasim: no permission %q", name))
		}
		asked = append(asked, p)
	}
	if g.Pages == nil {
		for _, p := range person.Pages {
			g.Pages = append(g.Pages, p.ID)
		}
	}
	now := s.Now()
	delete(s.consents, person.ID)
	s.decide(person, asked, g.Scopes, g.Pages, false, now)
	return s.issueLong(person.ID, now).Value
}

// Approval is what a person does in the dialog.
type Approval struct {
	Person  string   // id; "": whom the dialog offers
	Deny    bool     // Not now
	Decline []string // permissions to untick; each must be offered
	Pages   []string // ids to tick, and no others; nil: all
	All     bool     // tick "all of them, and those to come"
	// Accounts are ids of Instagram accounts to share without their Page. Meta's own dialog asks for
	// accounts and for Pages on two screens, and people tick one and not the other.
	Accounts []string
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
		case "account":
			ticked = slices.Contains(o.Accounts, value)
		case "all_pages":
			ticked = o.All
		}
		if offered.Add(name, value); ticked {
			fields.Add(name, value)
		}
	}
	for name, clicked := range map[string][]string{"permission": o.Decline, "page": o.Pages, "account": o.Accounts} {
		for _, value := range clicked {
			if !slices.Contains(offered[name], value) {
				return nil, fmt.Errorf("the dialog does not offer the %s %q", name, value)
			}
		}
	}
	return fields, nil
}
