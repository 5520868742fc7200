package platform

import (
	"fmt"
	"regexp"
	"strings"
)

// pattern is a compiled source of vercel.json: the subset of path-to-regexp 6
// (strict, sensitive, delimiter "/") with literals, :name, (expression) and
// the modifiers *, + and ?.
type pattern struct {
	expr  *regexp.Regexp
	names []string // one a group, "" where the group has no name

	// Go's expressions have no lookahead. The one form that sources use, a
	// group that begins with (?!…) after literal text, is checked beside expr.
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

// compile turns a source into a pattern, or says what it does not understand.
func compile(source string) (*pattern, error) {
	if !strings.HasPrefix(source, "/") {
		return nil, fmt.Errorf("source %q does not start with a slash", source)
	}
	c := compiler{rest: source}
	c.expr.WriteString("^")
	for c.rest != "" {
		if err := c.next(); err != nil {
			return nil, fmt.Errorf("source %q: %w", source, err)
		}
	}
	c.flush()
	c.expr.WriteString("$")
	expr, err := regexp.Compile(c.expr.String())
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", source, err)
	}
	if expr.NumSubexp() != len(c.out.names) {
		return nil, fmt.Errorf("source %q: groups inside a group are not supported", source)
	}
	c.out.expr = expr
	return &c.out, nil
}

// compiler reads one source from left to right.
type compiler struct {
	rest    string
	literal string // text read and not yet written to expr
	read    int    // length of all literal text so far
	expr    strings.Builder
	out     pattern
}

// next takes one token off the source.
func (c *compiler) next() error {
	switch ch := c.rest[0]; ch {
	case '\\':
		if len(c.rest) == 1 {
			return fmt.Errorf("nothing follows the last backslash")
		}
		c.text(c.rest[1:2])
		c.rest = c.rest[2:]
		return nil
	case ':':
		name := nameExpr.FindString(c.rest[1:])
		if name == "" {
			return fmt.Errorf("a colon without a name")
		}
		c.rest = c.rest[1+len(name):]
		if strings.HasPrefix(c.rest, "(") {
			return c.group(name)
		}
		return c.key(name, "[^/]+?")
	case '(':
		return c.group("")
	case '{', '}', '*', '+', '?', ')':
		return fmt.Errorf("%q is not supported here", ch)
	default:
		c.text(c.rest[:1])
		c.rest = c.rest[1:]
		return nil
	}
}

var nameExpr = regexp.MustCompile(`^[A-Za-z0-9_]+`)

func (c *compiler) text(s string) {
	c.literal += s
	c.read += len(s)
}

// group reads "(expression)", balanced, and adds it under name.
func (c *compiler) group(name string) error {
	depth, end := 0, -1
	for i := 0; i < len(c.rest) && end < 0; i++ {
		switch c.rest[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				end = i
			}
		}
	}
	if end < 0 {
		return fmt.Errorf("a group is not closed")
	}
	expr := c.rest[1:end]
	c.rest = c.rest[end+1:]
	if strings.HasPrefix(expr, "(?!") {
		var err error
		if expr, err = c.lookahead(expr); err != nil {
			return err
		}
	}
	return c.key(name, expr)
}

// lookahead takes a leading (?!…) off expr. Its place in the path is known
// only where nothing but literal text stands before it.
func (c *compiler) lookahead(expr string) (string, error) {
	inner, rest, ok := strings.Cut(expr[len("(?!"):], ")")
	if !ok || strings.ContainsAny(inner, `(\`) || len(c.out.names) > 0 {
		return "", fmt.Errorf("this negative lookahead is not supported")
	}
	not, err := regexp.Compile("^(?:" + inner + ")")
	if err != nil {
		return "", err
	}
	c.out.not, c.out.notAt = not, c.read
	return rest, nil
}

// key writes a group and the modifier that follows it. A modifier covers the
// slash or dot before the group as well, as in path-to-regexp.
func (c *compiler) key(name, expr string) error {
	if expr == "" {
		return fmt.Errorf("an empty group")
	}
	modifier := ""
	if c.rest != "" && strings.ContainsRune("*+?", rune(c.rest[0])) {
		modifier, c.rest = c.rest[:1], c.rest[1:]
		if c.out.not != nil {
			return fmt.Errorf("a modifier after a negative lookahead is not supported")
		}
	}
	prefix := ""
	if n := len(c.literal); n > 0 && strings.ContainsRune("/.", rune(c.literal[n-1])) {
		prefix, c.literal = regexp.QuoteMeta(c.literal[n-1:]), c.literal[:n-1]
	}
	c.flush()
	switch {
	case modifier == "" || modifier == "?":
		fmt.Fprintf(&c.expr, "(?:%s(%s))%s", prefix, expr, modifier)
	case prefix == "":
		return fmt.Errorf("%s after a group without a slash is not supported", modifier)
	default:
		optional := strings.TrimPrefix(strings.Replace(modifier, "*", "?", 1), "+")
		fmt.Fprintf(&c.expr, "(?:%s((?:%s)(?:%s(?:%s))*))%s", prefix, expr, prefix, expr, optional)
	}
	c.out.names = append(c.out.names, name)
	return nil
}

// flush writes the literal text read so far.
func (c *compiler) flush() {
	c.expr.WriteString(regexp.QuoteMeta(c.literal))
	c.literal = ""
}
