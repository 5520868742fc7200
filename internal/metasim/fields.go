package metasim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// field is one of a fields parameter: name, name{sub,…} or name.limit(n){sub,…}.
type field struct {
	name  string
	limit int // 0: not given
	sub   []field
}

const maxFieldDepth = 8

// fieldHead is a field up to its brace.
var fieldHead = regexp.MustCompile(`^([a-z_0-9]+)(?:\.limit\((\d{1,4})\))?`)

// parseFields parses a fields parameter; an empty one gives the defaults.
func parseFields(text string, defaults ...string) ([]field, error) {
	if text == "" {
		return names(defaults...), nil
	}
	p := fieldParser{text: text, rest: text}
	fields, err := p.list(0)
	if err == nil && p.rest != "" {
		err = p.expected("end of string")
	}
	return fields, err
}

// names makes fields of plain names.
func names(list ...string) []field {
	fields := make([]field, len(list))
	for i, name := range list {
		fields[i].name = name
	}
	return fields
}

type fieldParser struct{ text, rest string }

func (p *fieldParser) list(depth int) ([]field, error) {
	var fields []field
	for {
		f, err := p.field(depth)
		switch {
		case err != nil:
			return nil, err
		case slices.ContainsFunc(fields, func(g field) bool { return g.name == f.name }):
			return nil, syntaxError("Field %s specified more than once. This is only possible before version 2.1", f.name)
		}
		fields = append(fields, f)
		if !p.take(',') {
			return fields, nil
		}
	}
}

func (p *fieldParser) field(depth int) (field, error) {
	head := fieldHead.FindStringSubmatch(p.rest)
	if head == nil {
		return field{}, p.expected("name")
	}
	p.rest = p.rest[len(head[0]):]
	f := field{name: head[1]}
	f.limit, _ = strconv.Atoi(head[2]) // at most four digits, or none
	if !p.take('{') {
		return f, nil
	}
	if depth == maxFieldDepth {
		return f, syntaxError("Fields are nested too deeply")
	}
	var err error
	if f.sub, err = p.list(depth + 1); err == nil && !p.take('}') {
		err = p.expected("}")
	}
	return f, err
}

// take reads past the byte b if it comes next, and reports whether it does.
func (p *fieldParser) take(b byte) bool {
	if p.rest == "" || p.rest[0] != b {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *fieldParser) expected(what string) error {
	got := "end of string"
	if p.rest != "" {
		got = strconv.Quote(p.rest[:1])
	}
	at := len(p.text) - len(p.rest)
	return syntaxError("Expected %s instead of %s. at character %d: %s", what, got, at, p.text)
}

func syntaxError(format string, args ...any) error {
	return errorf(2500, "Syntax error \"%s\"", fmt.Sprintf(format, args...))
}
