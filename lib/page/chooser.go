package page

import (
	"net/url"
	"strings"
	"unicode"
)

// searchFrom is the number of accounts from which a search field helps.
const searchFrom = 10

// Chooser lets the person pick among several accounts. It posts the field
// "instagram_id", once for each account ticked, to the path Action.
type Chooser struct {
	Action   string
	Fields   []Field // hidden, sent along
	Accounts []Account
	Stopped  Stopped
	Notice   string // shown on top, for instance that nothing was ticked; may be empty
	Again    Action // ask Meta again, for an account that is not listed
	Cancel   Action
}

func (Chooser) template() string { return "chooser.html" }

// Searchable says whether there are enough accounts for a search field.
func (c Chooser) Searchable() bool { return len(c.Accounts) >= searchFrom }

// Account is one line of the chooser.
type Account struct {
	InstagramID   string
	Username      string // without @
	Name          string // may be empty
	PictureURL    string // may be empty; shown if it is safe, see Picture
	PageName      string
	Connected     bool // this user has connected it before
	CannotMessage bool // the person's role on the Page does not cover messages
}

// Title is the name that stands first: the account's name, or else its user name.
func (a Account) Title() string {
	switch {
	case a.Name != "":
		return a.Name
	case a.Username != "":
		return "@" + a.Username
	default:
		return a.InstagramID
	}
}

// Picture is PictureURL where a browser may load it: over https, or over http
// from this machine, as the simulator serves it. Else it is empty, and the
// initials stay.
func (a Account) Picture() string {
	u, err := url.Parse(a.PictureURL)
	if err != nil || u.Host == "" {
		return ""
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1"
	if u.Scheme == "https" || u.Scheme == "http" && local {
		return a.PictureURL
	}
	return ""
}

// Initials are up to two capital letters for the place of a picture that is
// missing, still loading or expired.
func (a Account) Initials() string {
	var initials []rune
	for _, word := range strings.Fields(a.Name) {
		if r, ok := firstLetter(word); ok && len(initials) < 2 {
			initials = append(initials, r)
		}
	}
	if len(initials) == 0 {
		if r, ok := firstLetter(a.Username); ok {
			initials = append(initials, r)
		}
	}
	if len(initials) == 0 {
		return "@"
	}
	return string(initials)
}

// firstLetter finds the first letter or digit of a word, past emoji and signs.
func firstLetter(word string) (rune, bool) {
	for _, r := range word {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r), true
		}
	}
	return 0, false
}
