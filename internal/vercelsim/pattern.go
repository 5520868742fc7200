package vercelsim

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// pattern is a compiled source of vercel.json: the subset of path-to-regexp 6 (strict, sensitive)
// with literals and (expression). Parameters (:name) and the modifiers *, + and ? are not in it.
type pattern struct {
	expr *regexp.Regexp

	// Go's expressions have no lookahead. The one form that sources use, a group that begins with
	// (?!…) after literal text, is checked beside expr.
	not   *regexp.Regexp
	notAt int
}

// match reports whether the whole path matches.
func (p *pattern) match(path string) bool {
	return p.expr.MatchString(path) && (p.not == nil || !p.not.MatchString(path[p.notAt:]))
}

// token is literal text, plain or behind a backslash, or a group, which may hold groups, and these
// one more level.
var token = regexp.MustCompile(`^(?:\\(.)|([^\\:(){}*+?])|(\((?:[^()\\]|\\.|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\))*\)))`)

// compile turns a source into a pattern, or says what it does not understand.
func compile(source string) (p *pattern, err error) {
	fail := func(reason string) (*pattern, error) { return nil, fmt.Errorf("source %q: %s", source, reason) }
	if !strings.HasPrefix(source, "/") {
		return fail("it does not start with a slash")
	}
	p = &pattern{}
	expr, groups, read := "^", 0, 0 // read: bytes of literal text so far
	for rest := source; rest != ""; {
		found := token.FindStringSubmatch(rest)
		if found == nil {
			return fail(fmt.Sprintf("%q is not supported here", rest))
		}
		rest = rest[len(found[0]):]
		text, group := found[1]+found[2], found[3]
		if text != "" {
			expr, read = expr+regexp.QuoteMeta(text), read+len(text)
			continue
		}
		inner := group[1 : len(group)-1]
		if strings.HasPrefix(inner, "(?!") {
			if groups > 0 { // its place in the path is not known
				return fail("a negative lookahead after a group")
			}
			if inner, err = p.lookahead(inner, read); err != nil {
				return fail(err.Error())
			}
		}
		if inner == "" {
			return fail("an empty group")
		}
		expr, groups = expr+"("+inner+")", groups+1
	}
	if p.expr, err = regexp.Compile(expr + "$"); err != nil {
		return fail(err.Error())
	}
	if p.expr.NumSubexp() != groups {
		return fail("groups inside a group are not supported")
	}
	return p, nil
}

// lookahead takes a leading (?!…) off a group's expression, after so much literal text.
func (p *pattern) lookahead(expr string, at int) (rest string, err error) {
	inner, rest, ok := strings.Cut(strings.TrimPrefix(expr, "(?!"), ")")
	if !ok || strings.ContainsAny(inner, `(\`) {
		return "", errors.New("this negative lookahead is not supported")
	}
	p.not, err = regexp.Compile("^(?:" + inner + ")")
	p.notAt = at
	return rest, err
}
