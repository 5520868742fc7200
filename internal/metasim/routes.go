package metasim

import (
	"net/http"
	"path"
	"regexp"
	"strings"
)

// route names a request's step and what serves it: a page for people, or an endpoint of the Graph
// API.
type route struct {
	method, path, step string
	// check finds out who calls and refuses whom it must; nil lets everybody in.
	check func(*Sim, *call) (access, error)
	// endpoint returns a value to be written as JSON, or an *apiError. Exactly one of it and page
	// is set.
	endpoint func(*Sim, access) (any, error)
	page     func(*Sim, *call) response
}

// routes stand below /vX.Y/ and are tried in order; a star is one segment, the id. A
// person's numeric id in place of "me" counts as step "page" where nothing follows it.
var routes = []route{
	{"GET", "dialog/oauth", "dialog", nil, nil, (*Sim).showDialog},
	{"POST", "dialog/oauth", "dialog", nil, nil, (*Sim).submitDialog},
	{"GET", "oauth/access_token", "exchange", (*Sim).checkAppSecret, (*Sim).exchange, nil},
	{"POST", "oauth/access_token", "exchange", (*Sim).checkAppSecret, (*Sim).exchange, nil},
	{"GET", "debug_token", "debug_token", (*Sim).checkAppToken, (*Sim).debugToken, nil},
	{"GET", "me", "me", (*Sim).checkToken, (*Sim).node, nil},
	{"GET", "*", "page", (*Sim).checkToken, (*Sim).node, nil},
	{"GET", "*/accounts", "accounts", (*Sim).checkSelf, (*Sim).accounts, nil},
	{"GET", "*/permissions", "permissions", (*Sim).checkSelf, (*Sim).permissions, nil},
	{"DELETE", "*/permissions", "revoke", (*Sim).checkSelf, (*Sim).revoke, nil},
	{"POST", "*/subscribed_apps", "subscribe", (*Sim).checkPageManager, (*Sim).subscribe, nil},
	{"GET", "*/subscribed_apps", "subscriptions", (*Sim).checkPageManager, (*Sim).subscribedApps, nil},
	{"DELETE", "*/subscribed_apps", "unsubscribe", (*Sim).checkPageManager, (*Sim).unsubscribe, nil},
	{"POST", "*/messages", "messages", (*Sim).checkPage, (*Sim).sendMessage, nil},
	{"GET", "*/subscriptions", "app_subscriptions", (*Sim).checkAppToken, (*Sim).listAppSubscriptions, nil},
	{"GET", "*/businesses", "businesses", (*Sim).checkBusinessUser, (*Sim).businesses, nil},
	{"GET", "*/owned_pages", "owned_pages", (*Sim).checkBusinessUser, (*Sim).businessPages, nil},
	{"GET", "*/client_pages", "client_pages", (*Sim).checkBusinessUser, (*Sim).businessPages, nil},
}

var (
	upgradeRoute = route{step: "upgrade", check: (*Sim).checkAppSecret, endpoint: (*Sim).upgrade}
	pictureRoute = route{step: "picture", page: (*Sim).picture}
	unknownRoute = route{step: "unknown", endpoint: (*Sim).unknownPath}
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
	c.id, _, _ = strings.Cut(parts[2], "/")
	for _, rt := range routes {
		if fits, _ := path.Match(rt.path, parts[2]); !fits || c.id == "" || rt.method != c.r.Method {
			continue
		}
		c.route = rt
		if rt.step == "exchange" && c.param("grant_type") == "fb_exchange_token" {
			c.route = upgradeRoute
		}
		return
	}
}

// graph reports whether the route belongs to the Graph API.
func (rt route) graph() bool { return rt.endpoint != nil }

// serve runs the route. The caller holds s.mu.
func (rt route) serve(s *Sim, c *call) response {
	if rt.page != nil {
		return rt.page(s, c)
	}
	if c.tooLarge {
		const message = "The request is too large."
		return c.refuse(&apiError{status: http.StatusRequestEntityTooLarge, Code: 1, Message: message})
	}
	a, err := access{call: c}, error(nil)
	if rt.check != nil {
		a, err = rt.check(s, c)
	}
	if err != nil {
		return c.refuse(err)
	}
	value, err := rt.endpoint(s, a)
	if err != nil {
		return c.refuse(err)
	}
	return c.json(http.StatusOK, value, newTraceID())
}

func (s *Sim) unknownPath(a access) (any, error) {
	return nil, errorf(2500, "Unknown path components: %s", a.r.URL.Path)
}
