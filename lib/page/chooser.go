package page

import (
	"cmp"
	"net/url"
	"strings"
	"unicode"
)

// Chooser lets the person pick among several accounts. It posts the field
// "instagram_id", once for each account ticked, to the path Action.
type Chooser struct {
	Action   string
	Fields   []Field // hidden, sent along
	Accounts []Account
	Person   string // name of the Facebook profile that was used; may be empty
	Stopped  Stopped
	Missed   *Missed // the account to reconnect, where it is not among them
	Notice   Key     // shown on top, such as [NoneTicked]; may be empty
	Again    Action  // ask Meta again, for an account that is not listed
	Cancel   Action
}

func (Chooser) template() string { return "chooser.html" }

// Title is its heading.
func (c Chooser) Title() Key {
	if c.Missed != nil {
		return "missed.title"
	}
	return "chooser.title"
}

// Missed is the account that the person came to reconnect and did not share.
type Missed struct {
	Account      string // user name, without @; "" where it is not known
	PageName     string // of the Page that leads to it; may be empty
	WithoutPage  bool   // it was shared, but not its Page
	OtherProfile bool   // it was connected with another Facebook profile
}

// Handle is its user name with @.
func (m Missed) Handle() string { return "@" + m.Account }

// Searchable reports whether a search field helps: with ten accounts or more.
func (c Chooser) Searchable() bool { return len(c.Accounts) >= 10 }

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
	if a.Name == "" && a.Username != "" {
		return "@" + a.Username
	}
	return cmp.Or(a.Name, a.InstagramID)
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
	var initials []string
	for _, word := range strings.Fields(a.Name) {
		if letter := firstLetter(word); letter != "" && len(initials) < 2 {
			initials = append(initials, letter)
		}
	}
	return cmp.Or(strings.Join(initials, ""), firstLetter(a.Username), "@")
}

// firstLetter finds the first letter or digit of a word, past emoji and signs,
// and makes it a capital; "" where there is none.
func firstLetter(word string) string {
	for _, r := range word {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return ""
}
