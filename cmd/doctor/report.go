package main

import (
	"fmt"
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

func passed(name string) check         { return check{Name: name, State: isOK} }
func note(name, text string) check     { return check{Name: name, State: isNote, Problem: text} }
func unchecked(name, why string) check { return check{Name: name, State: isUnchecked, Problem: why} }
func wrong(name, problem, fix string) check {
	return check{Name: name, State: isWrong, Problem: problem, Fix: fix}
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
	count := map[state]int{}
	for _, c := range checks {
		count[c.State]++
	}
	return report{url, count[isWrong] == 0, count[isWrong], count[isUnchecked], checks}
}

// marks are how a state looks to a person.
var marks = map[state]struct{ word, colour string }{
	isOK:        {"ok", "\x1b[32m"},
	isNote:      {"note", "\x1b[36m"},
	isUnchecked: {"not checked", "\x1b[33m"},
	isWrong:     {"wrong", "\x1b[31m"},
}

// text is the report for a person: a line for each check, what is wrong with its remedy below.
func (r report) text(colour bool) string {
	var out strings.Builder
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
			line = mark.colour + line + "\x1b[0m"
		}
		fmt.Fprintln(&out, line)
		if c.Fix != "" {
			fmt.Fprintf(&out, "%15s-> %s\n", "", printable(c.Fix))
		}
	}
	summary := "Nothing is wrong."
	if r.Wrong > 0 {
		summary = fmt.Sprintf("%d of %d wrong.", r.Wrong, len(r.Checks))
	}
	if r.Unchecked > 0 {
		summary += fmt.Sprintf(" %d not checked.", r.Unchecked)
	}
	fmt.Fprintf(&out, "\n%s\n", summary)
	return out.String()
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
