package metasim

import (
	"fmt"
	"regexp"
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

// parseFields parses a fields parameter; an empty one gives no fields.
func parseFields(text string) ([]field, error) {
	if text == "" {
		return nil, nil
	}
	p := fieldParser{text: text, rest: text}
	fields, err := p.list(0)
	if err == nil && p.rest != "" {
		err = p.expected("end of string")
	}
	return fields, err
}

type fieldParser struct{ text, rest string }

func (p *fieldParser) list(depth int) ([]field, error) {
	var fields []field
	seen := map[string]bool{}
	for {
		f, err := p.field(depth)
		if err != nil {
			return nil, err
		}
		if seen[f.name] {
			return nil, syntaxFault("Field %s specified more than once. This is only possible before version 2.1", f.name)
		}
		seen[f.name] = true
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
		return field{}, syntaxFault("Fields are nested too deeply")
	}
	var err error
	if f.sub, err = p.list(depth + 1); err != nil {
		return field{}, err
	}
	if !p.take('}') {
		return field{}, p.expected("}")
	}
	return f, nil
}

// take reads past the byte b if it comes next.
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
	return syntaxFault("Expected %s instead of %s. at character %d: %s", what, got, len(p.text)-len(p.rest), p.text)
}

func syntaxFault(format string, args ...any) error {
	return &fault{code: 2500, message: fmt.Sprintf("Syntax error \"%s\"", fmt.Sprintf(format, args...))}
}

// noSuchField is the answer to a field that the node does not have.
func noSuchField(name, node string) error {
	return &fault{code: 100, message: fmt.Sprintf("(#100) Tried accessing nonexisting field (%s) on node type (%s)", name, node)}
}

// names makes fields of plain names.
func names(list ...string) []field {
	fields := make([]field, len(list))
	for i, name := range list {
		fields[i].name = name
	}
	return fields
}
