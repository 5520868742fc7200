package web

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// FromAllowedPage fails if another website made the browser send this: it
// could sign its own user in here and have a visitor's account connected to
// that one, or write with the visitor's cookies. A write by cookie or form
// must name its origin; a script with a token may come without.
func (r *Request) FromAllowedPage() error {
	origin := r.Header.Get("Origin")
	unnamed := origin == "" && (r.Method == http.MethodGet || byScript(r))
	if unnamed || slices.Contains(r.App.Config.AllowedOrigins, origin) {
		return nil
	}
	return fail(ForbiddenOrigin, notListed("the page that asks", origin))
}

// notListed tells the operator which setting allows an address of the app, where one
// would. It names the origin alone.
func notListed(what, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !plainHost.MatchString(u.Host) {
		return fmt.Errorf("%s is not allowed", what)
	}
	return fmt.Errorf("%s is at %s://%s, which is not in ALLOWED_ORIGINS", what, u.Scheme, u.Host)
}

var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?$`)

// Hostname is the name by which the browser came, without a port.
func (r *Request) Hostname() string {
	host, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ",")
	if host = strings.TrimSpace(host); host == "" {
		host = r.Host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.Trim(host, "[]")
}

// OnOtherHost returns the address of this login on the host of the redirect URI,
// and reports whether the request came by another name (www, a preview). It does
// so once: a proxy that renames hosts must not make a loop.
func (r *Request) OnOtherHost() (location string, other bool) {
	query := r.URL.Query()
	if query.Has("moved") || !elsewhere(r) {
		return "", false
	}
	query.Set("moved", "1")
	return r.App.Config.Origin + "/api/login?" + query.Encode(), true
}

func elsewhere(r *Request) bool {
	return !strings.EqualFold(r.Hostname(), r.App.Config.Hostname())
}

// seenAsOwn reports whether the browser sees us on our own origin, whatever host
// name a proxy has put in its place.
func seenAsOwn(r *Request) bool {
	own := r.App.Config.Origin
	return r.Header.Get("Origin") == own || strings.HasPrefix(r.Referer(), own+"/")
}

// formOfAnotherHost reports whether a page of another host posts here. After a
// redirect to a third one its Origin would be null.
// https://fetch.spec.whatwg.org/#concept-http-redirect-fetch
func formOfAnotherHost(r *Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	return r.Method == http.MethodPost && (err != nil || !strings.EqualFold(origin.Hostname(), r.Hostname()))
}

// share lets pages of allowed origins read the answer, errors included.
// https://fetch.spec.whatwg.org/#http-cors-protocol
func share(r *Request, header http.Header) {
	header.Add("Vary", "Origin")
	if !sharedWith(r) {
		return
	}
	header.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	header.Set("Access-Control-Allow-Credentials", "true") // of the same site: cookies come along
	header.Set("Access-Control-Expose-Headers", "X-Error-Code")
}

func sharedWith(r *Request) bool {
	return r.App != nil && slices.Contains(r.App.Config.AllowedOrigins, r.Header.Get("Origin"))
}

// preflight answers a browser that asks whether a script may make a request.
func preflight(r *Request, route Route) (Response, error) {
	if !sharedWith(r) {
		return Response{}, fail(ForbiddenOrigin, notListed("the page that asks", r.Header.Get("Origin")))
	}
	return Empty(http.StatusNoContent).
		with("Access-Control-Allow-Methods", route.allowed()).
		with("Access-Control-Allow-Headers", "Authorization, Content-Type").
		with("Access-Control-Max-Age", "600"), nil
}
