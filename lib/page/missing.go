package page

import (
	"slices"
	"strings"
)

// Missing is the page "Why is my account not here?": what Meta showed us, Page
// by Page, with the way to put it right, and what Meta does not show us.
type Missing struct {
	Pages     []Verdict
	Declined  []Permission
	Stopped   Stopped
	Missed    *Missed // the account to reconnect; nil where none was named
	Pageless  bool    // an Instagram account was shared, and its Page was not
	Saved     bool    // accounts were saved just now, though they may not work fully
	Person    string  // name of the Facebook profile that was used; may be empty
	Again     Action  // ask Meta again, with auth_type=rerequest
	Back      Action
	RequestID string
}

func (Missing) template() string { return "missing.html" }

// Quote is what a person sends along when asking for help.
func (m Missing) Quote() []string { return quote(m.RequestID) }

// Title is its heading: it tells a missing permission, where that is all there is
// to tell, from a missing account.
func (m Missing) Title() Key {
	if m.Refused() && len(m.Pages) == 0 {
		return ErrorText("missing_permission", "title")
	}
	return "missing.title"
}

// ToDo reports whether there is something that the person can put right.
func (m Missing) ToDo() bool {
	return len(m.Declined) > 0 || slices.ContainsFunc(m.Pages, func(v Verdict) bool { return !v.Kind.Good() })
}

// Refused reports whether a permission is declined that we cannot do without:
// then we stopped before anything was saved.
func (m Missing) Refused() bool {
	return slices.ContainsFunc(m.Declined, func(p Permission) bool { return !p.Optional })
}

// Verdict is what we found out about one Facebook Page.
type Verdict struct {
	PageName string
	Username string // of its Instagram account, without @; may be empty
	Kind     VerdictKind
}

// VerdictKind says why a Page gave no account, or that it did. What the page tells about
// it, and how to put it right, are the texts verdict.… in messages/: that is all we say
// about Meta's menus, which Meta moves and renames now and then.
type VerdictKind string

// The kinds of verdict.
const (
	NoInstagram     VerdictKind = "no_instagram"     // no Instagram account is linked to the Page
	NotProfessional VerdictKind = "not_professional" // Meta does not show the account linked as a professional one
	NoToken         VerdictKind = "no_token"         // Meta lists the Page without a token
	NoTask          VerdictKind = "no_task"          // the person's role does not cover messages
	NotShown        VerdictKind = "not_shown"        // Meta named the Page, by its number only, and did not show it
	Silent          VerdictKind = "silent"           // connected, but Meta tells us nothing of new messages
	Waiting         VerdictKind = "waiting"          // connected, but the app lacks Meta's permission for new messages
	Connected       VerdictKind = "connected"        // the account is connected
)

// kinds are all, in the order in which the page shows them.
var kinds = []VerdictKind{NoInstagram, NotProfessional, NoToken, NoTask, NotShown, Silent, Waiting, Connected}

// Group is all Pages with one verdict, so that the way to put it right is told
// once, however many they are.
type Group struct {
	Kind  VerdictKind
	Pages []Verdict
}

// Good reports whether there is nothing for the person to put right.
func (k VerdictKind) Good() bool { return k == Connected || k == Waiting }

// Folded reports whether the list is folded up, so that the advice stays in
// sight: with nine Pages or more.
func (g Group) Folded() bool { return len(g.Pages) >= 9 }

// Groups sorts the Pages by verdict.
func (m Missing) Groups() []Group { return grouped(m.Pages) }

// grouped sorts Pages by verdict; a verdict without a Page is left out.
func grouped(all []Verdict) []Group {
	var groups []Group
	for _, kind := range kinds {
		others := func(v Verdict) bool { return v.Kind != kind }
		if pages := slices.DeleteFunc(slices.Clone(all), others); len(pages) > 0 {
			groups = append(groups, Group{kind, pages})
		}
	}
	return groups
}

// SomeConnected reports whether the page lists an account that is well: then it
// explains the others only.
func (m Missing) SomeConnected() bool {
	return slices.ContainsFunc(m.Pages, func(v Verdict) bool { return v.Kind.Good() })
}

// Label is the Page's name; empty where Meta gave none.
func (v Verdict) Label() string { return strings.TrimSpace(v.PageName) }

// Stopped is the user names, without @, of accounts that were connected and
// that the person's new grant no longer covers.
type Stopped []string

// Handles are the names with @.
func (s Stopped) Handles() []string {
	handles := make([]string, len(s))
	for i, name := range s {
		handles[i] = "@" + name
	}
	return handles
}

// Permission is one that the person declined in Meta's dialog.
type Permission struct {
	Name     string // as Meta calls it
	Lost     Key    // what stops working without it, a full sentence
	Optional bool   // an account can be connected without it
}

// Permissions tells for each permission, by Meta's name, what stops working
// without it. One that we do not know counts as needed.
// https://developers.facebook.com/docs/permissions
func Permissions(names []string) []Permission {
	told := make([]Permission, len(names))
	for i, name := range names {
		lost := Key("permission." + name)
		if _, known := languages()[English]()[lost]; !known {
			lost = "permission.other"
		}
		told[i] = Permission{name, lost, name == "pages_messaging" || name == "business_management"}
	}
	return told
}
