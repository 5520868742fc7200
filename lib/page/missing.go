package page

import "strings"

// Missing is the page "Why is my account not here?": what Meta showed us, Page
// by Page, with the way to put it right, and what Meta does not show us.
type Missing struct {
	Pages     []Verdict
	Declined  []Permission
	Again     Action // ask Meta again, with auth_type=rerequest
	Back      Action
	RequestID string
}

func (Missing) template() string { return "missing.html" }

// Quote is what a person sends along when asking for help.
func (m Missing) Quote() []string { return quote(m.RequestID) }

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
	Connected                              // the account is connected
)

// Permission is one that the person declined in Meta's dialog.
type Permission struct {
	Name string // as Meta calls it
	Lost string // what stops working without it, a full sentence
}

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

// SomeConnected says whether a Page of the list is connected: the page then
// tells of the others only.
func (m Missing) SomeConnected() bool {
	for _, verdict := range m.Pages {
		if verdict.Kind == Connected {
			return true
		}
	}
	return false
}

// Label is the Page's name, or a stand-in where Meta gave none.
func (v Verdict) Label() string {
	if name := strings.TrimSpace(v.PageName); name != "" {
		return name
	}
	return "A Page without a name"
}
