package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// vouch looks at the route of the app that vouches for its users, as a stranger: it must vouch for
// nobody then, and lead nobody to an address out of the query.
func (d *doctor) vouch(ctx context.Context) []check {
	address := vouchURL(d.get(ctx, "/api/login", asBrowser))
	if address == nil {
		return nil
	}
	got := d.getAt(ctx, address.String(), asBrowser)
	if problem := noRoute(got); problem != nil {
		return []check{*problem}
	}
	return []check{d.vouchesForStrangers(address, got), d.followsQuery(ctx, address)}
}

// vouchURL returns where a login without a session is sent to, with the nonce for this browser, if
// it is to VOUCH_URL; else nil.
func vouchURL(got answer) *url.URL {
	to, err := url.Parse(got.header.Get("Location"))
	if got.status != http.StatusFound || err != nil || !to.IsAbs() || to.Query().Get("nonce") == "" ||
		strings.Contains(to.Path, "/dialog/oauth") {
		return nil
	}
	return to
}

// noRoute says why an answer is none of a route that vouches; nil: it can be.
func noRoute(got answer) *check {
	const name, fix = "VOUCH_URL",
		"Set VOUCH_URL to the address of the app's route that vouches (docs/users.md). It must answer GET."
	said := fmt.Sprintf("It answers %d.", got.status)
	switch {
	case got.err != nil:
		said = "Nothing answers there: " + reason(got.err) + "."
	case got.status == http.StatusUnauthorized || got.status == http.StatusForbidden:
		return nil
	case got.status >= 300 && got.status < 400 && got.header.Get("Location") == "":
		said = fmt.Sprintf("It answers %d and leads nowhere.", got.status)
	case got.status < 400:
		return nil
	}
	return new(wrong(name, said, fix+" If it is right, the app's log says more."))
}

// vouchesForStrangers judges what the route answers to a request without any cookie. Where it leads
// to is not followed: that is the app's own sign-in.
func (d *doctor) vouchesForStrangers(address *url.URL, got answer) check {
	const name = "strangers get no ticket"
	to := leadsTo(address, got)
	switch {
	case d.isLogin(to) && to.Query().Get("ticket") != "", d.hasTicket(got, address.Query().Get("nonce")):
		return wrong(name, "The app vouches for strangers: there is a ticket in its answer to a request "+
			"without any cookie. Whoever asks connects accounts to that user.",
			"In the route at VOUCH_URL, sign a ticket only for the user whose session came along with this "+
				"request, and lead everybody else to your sign-in. No cache may keep its answers.")
	case d.isLogin(to):
		return wrong(name, "It leads strangers back here without a ticket, and they are sent there again.",
			"Let the route at VOUCH_URL lead people without a session to your sign-in.")
	case got.status >= 400:
		return note(name, fmt.Sprintf("It answers them %d, so people who are not signed in end there. Let it "+
			"lead to your sign-in, and from there back to the same address.", got.status))
	}
	return passed(name)
}

// redirectNames are names of parameters that apps often take an address to return to from.
var redirectNames = []string{"return_to", "redirect", "redirect_uri", "redirect_url", "callback", "next", "url"}

// elsewhere is a host that there is not (RFC 2606).
const elsewhere = "elsewhere.invalid"

// followsQuery tries whether the route leads to an address out of the query: somebody else's, who
// would get the ticket. It sees only what happens to strangers.
func (d *doctor) followsQuery(ctx context.Context, address *url.URL) check {
	const name = "the query leads nobody away"
	query := address.Query()
	for _, parameter := range redirectNames {
		query.Set(parameter, "https://"+elsewhere+"/"+parameter)
	}
	tried := *address
	tried.RawQuery = query.Encode()
	got := d.getAt(ctx, tried.String(), asBrowser)
	switch to := leadsTo(&tried, got); {
	case got.err != nil:
		return unchecked(name, "No answer: "+reason(got.err)+".")
	case to != nil && to.Hostname() == elsewhere:
		return wrong(name, "It leads to an address out of the query, in "+strings.Trim(to.Path, "/")+": "+
			"a link with somebody else's address there can give him the ticket.",
			"In the route at VOUCH_URL, redirect to this deployment's /api/login and to your own sign-in, as "+
				"fixed addresses, and never to one out of a request.")
	}
	return passed(name)
}

// leadsTo returns where an answer leads to; nil: nowhere.
func leadsTo(from *url.URL, got answer) *url.URL {
	location := got.header.Get("Location")
	to, err := from.Parse(location)
	if err != nil || location == "" || got.status < 300 || got.status > 399 {
		return nil
	}
	return to
}

// isLogin reports whether an address is that of the deployment's own login.
func (d *doctor) isLogin(to *url.URL) bool {
	return to != nil && strings.EqualFold(to.Scheme+"://"+to.Host, d.url) &&
		strings.TrimSuffix(to.Path, "/") == "/api/login"
}

// hasTicket reports whether a token in an answer, other than in cookies, is about somebody or for
// us. Others, such as Supabase's older publishable keys, may stand in any page.
func (d *doctor) hasTicket(got answer, nonce string) bool {
	texts := []string{string(got.body)}
	for name, values := range got.header {
		if name != "Set-Cookie" {
			texts = append(texts, values...)
		}
	}
	for _, text := range texts {
		for _, found := range compactToken.FindAllString(text, -1) {
			t, ok := readToken(found)
			if ok && (t.claims["sub"] != nil || t.claims["nonce"] == nonce || slices.Contains(t.audience(), d.url)) {
				return true
			}
		}
	}
	return false
}

// compactToken finds what may be a JSON Web Token: an object in base64url begins with ey or ew.
var compactToken = regexp.MustCompile(`e[yw][A-Za-z0-9_-]+\.e[yw][A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)
