package page

import "time"

// Erased is the page that a person sees who asked Meta to have the data
// deleted. It names nobody.
type Erased struct {
	Code     string // the confirmation code
	At       time.Time
	Accounts int // how many were connected
	Events   int // how many messages and other events were kept
}

func (Erased) template() string { return "erased.html" }

// When is the moment as people write it.
func (e Erased) When() string { return e.At.UTC().Format("2 January 2006, 15:04") + " UTC" }

// Quote is what a person sends along when asking for help.
func (e Erased) Quote() []string { return quote(e.Code) }
