package page

import (
	"slices"
	"strings"
	"time"
)

// Error is the page for everything that can go wrong. It never shows the text of a
// Go error.
type Error struct {
	Code      string // the code of the table, as in the header X-Error-Code: it has texts in messages/
	RequestID string // what to quote when asking for help; may be empty
	Note      Key    // sets people at ease, such as [Kept]; may be empty
	Actions   []Action
}

func (Error) template() string { return "error.html" }

// Title is its heading, one line.
func (e Error) Title() Key { return ErrorText(e.Code, "title") }

// ErrorText is the key of a text about the error of that code: its title; what happened, in
// the person's words; or what to do next.
func ErrorText(code, part string) Key { return Key("error." + code + "." + part) }

// Quote is what a person sends along when asking for help.
func (e Error) Quote() []string { return quote(e.Code, e.RequestID) }

func quote(parts ...string) []string {
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" })
}

// Action is something the person can do next: a link if Href is set, else a
// button that sends Fields by POST to the path Post. Without both it is not shown.
type Action struct {
	Label   Key
	Href    string
	Post    string
	Fields  []Field
	Primary bool // the one action that most people want
}

// Shown reports whether the action leads anywhere.
func (a Action) Shown() bool { return a.Href != "" || a.Post != "" }

// OpensMeta reports whether the action begins a login, which leads straight to Meta.
func (a Action) OpensMeta() bool { return strings.HasPrefix(a.Href, "/api/login") }

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

// Title is its heading.
func (e Erased) Title() Key { return e.Text("title") }

// Text is the key of a text that is another one while something is left to delete.
func (e Erased) Text(part string) Key {
	if e.Rest {
		return Key("erased.partly." + part)
	}
	return Key("erased." + part)
}

// Quote is what a person sends along when asking for help.
func (e Erased) Quote() []string { return quote(e.Code) }
