package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// state is what came of a check.
type state string

const (
	isOK        state = "ok"
	isNote      state = "note"      // not wrong, and good to know
	isUnchecked state = "unchecked" // something is missing that it takes
	isWrong     state = "wrong"
)

// check is one thing that was looked at.
type check struct {
	Group   string `json:"group"`
	Name    string `json:"name"`
	State   state  `json:"state"`
	Problem string `json:"problem,omitempty"` // also a note, or why it was not checked
	Fix     string `json:"fix,omitempty"`     // what to do
}

func good(name string) check           { return check{Name: name, State: isOK} }
func note(name, text string) check     { return check{Name: name, State: isNote, Problem: text} }
func unchecked(name, why string) check { return check{Name: name, State: isUnchecked, Problem: why} }
func bad(name, problem, fix string) check {
	return check{Name: name, State: isWrong, Problem: problem, Fix: fix}
}
func silent(name string, err error) check {
	return bad(name, "No answer: "+reason(err)+".", "Try again.")
}

// report is what is printed.
type report struct {
	URL       string  `json:"url"`
	OK        bool    `json:"ok"` // nothing is wrong
	Wrong     int     `json:"wrong"`
	Unchecked int     `json:"unchecked"`
	Checks    []check `json:"checks"`
}

func newReport(url string, checks []check) report {
	r := report{URL: url, Checks: checks}
	for _, c := range checks {
		switch c.State {
		case isWrong:
			r.Wrong++
		case isUnchecked:
			r.Unchecked++
		}
	}
	r.OK = r.Wrong == 0
	return r
}

func (r report) json(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// marks are how a state looks to a person.
var marks = map[state]struct{ word, colour string }{
	isOK:        {"ok", "\x1b[32m"},
	isNote:      {"note", "\x1b[36m"},
	isUnchecked: {"not checked", "\x1b[33m"},
	isWrong:     {"wrong", "\x1b[31m"},
}

const plainAgain = "\x1b[0m"

// text prints the report for a person: a line for each check, what is wrong
// with its remedy below.
func (r report) text(w io.Writer, colour bool) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\n", r.URL)
	group := ""
	for _, c := range r.Checks {
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&out, "\n%s\n", group)
		}
		mark := marks[c.State]
		line := strings.TrimRight(fmt.Sprintf("  %-11s  %-36s  %s", mark.word, printable(c.Name), printable(c.Problem)), " ")
		if colour {
			line = mark.colour + line + plainAgain
		}
		fmt.Fprintln(&out, line)
		if c.Fix != "" {
			fmt.Fprintf(&out, "%15s-> %s\n", "", printable(c.Fix))
		}
	}
	fmt.Fprintf(&out, "\n%s\n", r.summary())
	_, err := w.Write(out.Bytes())
	return err
}

func (r report) summary() string {
	text := "Nothing is wrong."
	if r.Wrong > 0 {
		text = fmt.Sprintf("%d of %d wrong.", r.Wrong, len(r.Checks))
	}
	if r.Unchecked > 0 {
		text += fmt.Sprintf(" %d not checked.", r.Unchecked)
	}
	return text
}

// printable takes out of a text from the network what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}

// in puts checks into their group.
func in(group string, checks []check) []check {
	for i := range checks {
		checks[i].Group = group
	}
	return checks
}
