package metasim

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"html"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object, such as a node with the fields that were asked for.
type object map[string]any

// node serves GET /{id} of a person or a Page.
func (s *Sim) node(c *call) (any, error) {
	fields, err := parseFields(cmp.Or(c.param("fields"), "name,id"))
	if err != nil {
		return nil, err
	}
	if c.person == nil {
		return nil, c.missingObject()
	}
	if c.token.Kind == userToken && (c.id == "me" || c.id == c.person.ID) {
		return s.userObject(c, fields)
	}
	id := c.id
	if id == "me" {
		id = c.token.Page // with a Page token, "me" is the Page
	}
	page := c.person.page(id)
	if page == nil || !c.maySee(page) {
		return nil, c.missingObject()
	}
	if err := c.checkDataAccess(); err != nil {
		return nil, err
	}
	if page.NoRead && c.token.Kind == userToken && !c.consent.has("pages_read_engagement") {
		return nil, errorf(10, "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public Content Access' feature.")
	}
	return s.pageObject(c, page, fields)
}

// maySee reports whether the token may read the Page: a Page token its own, a user token those
// shared.
func (c *call) maySee(p *Page) bool {
	if c.token.Kind == pageToken {
		return c.token.Page == p.ID
	}
	return c.consent.shares(p.ID) && c.consent.has("pages_show_list")
}

func (s *Sim) userObject(c *call, fields []field) (object, error) {
	values := object{"id": c.person.ID, "name": c.person.Name}
	for _, f := range fields {
		if f.name == "accounts" {
			q := listQuery{edge: f.name, fields: f.sub, limit: min(cmp.Or(f.limit, defaultLimit), nestedLimit)}
			list, err := s.pageList(c, c.person.ID, c.listedPages(), q)
			if err != nil {
				return nil, err
			}
			values[f.name] = list
		}
	}
	return pick(fields, "User", values)
}

// pageObject is a Page with fields that each Page has. The person's tasks are not among them: they
// belong to the lists of what the person may do (see pageList).
func (s *Sim) pageObject(c *call, p *Page, fields []field) (object, error) {
	values := object{"id": p.ID, "name": p.Name, "category": "Brand"}
	for _, f := range fields {
		var err error
		switch {
		case f.name == "instagram_business_account":
			values[f.name], err = c.instagramObject(f, p.Instagram)
		case f.name == "connected_instagram_account":
			// Meta shows the professional account here too.
			values[f.name], err = c.instagramObject(f, cmp.Or(p.Personal, p.Instagram))
		case f.name == "access_token" && c.token.Kind == pageToken:
			values[f.name] = c.token.Value
		case f.name == "access_token" && p.NoToken:
			values[f.name] = nil
		case f.name == "access_token":
			values[f.name] = s.issuePage(c.token, p, c.now).Value
		}
		if err != nil {
			return nil, err
		}
	}
	return pick(fields, "Page", values)
}

// instagramObject is the account as a field of a Page, nil where there is none, or no
// instagram_basic. An unknown subfield is refused all the same.
func (c *call) instagramObject(f field, ig *Instagram) (any, error) {
	shown := ig != nil && c.consent.has("instagram_basic")
	if ig == nil {
		ig = &Instagram{}
	}
	// ig_id is the account's old id: another number, and not the one that webhooks carry.
	number, _ := strconv.ParseInt(ig.ID, 10, 64)
	account, err := pick(f.sub, "IGUser", object{
		"id": ig.ID, "username": ig.Username, "name": ig.Name, "ig_id": number%9_000_000_000 + 1_000_000_000,
		"profile_picture_url": c.origin() + "/pictures/" + ig.ID + ".svg",
	})
	if !shown || err != nil {
		return nil, err
	}
	return account, nil
}

// pick returns the id and the fields asked for of a node that has these values and no others. Meta
// leaves fields without a value out.
func pick(fields []field, node string, values object) (object, error) {
	o := object{"id": values["id"]}
	for _, f := range fields {
		value, ok := values[f.name]
		if !ok {
			return nil, errorf(100, "(#100) Tried accessing nonexisting field (%s) on node type (%s)", f.name, node)
		}
		if value != nil {
			o[f.name] = value
		}
	}
	return o, nil
}

const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="160" viewBox="0 0 160 160">` +
	`<rect width="160" height="160" fill="hsl(%d 55%% 42%%)"/>` +
	`<text x="80" y="104" font-family="system-ui,sans-serif" font-size="72" font-weight="600" ` +
	`fill="#fff" text-anchor="middle">%s</text></svg>`

// picture serves /pictures/<id>.svg: the account's initial on a colour of its own.
func (s *Sim) picture(c *call) response {
	id, ok := strings.CutSuffix(path.Base(c.r.URL.Path), ".svg")
	var ig *Instagram
	for _, page := range s.allPages() {
		for _, linked := range []*Instagram{page.Instagram, page.Personal} {
			if linked != nil && linked.ID == id {
				ig = linked
			}
		}
	}
	if !ok || ig == nil {
		return newResponse(http.StatusNotFound, "text/plain; charset=utf-8", []byte("No such picture.\n"))
	}
	hash := fnv.New32a()
	hash.Write([]byte(id))
	letter := html.EscapeString(strings.ToUpper(initial(ig.Username)))
	res := newResponse(http.StatusOK, "image/svg+xml", fmt.Appendf(nil, picture, hash.Sum32()%360, letter))
	res.header.Set("Cache-Control", "public, max-age=300")
	return res
}

// field is one of a fields parameter: name, name{sub,…} or name.limit(n){sub,…}.
type field struct {
	name  string
	limit int // 0: not given
	sub   []field
}

const maxFieldDepth = 8

// fieldHead is a field up to its brace.
var fieldHead = regexp.MustCompile(`^([a-z_0-9]+)(?:\.limit\((\d{1,4})\))?`)

// parseFields parses a fields parameter.
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

func (p *fieldParser) list(depth int) (fields []field, err error) {
	for more := true; more; more = p.take(",") {
		head := fieldHead.FindStringSubmatch(p.rest)
		if head == nil {
			return nil, p.expected("name")
		}
		p.rest = p.rest[len(head[0]):]
		f := field{name: head[1]}
		f.limit, _ = strconv.Atoi(head[2]) // at most four digits, or none
		if p.take("{") {
			if depth == maxFieldDepth {
				return nil, syntaxError("Fields are nested too deeply")
			}
			if f.sub, err = p.list(depth + 1); err != nil {
				return nil, err
			}
			if !p.take("}") {
				return nil, p.expected("}")
			}
		}
		if slices.ContainsFunc(fields, func(g field) bool { return g.name == f.name }) {
			return nil, syntaxError("Field %s specified more than once. This is only possible before version 2.1", f.name)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// take reads past text if it comes next, and reports whether it does.
func (p *fieldParser) take(text string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, text)
	return ok
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
