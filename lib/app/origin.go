package app

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxForm bounds a form of ours: some 2,000 chosen accounts.
const maxForm = 64 << 10

// OwnForm reads a form that a page of ours posted; one of another website is
// refused. Our sealed cookies are SameSite=Lax and would not come along with
// it: this says so a second time. Clients that are no browsers send no Origin.
func (c *Call) OwnForm() (url.Values, error) {
	if origin := c.R.Header.Get("Origin"); origin != "" && origin != c.Config.Origin {
		return nil, Fail(ForbiddenOrigin, errors.New("the form is not of our own origin"))
	}
	return c.form()
}

// form reads a posted form.
func (c *Call) form() (url.Values, error) {
	c.R.Body = http.MaxBytesReader(c.W, c.R.Body, maxForm)
	if err := c.R.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, Fail(TooLarge, err)
		}
		return nil, Fail(BadRequest, errors.New("the form cannot be read"))
	}
	return c.R.PostForm, nil
}

// OwnHost returns the address of this login on the host of the redirect URI,
// if the request came by another name (www, a preview); else "". It does so
// once: a proxy that renames hosts must not make a loop.
func (c *Call) OwnHost() (location string) {
	query := c.R.URL.Query()
	if query.Has("moved") || !c.elsewhere() {
		return ""
	}
	query.Set("moved", "1")
	return c.Config.Origin + "/api/login?" + query.Encode()
}

// seenAsOwn tells whether the browser sees us on our own origin, whatever host
// name a proxy has put in its place.
func (c *Call) seenAsOwn() bool {
	return c.R.Header.Get("Origin") == c.Config.Origin || strings.HasPrefix(c.R.Referer(), c.Config.Origin+"/")
}

// formOfAnotherHost tells whether a page of another host posts here. After a
// redirect to a third one its Origin would be null.
// https://fetch.spec.whatwg.org/#concept-http-redirect-fetch
func (c *Call) formOfAnotherHost() bool {
	origin, err := url.Parse(c.R.Header.Get("Origin"))
	return c.R.Method == http.MethodPost && (err != nil || !strings.EqualFold(origin.Hostname(), hostname(c.R)))
}

func (c *Call) elsewhere() bool { return !strings.EqualFold(hostname(c.R), c.Config.Hostname()) }

// hostname is the name by which the browser came, without a port.
func hostname(r *http.Request) string {
	host, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ",")
	if host = strings.TrimSpace(host); host == "" {
		host = r.Host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}
