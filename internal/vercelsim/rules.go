// Package vercelsim simulates Vercel: it routes by vercel.json and calls Go functions under the
// conditions that they meet in production. The dev server runs on it, and so do the tests of the
// functions: a missing Content-Type, a second WriteHeader or a context that nobody cancels shows up
// here first. Start reading at [Open] and [Deployment].
package vercelsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
)

// Rules is what vercel.json says.
type Rules struct {
	rewrites  []rewrite
	headers   []headerRule
	durations []duration
	crons     []string // paths
}

type rewrite struct {
	source *pattern
	path   string
	query  url.Values // what it adds
}

type headerRule struct {
	source *pattern
	header http.Header
}

type duration struct {
	files string // a pattern of path.Match over "api/login.go"
	limit time.Duration
}

// file is vercel.json as it is written.
type file struct {
	Schema    string `json:"$schema"`
	Framework json.RawMessage
	Functions map[string]struct{ MaxDuration int } // seconds
	Rewrites  []struct{ Source, Destination string }
	Crons     []struct{ Path, Schedule string }
	Headers   []struct {
		Source  string
		Headers []struct{ Key, Value string }
	}
}

// Load reads vercel.json. It refuses whatever it does not understand: a rule that is silently
// ignored here would hold on the real platform alone.
func Load(vercelJSON []byte) (rules Rules, err error) {
	var f file
	dec := json.NewDecoder(bytes.NewReader(vercelJSON))
	dec.DisallowUnknownFields()
	err = dec.Decode(&f)
	if _, after := dec.Token(); err == nil && !errors.Is(after, io.EOF) {
		err = errors.New("text after the closing brace")
	}
	if err == nil {
		rules, err = f.rules()
	}
	if err != nil {
		return Rules{}, fmt.Errorf("reading vercel.json: %w", err)
	}
	return rules, nil
}

func (f *file) rules() (rules Rules, err error) {
	// Without it a main.go anywhere in the usual places makes Vercel ignore api/.
	if string(f.Framework) != "null" {
		return rules, errors.New(`"framework" is not null`)
	}
	for files, fn := range f.Functions {
		if _, err := path.Match(files, ""); err != nil || strings.ContainsAny(files, "{!") || strings.Contains(files, "**") {
			return rules, fmt.Errorf("functions: pattern %q is not supported", files)
		}
		if fn.MaxDuration < 1 {
			return rules, fmt.Errorf("functions: %q has no maxDuration", files)
		}
		rules.durations = append(rules.durations, duration{files, time.Duration(fn.MaxDuration) * time.Second})
	}
	for _, c := range f.Crons {
		// More often fails the deployment on the Hobby plan.
		if !dailyExpr.MatchString(c.Schedule) {
			return rules, fmt.Errorf("crons: %q is not once a day", c.Schedule)
		}
		rules.crons = append(rules.crons, c.Path)
	}
	for _, w := range f.Rewrites {
		rule, err := newRewrite(w.Source, w.Destination)
		if err != nil {
			return rules, fmt.Errorf("rewrites: %w", err)
		}
		rules.rewrites = append(rules.rewrites, rule)
	}
	for _, h := range f.Headers {
		source, err := compile(h.Source)
		if err != nil {
			return rules, fmt.Errorf("headers: %w", err)
		}
		rule := headerRule{source, http.Header{}}
		for _, kv := range h.Headers {
			if kv.Key == "" {
				return rules, fmt.Errorf("headers: one of %q has no key", h.Source)
			}
			rule.header.Set(kv.Key, kv.Value)
		}
		rules.headers = append(rules.headers, rule)
	}
	return rules, nil
}

// dailyExpr is a minute and an hour of each day.
var dailyExpr = regexp.MustCompile(`^[0-5]?[0-9] ([01]?[0-9]|2[0-3]) \* \* \*$`)

var paramExpr = regexp.MustCompile(`:[A-Za-z_]`)

func newRewrite(source, destination string) (rewrite, error) {
	src, err := compile(source)
	if err != nil {
		return rewrite{}, err
	}
	if !strings.HasPrefix(destination, "/") || strings.HasPrefix(destination, "//") || strings.Contains(destination, "#") {
		return rewrite{}, fmt.Errorf("destination %q is not a path of this deployment", destination)
	}
	if paramExpr.MatchString(destination) {
		return rewrite{}, fmt.Errorf("destination %q: parameters are not supported", destination)
	}
	dest, rawQuery, _ := strings.Cut(destination, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return rewrite{}, fmt.Errorf("destination %q: %w", destination, err)
	}
	return rewrite{src, dest, query}, nil
}

// headersFor returns the headers of all rules that match path; of several that set the same one the
// last counts.
func (r Rules) headersFor(path string) http.Header {
	h := http.Header{}
	for _, rule := range r.headers {
		if rule.source.match(path) {
			maps.Copy(h, rule.header)
		}
	}
	return h
}

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
