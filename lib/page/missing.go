package page

import (
	"cmp"
	"slices"
	"strings"
)

// Missing is the page "Why is my account not here?": what Meta showed us, Page
// by Page, with the way to put it right, and what Meta does not show us.
type Missing struct {
	Pages     []Verdict
	Declined  []Permission
	Stopped   Stopped
	Saved     bool   // accounts were saved just now, though they may not work fully
	Person    string // name of the Facebook profile that was used; may be empty
	Again     Action // ask Meta again, with auth_type=rerequest
	Back      Action
	RequestID string
}

func (Missing) template() string { return "missing.html" }

// Quote is what a person sends along when asking for help.
func (m Missing) Quote() []string { return quote(m.RequestID) }

// Title tells a missing permission, where that is all there is to tell, from a
// missing account.
func (m Missing) Title() string {
	if m.Refused() && len(m.Pages) == 0 {
		return "A permission is missing"
	}
	return "Why is my account not here?"
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

// VerdictKind says why a Page gave no account, or that it did.
type VerdictKind int

// The kinds of verdict, in the order in which the page shows them. The zero
// value is none of them.
const (
	NoInstagram     VerdictKind = iota + 1 // no Instagram account is linked to the Page
	NotProfessional                        // Meta does not show the account linked as a professional one
	NoToken                                // Meta lists the Page without a token
	NoTask                                 // the person's role does not cover messages
	Silent                                 // connected, but Meta tells us nothing of new messages
	Connected                              // the account is connected
)

// Group is all Pages with one verdict, so that the way to put it right is told
// once, however many they are.
type Group struct {
	Advice
	Pages []Verdict
}

// Folded reports whether the list is folded up, so that the advice stays in
// sight: with nine Pages or more.
func (g Group) Folded() bool { return len(g.Pages) >= 9 }

// Groups sorts the Pages by verdict; a verdict without a Page is left out.
func (m Missing) Groups() []Group {
	var groups []Group
	for kind := NoInstagram; kind <= Connected; kind++ {
		others := func(v Verdict) bool { return v.Kind != kind }
		if pages := slices.DeleteFunc(slices.Clone(m.Pages), others); len(pages) > 0 {
			groups = append(groups, Group{kind.Advice(), pages})
		}
	}
	return groups
}

// SomeConnected reports whether the page lists an account that is well: then it
// explains the others only.
func (m Missing) SomeConnected() bool {
	return slices.ContainsFunc(m.Pages, func(v Verdict) bool { return v.Kind == Connected })
}

// Label is the Page's name, or a stand-in where Meta gave none.
func (v Verdict) Label() string {
	return cmp.Or(strings.TrimSpace(v.PageName), "A Page without a name")
}

// Stopped is the user names, without @, of accounts that were connected and
// that the person's new grant no longer covers.
type Stopped []string

// Sentence names them all: "@a and @b were not shared this time and stopped."
func (s Stopped) Sentence() string {
	last := len(s) - 1
	switch {
	case last < 0:
		return ""
	case last == 0:
		return "@" + s[0] + " was not shared this time and stopped."
	}
	return "@" + strings.Join(s[:last], ", @") + " and @" + s[last] + " were not shared this time and stopped."
}

// Permission is one that the person declined in Meta's dialog.
type Permission struct {
	Name     string // as Meta calls it
	Lost     string // what stops working without it, a full sentence
	Optional bool   // an account can be connected without it
}

// Permissions tells for each permission, by Meta's name, what stops working
// without it. One that we do not know counts as needed.
func Permissions(names []string) []Permission {
	told := make([]Permission, len(names))
	for i, name := range names {
		lost := cmp.Or(permissions[name].Lost, "A part of this app that needs it does not work.")
		told[i] = Permission{name, lost, permissions[name].Optional}
	}
	return told
}

// permissions says what each is for: https://developers.facebook.com/docs/permissions
var permissions = map[string]Permission{
	"instagram_basic":           {Lost: "We cannot see which Instagram account belongs to your Page."},
	"instagram_manage_messages": {Lost: "We cannot read or answer the messages of your Instagram account."},
	"pages_show_list":           {Lost: "We cannot see your Facebook Pages, and an Instagram account is found through its Page."},
	"pages_manage_metadata":     {Lost: "Meta does not tell us when a message arrives."},
	"pages_messaging":           {Lost: "An account can be connected, but new messages may not reach us.", Optional: true},
	"business_management":       {Lost: "We may not see Pages that belong to a company or an agency, nor the Instagram accounts behind them.", Optional: true},
}
