package vercelsim

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// pattern is a compiled source of vercel.json: the subset of path-to-regexp 6 (strict, sensitive,
// delimiter "/") with literals, :name, (expression) and the modifiers *, + and ?.
type pattern struct {
	expr  *regexp.Regexp
	names []string // one a group, "" where the group has no name

	// Go's expressions have no lookahead. The one form that sources use, a group that begins with
	// (?!…) after literal text, is checked beside expr.
	not   *regexp.Regexp
	notAt int
}

// match reports whether the whole path matches, and the named parameters.
func (p *pattern) match(path string) (map[string]string, bool) {
	groups := p.expr.FindStringSubmatch(path)
	if groups == nil || p.not != nil && p.not.MatchString(path[p.notAt:]) {
		return nil, false
	}
	params := map[string]string{}
	for i, name := range p.names {
		if name != "" {
			params[name] = groups[i+1]
		}
	}
	return params, true
}

// token is literal text, plain or behind a backslash, or a key: a name, an expression, or both, and
// a modifier. A key's expression may hold groups, and these one more level.
var token = regexp.MustCompile(`^(?:\\(.)|([^\\:(){}*+?])|(?::(\w+))?(\((?:[^()\\]|\\.|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\))*\))?([*+?]?))`)

// compile turns a source into a pattern, or says what it does not understand.
func compile(source string) (*pattern, error) {
	fail := func(err error) (*pattern, error) { return nil, fmt.Errorf("source %q: %w", source, err) }
	if !strings.HasPrefix(source, "/") {
		return fail(errors.New("it does not start with a slash"))
	}
	var (
		p       pattern
		expr    strings.Builder
		literal string // text that was read and not yet written to expr
		read    int    // length of all literal text so far
	)
	for rest := source; rest != ""; {
		found := token.FindStringSubmatch(rest)
		text, name, group, modifier := found[1]+found[2], found[3], found[4], found[5]
		rest = rest[len(found[0]):]
		if text != "" {
			literal, read = literal+text, read+len(text)
			continue
		}
		if name == "" && group == "" {
			return fail(fmt.Errorf("%q is not supported here", found[0]+rest))
		}
		inner := "[^/]+?"
		if group != "" {
			var err error
			if inner, err = p.lookahead(group[1:len(group)-1], read); err != nil {
				return fail(err)
			}
		}
		if inner == "" || modifier != "" && p.not != nil {
			return fail(errors.New("an empty group, or a modifier after a negative lookahead"))
		}
		// A modifier covers the slash or dot before the group as well, as in path-to-regexp.
		prefix := ""
		if n := len(literal); n > 0 && strings.ContainsRune("/.", rune(literal[n-1])) {
			prefix, literal = regexp.QuoteMeta(literal[n-1:]), literal[:n-1]
		}
		expr.WriteString(regexp.QuoteMeta(literal))
		literal = ""
		switch {
		case modifier == "" || modifier == "?":
			fmt.Fprintf(&expr, "(?:%s(%s))%s", prefix, inner, modifier)
		case prefix == "":
			return fail(fmt.Errorf("%s after a group without a slash is not supported", modifier))
		default:
			optional := strings.TrimPrefix(strings.Replace(modifier, "*", "?", 1), "+")
			fmt.Fprintf(&expr, "(?:%s((?:%s)(?:%s(?:%s))*))%s", prefix, inner, prefix, inner, optional)
		}
		p.names = append(p.names, name)
	}
	expr.WriteString(regexp.QuoteMeta(literal))
	var err error
	if p.expr, err = regexp.Compile("^" + expr.String() + "$"); err != nil {
		return fail(err)
	}
	if p.expr.NumSubexp() != len(p.names) {
		return fail(errors.New("groups inside a group are not supported"))
	}
	return &p, nil
}

// lookahead takes a leading (?!…) off a group's expression. Its place in the path, after so much
// literal text, is known only where no group stands before it.
func (p *pattern) lookahead(expr string, at int) (rest string, err error) {
	after, ok := strings.CutPrefix(expr, "(?!")
	if !ok {
		return expr, nil
	}
	inner, rest, ok := strings.Cut(after, ")")
	if !ok || strings.ContainsAny(inner, `(\`) || len(p.names) > 0 {
		return "", errors.New("this negative lookahead is not supported")
	}
	p.not, err = regexp.Compile("^(?:" + inner + ")")
	p.notAt = at
	return rest, err
}
