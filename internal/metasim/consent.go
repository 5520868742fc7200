package metasim

import (
	"slices"
	"time"
)

// consent is what a person decided about the app in the dialog.
type consent struct {
	status map[string]string // permission to "granted" or "declined"
	pages  []string          // ids of the Pages shared
	all    bool              // all Pages are shared, present and future
	at     time.Time
}

const (
	granted  = "granted"
	declined = "declined"
)

// permission is one that the app may ask for.
type permission struct {
	name, asks string
	target     target
}

// target is what debug_token's granular_scopes names for a permission.
type target int

const (
	noTarget target = iota
	pageTarget
	instagramTarget
)

// knownPermissions are those that this kind of app can ask for; any other is
// an invalid scope.
var knownPermissions = []permission{
	{"public_profile", "See your name and profile picture", noTarget},
	{"email", "See your email address", noTarget},
	{"business_management", "Manage your business", noTarget},
	{"pages_show_list", "See the list of your Pages", pageTarget},
	{"pages_manage_metadata", "Manage settings and receive updates of your Pages", pageTarget},
	{"pages_messaging", "Manage and access Page conversations", pageTarget},
	{"pages_read_engagement", "Read content posted on your Pages", pageTarget},
	{"pages_manage_posts", "Create and manage content on your Pages", pageTarget},
	{"instagram_basic", "See your Instagram account's profile and posts", instagramTarget},
	{"instagram_manage_messages", "Manage the messages of your Instagram account", instagramTarget},
	{"instagram_manage_comments", "Manage the comments on your Instagram account", instagramTarget},
	{"instagram_manage_insights", "See the insights of your Instagram account", instagramTarget},
	{"instagram_content_publish", "Publish on your Instagram account", instagramTarget},
}

func findPermission(name string) (permission, bool) {
	i := slices.IndexFunc(knownPermissions, func(p permission) bool { return p.name == name })
	if i < 0 {
		return permission{}, false
	}
	return knownPermissions[i], true
}

// decision is what the dialog's form says.
type decision struct {
	asked, ticked []string // permissions
	pages         []string
	all           bool
}

// decide records a decision of the dialog: of the permissions asked for those
// ticked are granted and the others declined; Pages shared before and not now
// are no longer shared.
func (s *Sim) decide(person *Person, d decision, now time.Time) {
	c := s.consents[person.ID]
	if c == nil {
		c = &consent{status: map[string]string{}}
		s.consents[person.ID] = c
	}
	c.status["public_profile"] = granted
	for _, name := range d.asked {
		if name == "public_profile" {
			continue // cannot be declined
		}
		c.status[name] = declined
		if slices.Contains(d.ticked, name) {
			c.status[name] = granted
		}
	}
	c.pages, c.all, c.at = slices.Clone(d.pages), d.all, now
	if c.has("business_management") {
		c.pages = append(c.pages, person.businessPages()...)
	}
}

// has reports whether the person granted the permission. A nil consent grants
// nothing.
func (c *consent) has(name string) bool { return c != nil && c.status[name] == granted }

// statusOf returns whether the permission was granted or declined; ok is false
// if it was never asked for.
func (c *consent) statusOf(name string) (status string, ok bool) {
	if c == nil {
		return "", false
	}
	status, ok = c.status[name]
	return status, ok
}

// shares reports whether the person shares the Page.
func (c *consent) shares(page string) bool {
	return c != nil && (c.all || slices.Contains(c.pages, page))
}

// granted returns the permissions granted, in a fixed order.
func (c *consent) granted() []string {
	names := []string{}
	for _, p := range knownPermissions {
		if c.has(p.name) {
			names = append(names, p.name)
		}
	}
	return names
}
