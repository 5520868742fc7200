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

// Refused says whether a permission is declined that we cannot do without:
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
	NotProfessional                        // the Instagram account linked is a personal one
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

// foldFrom is the number of Pages from which a group's list is folded up, so
// that the advice stays in sight.
const foldFrom = 9

// Folded says whether the list is too long to stand open.
func (g Group) Folded() bool { return len(g.Pages) >= foldFrom }

// Groups sorts the Pages by verdict; a verdict without a Page is left out.
func (m Missing) Groups() []Group {
	var groups []Group
	for kind := NoInstagram; kind <= Connected; kind++ {
		group := Group{Advice: kind.Advice()}
		for _, verdict := range m.Pages {
			if verdict.Kind == kind {
				group.Pages = append(group.Pages, verdict)
			}
		}
		if len(group.Pages) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// SomeConnected says whether the page lists an account that is well: then it
// explains the others only.
func (m Missing) SomeConnected() bool {
	return slices.ContainsFunc(m.Pages, func(v Verdict) bool { return v.Kind == Connected })
}

// Label is the Page's name, or a stand-in where Meta gave none.
func (v Verdict) Label() string {
	if name := strings.TrimSpace(v.PageName); name != "" {
		return name
	}
	return "A Page without a name"
}
