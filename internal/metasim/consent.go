package metasim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// dataAccessLife is how long after a consent the person's data can be read.
const dataAccessLife = 90 * 24 * time.Hour

// consent is what a person decided about the app in the dialog. A nil consent grants nothing.
type consent struct {
	status map[string]string // permission to granted or declined
	pages  []string          // ids of the Pages shared
	all    bool              // all Pages are shared, present and future
	at     time.Time
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
	c := cmp.Or(s.consents[person.ID], &consent{status: map[string]string{}})
	s.consents[person.ID] = c
	for _, p := range asked {
		c.status[p.Name] = declined
		if slices.Contains(ticked, p.Name) {
			c.status[p.Name] = granted
		}
	}
	c.status["public_profile"] = granted // cannot be declined
	c.pages, c.all, c.at = slices.Clone(pages), all, now
	if c.has("business_management") {
		for _, page := range person.allPages() {
			if !person.owns(page.ID) {
				c.pages = append(c.pages, page.ID)
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
	return c.status[name]
}

// shares reports whether the person shares the Page.
func (c *consent) shares(page string) bool {
	return c != nil && (c.all || slices.Contains(c.pages, page))
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
func (c *consent) dataAccessEnds() time.Time { return c.at.Add(dataAccessLife) }

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
	defer s.mu.Unlock()
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
	return s.issueLong(person.ID, now).value
}
