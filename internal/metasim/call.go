package metasim

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const maxBody = 1 << 20

// call is one request, read.
type call struct {
	r           *http.Request
	version     string // "v24.0"
	route       route
	id          string // the path's first segment below the version
	query, form url.Values
	tooLarge    bool

	now   time.Time
	fault Fault // that applies
}

// readCall reads r whole, so that the server notices when its client goes away, and finds its
// route.
func readCall(w http.ResponseWriter, r *http.Request) *call {
	c := &call{r: r, query: r.URL.Query(), form: url.Values{}}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c.tooLarge = err != nil
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/x-www-form-urlencoded":
		c.form, _ = url.ParseQuery(string(body))
	case "application/json":
		c.form = jsonForm(body)
	}
	c.findRoute()
	return c
}

// jsonForm is a JSON object as the Graph API takes it: each member is a parameter, an object in
// it stays JSON text.
func jsonForm(body []byte) url.Values {
	form := url.Values{}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return form
	}
	for name, raw := range members {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		form.Set(name, text)
	}
	return form
}

// param returns a parameter, the body's before the query's.
func (c *call) param(name string) string {
	if c.form.Has(name) {
		return c.form.Get(name)
	}
	return c.query.Get(name)
}

// origin is the Sim's own, as the client called it.
func (c *call) origin() string {
	scheme := "http"
	if c.r.TLS != nil || strings.EqualFold(c.r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host
}
