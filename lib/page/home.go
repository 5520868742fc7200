package page

// Home is the landing page: what connecting means, and the button. Its script lists what is
// connected; without one it connects all the same.
type Home struct {
	Login    string // the path of a login that comes back here
	Explain  string // the same, and shows which Pages gave no account
	Failed   Key    // what came of a login that saved nothing: [HomeDenied] or [HomeFailed]; may be empty
	Saved    bool   // a login in this browser has just saved accounts
	Unlisted bool   // no cookie says whose accounts to list, so that the script asks for none
}

// What a login can have come to that saved nothing.
const (
	HomeDenied Key = "home.denied"
	HomeFailed Key = "home.failed"
)

func (Home) template() string { return "home.html" }

// Title is its title; the heading is another one.
func (Home) Title() Key { return "home.title" }
