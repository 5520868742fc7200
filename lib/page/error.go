package page

import (
	"slices"
	"time"
)

// Error is the page for everything that can go wrong. Its texts come from the
// table of errors; it never shows the text of a Go error.
type Error struct {
	Code      string // the code of the table, as in the header X-Error-Code
	RequestID string // what to quote when asking for help
	Title     string // one line
	What      string // what happened, in the person's words
	Next      string // what to do now
	Note      string // sets people at ease, for instance that nothing is lost; may be empty
	Actions   []Action
}

func (Error) template() string { return "error.html" }

// Quote is what a person sends along when asking for help.
func (e Error) Quote() []string { return quote(e.Code, e.RequestID) }

func quote(parts ...string) []string {
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" })
}

// Action is something the person can do next: a link if Href is set, else a
// button that sends Fields by POST to the path Post. Without both it is not shown.
type Action struct {
	Label   string
	Href    string
	Post    string
	Fields  []Field
	Primary bool // the one action that most people want
}

// Shown reports whether the action leads anywhere.
func (a Action) Shown() bool { return a.Href != "" || a.Post != "" }

// Quiet is the action where something else is the primary one.
func (a Action) Quiet() Action {
	a.Primary = false
	return a
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// Erased is the page that a person sees who asked Meta to have the data
// deleted. It names nobody.
type Erased struct {
	Code     string    // the confirmation code
	At       time.Time // when all was deleted, or, with Rest, the connections
	Accounts int       // how many were connected
	Events   int       // how many messages and other events are deleted
	Rest     bool      // some are not yet
}

func (Erased) template() string { return "erased.html" }

// When is the moment as people write it.
func (e Erased) When() string { return e.At.UTC().Format("2 January 2006, 15:04") + " UTC" }

// Quote is what a person sends along when asking for help.
func (e Erased) Quote() []string { return quote(e.Code) }
