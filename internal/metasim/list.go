package metasim

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

const (
	defaultLimit = 25
	maxLimit     = 100
	nestedLimit  = 25 // of a list inside another answer
)

// part is which part of a list is asked for.
type part struct {
	edge   string // the edge's name, for the link to the next part
	fields string // the fields parameter, for that link
	limit  int
	after  string // cursor; "": from the start
}

// listParams reads fields, limit and after.
func (c *call) listParams(edge string) ([]field, part, error) {
	fields, err := parseFields(c.param("fields"))
	if err != nil {
		return nil, part{}, err
	}
	which := part{edge: edge, fields: c.param("fields"), limit: defaultLimit, after: c.param("after")}
	if text := c.param("limit"); text != "" {
		which.limit, err = strconv.Atoi(text)
		if err != nil || which.limit < 1 {
			return nil, part{}, &fault{code: 100, message: "(#100) param limit must be a positive integer"}
		}
		which.limit = min(which.limit, maxLimit)
	}
	return fields, which, nil
}

// list is one part of the list of ids below the node owner; render makes the
// object of the i-th.
func (v view) list(owner string, ids []string, which part, render func(i int) (object, error)) (object, error) {
	start := 0
	if which.after != "" {
		id, err := base64.RawURLEncoding.DecodeString(which.after)
		at := slices.Index(ids, string(id))
		if err != nil || at < 0 {
			return nil, &fault{code: 100, message: "(#100) Invalid cursor"}
		}
		start = at + 1
	}
	end := min(start+which.limit, len(ids))
	data := []object{}
	for i := start; i < end; i++ {
		o, err := render(i)
		if err != nil {
			return nil, err
		}
		data = append(data, o)
	}
	list := object{"data": data}
	if len(data) > 0 {
		list["paging"] = v.paging(owner, which, ids[start], ids[end-1], end < len(ids))
	}
	return list, nil
}

// paging has the cursors on every part, the last one too, and next only where
// more follows. Like Meta's, next carries the token and no proof: it is a trap
// for those who follow it.
func (v view) paging(owner string, which part, first, last string, more bool) object {
	cursor := func(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }
	p := object{"cursors": object{"before": cursor(first), "after": cursor(last)}}
	if !more {
		return p
	}
	q := url.Values{"access_token": {v.token.value}, "limit": {strconv.Itoa(which.limit)}, "after": {cursor(last)}}
	if which.fields != "" {
		q.Set("fields", which.fields)
	}
	p["next"] = fmt.Sprintf("%s/%s/%s/%s?%s", v.base(), v.version, owner, which.edge, q.Encode())
	return p
}
