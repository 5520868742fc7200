package app

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// share lets pages of allowed origins read the answer, errors included.
// https://fetch.spec.whatwg.org/#http-cors-protocol
func (c *Call) share() (shared bool) {
	header := c.W.Header()
	header.Add("Vary", "Origin")
	origin := c.R.Header.Get("Origin")
	if !slices.Contains(c.Config.AllowedOrigins, origin) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	header.Set("Access-Control-Allow-Credentials", "true") // of the same site: cookies come along
	header.Set("Access-Control-Expose-Headers", "X-Error-Code")
	return true
}

// preflight answers a browser that asks whether a script may make a request.
func (c *Call) preflight(route Route, shared bool) error {
	if !shared {
		return Fail(ForbiddenOrigin, errors.New("asked for by a page that is not of an allowed origin"))
	}
	header := c.W.Header()
	header.Set("Access-Control-Allow-Methods", route.allowed())
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	header.Set("Access-Control-Max-Age", "600")
	c.W.WriteHeader(http.StatusNoContent)
	return nil
}

// allowed lists the route's methods.
func (r Route) allowed() string {
	methods := slices.Collect(maps.Keys(r.Methods))
	if r.Shared {
		methods = append(methods, http.MethodOptions)
	}
	return strings.Join(slices.Sorted(slices.Values(methods)), ", ")
}
