package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"igconnect/lib/config"
	"igconnect/lib/page"
)

// login begins a login, which saves nothing: what it asks Meta for, and how it
// leaves its state in the browser.
func (d *doctor) login(ctx context.Context) []check {
	checks := []check{d.signedOut(ctx)}
	if d.session.Empty() {
		const why = "Set DOCTOR_SESSION to the access token of a signed-in user."
		return append(checks, unchecked("state cookie", why), unchecked("permissions", why))
	}
	got, err := d.get(ctx, "/api/login", map[string]string{"Authorization": "Bearer " + d.session.Reveal(), "Accept": "application/json"})
	var begun struct{ URL string }
	switch {
	case err != nil:
		return append(checks, silent("login", err))
	case got.refused(http.StatusUnauthorized, "signed_out"):
		return append(checks, bad("login", "Supabase does not accept DOCTOR_SESSION.", "Take a new one of the same Supabase project: they last an hour."))
	case got.status != http.StatusOK || json.Unmarshal(got.body, &begun) != nil:
		return append(checks, d.noLogin(got))
	}
	dialog, err := url.Parse(begun.URL)
	if err != nil || dialog.Host == "" {
		return append(checks, notOurs("login", got))
	}
	checks = append(checks, d.stateCookie(got))
	return append(checks, permissions(dialog.Query())...)
}

func (d *doctor) noLogin(got answer) check {
	if code := got.header.Get("X-Error-Code"); code != "" {
		return bad("login", "It fails with "+code+".", "See the settings above; the log of the deployment says more.")
	}
	return notOurs("login", got)
}

// stateCookie checks the cookie that ties a login to its browser.
// https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
func (d *doctor) stateCookie(got answer) check {
	const (
		name   = "state cookie"
		maxAge = 10 * 60 // seconds
	)
	cookies := (&http.Response{Header: got.header}).Cookies()
	at := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return strings.Contains(c.Name, "igconnect_state_") })
	if at < 0 {
		return bad(name, "The login sets none, so it can never be finished.", "Look for a proxy or cache in between that takes Set-Cookie away.")
	}
	cookie, secure := cookies[at], strings.HasPrefix(d.url, "https:")
	var missing []string
	for attribute, there := range map[string]bool{
		"HttpOnly": cookie.HttpOnly, "SameSite=Lax": cookie.SameSite == http.SameSiteLaxMode,
		"Path=/": cookie.Path == "/", "no Domain": cookie.Domain == "",
		"ten minutes at most": cookie.MaxAge > 0 && cookie.MaxAge <= maxAge,
		"Secure":              cookie.Secure || !secure,
		"the prefix __Host-":  strings.HasPrefix(cookie.Name, "__Host-") || !secure,
	} {
		if !there {
			missing = append(missing, attribute)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return bad(name, "Missing: "+strings.Join(missing, ", ")+".", "Set REDIRECT_URI to the https address, and look for a proxy in between that rewrites cookies.")
	}
	return good(name)
}

// optional are the permissions without which an account can be connected.
var optional = []string{"pages_messaging", "business_management"}

// permissions says what breaks for each permission that the dialog does not ask
// for. Whether Meta has granted them to the app is not to be seen from here.
func permissions(query url.Values) []check {
	if query.Get("config_id") != "" {
		return []check{unchecked("permissions", "A login configuration at Meta says what is asked for: compare it with docs/setup-meta.md, step 4.")}
	}
	asked := strings.Split(query.Get("scope"), ",")
	var checks []check
	for _, p := range page.Permissions(slices.Concat(config.RequiredScopes, optional)) {
		switch {
		case slices.Contains(asked, p.Name):
			checks = append(checks, good(p.Name))
		case p.Optional:
			checks = append(checks, note(p.Name, "It is not asked for. "+p.Lost))
		default:
			checks = append(checks, bad(p.Name, "It is not asked for. "+p.Lost, "Add it to FB_LOGIN_SCOPES, then deploy again."))
		}
	}
	return checks
}
