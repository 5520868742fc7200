package metasim

import (
	"net/http"
	"regexp"
	"strings"
)

// route names a request's step and what serves it. Exactly one of graphAPI and
// page is set.
type route struct {
	method, path string
	step         string
	graphAPI     func(*Sim, *call) (any, error) // a value to be written as JSON, or a *fault
	page         func(*Sim, *call) answer       // for people, not for programs
}

// routes stand below /vX.Y/ and are tried in order; {id} is one segment.
// A person's numeric id in place of "me" counts as step "page" where nothing
// follows it.
var routes = []route{
	{method: "GET", path: "dialog/oauth", step: "dialog", page: (*Sim).showDialog},
	{method: "POST", path: "dialog/oauth", step: "dialog", page: (*Sim).submitDialog},
	{method: "GET", path: "oauth/access_token", step: "exchange", graphAPI: (*Sim).exchange},
	{method: "POST", path: "oauth/access_token", step: "exchange", graphAPI: (*Sim).exchange},
	{method: "GET", path: "debug_token", step: "debug_token", graphAPI: (*Sim).debugToken},
	{method: "GET", path: "me", step: "me", graphAPI: (*Sim).node},
	{method: "GET", path: "{id}", step: "page", graphAPI: (*Sim).node},
	{method: "GET", path: "{id}/accounts", step: "accounts", graphAPI: (*Sim).accounts},
	{method: "GET", path: "{id}/permissions", step: "permissions", graphAPI: (*Sim).permissions},
	{method: "DELETE", path: "{id}/permissions", step: "revoke", graphAPI: (*Sim).revoke},
	{method: "POST", path: "{id}/subscribed_apps", step: "subscribe", graphAPI: (*Sim).subscribe},
	{method: "GET", path: "{id}/subscribed_apps", step: "subscriptions", graphAPI: (*Sim).subscribedApps},
	{method: "DELETE", path: "{id}/subscribed_apps", step: "unsubscribe", graphAPI: (*Sim).unsubscribe},
	{method: "POST", path: "{id}/messages", step: "messages", graphAPI: (*Sim).sendMessage},
	{method: "GET", path: "{id}/subscriptions", step: "app_subscriptions", graphAPI: (*Sim).listAppSubscriptions},
	{method: "GET", path: "{id}/businesses", step: "businesses", graphAPI: (*Sim).businesses},
	{method: "GET", path: "{id}/owned_pages", step: "owned_pages", graphAPI: (*Sim).ownedPages},
	{method: "GET", path: "{id}/client_pages", step: "client_pages", graphAPI: (*Sim).clientPages},
}

var upgradeRoute = route{step: "upgrade", graphAPI: (*Sim).upgrade}

var (
	pictureRoute = route{step: "picture", page: (*Sim).picture}
	unknownRoute = route{step: "unknown", graphAPI: (*Sim).unknownPath}
)

var versioned = regexp.MustCompile(`^/(v\d+\.\d+)/(.*)$`)

// findRoute sets the call's version, route and id from its path.
func (c *call) findRoute() {
	if strings.HasPrefix(c.r.URL.Path, "/pictures/") && c.r.Method == http.MethodGet {
		c.route = pictureRoute
		return
	}
	c.route = unknownRoute
	parts := versioned.FindStringSubmatch(c.r.URL.Path)
	if parts == nil {
		return
	}
	c.version = parts[1]
	for _, rt := range routes {
		id, ok := matchPath(rt.path, parts[2])
		if !ok || rt.method != c.r.Method {
			continue
		}
		c.route, c.id = rt, id
		if rt.step == "exchange" && c.param("grant_type") == "fb_exchange_token" {
			c.route = upgradeRoute
		}
		return
	}
}

// matchPath matches path against a route's pattern and returns its {id}; for
// the pattern "me" that is "me".
func matchPath(pattern, path string) (id string, ok bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) || got[0] == "" {
		return "", false
	}
	for i := range want {
		if want[i] != "{id}" && want[i] != got[i] {
			return "", false
		}
	}
	return got[0], true
}

// graph reports whether the route belongs to the Graph API.
func (rt route) graph() bool { return rt.graphAPI != nil }

// serve runs the route. The caller holds s.mu.
func (rt route) serve(s *Sim, c *call) answer {
	if rt.page != nil {
		return rt.page(s, c)
	}
	if c.tooLarge {
		return c.refuse(&fault{status: http.StatusRequestEntityTooLarge, code: 1, message: "The request is too large."})
	}
	value, err := rt.graphAPI(s, c)
	if err != nil {
		return c.refuse(err)
	}
	return c.accept(value)
}

func (s *Sim) unknownPath(c *call) (any, error) {
	return nil, &fault{code: 2500, message: "Unknown path components: " + c.r.URL.Path}
}
