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

// login begins a login, which saves nothing: what it asks Meta for, and how it leaves its state in
// the browser.
func (d *doctor) login(ctx context.Context) []check {
	asked := d.get(ctx, "/api/login", asBrowser)
	checks, vouched := []check{signedOut(asked)}, vouchURL(asked) != nil
	if vouched {
		checks = append(checks, d.stateCookie(asked))
	}
	switch {
	case d.session.Empty() && vouched:
		return append(checks, unchecked("permissions", "Only a signed-in person sees Meta's dialog: compare the scope in its address with docs/setup-meta.md, step 4."))
	case d.session.Empty():
		const why = "Set DOCTOR_SESSION to the access token of a signed-in user."
		return append(checks, unchecked("state cookie", why), unchecked("permissions", why))
	}
	got := d.get(ctx, "/api/login", map[string]string{"Authorization": "Bearer " + d.session.Reveal(), "Accept": "application/json"})
	var begun struct{ URL string }
	switch {
	case got.refused(http.StatusUnauthorized, "signed_out") && vouched:
		return append(checks, unchecked("permissions", "DOCTOR_SESSION is not accepted. With VOUCH_URL alone no token is."))
	case got.refused(http.StatusUnauthorized, "signed_out"):
		return append(checks, wrong("login", "DOCTOR_SESSION is not accepted.", "Take a new one, of the same Supabase project or of JWT_ISSUER: they soon end. With -token the doctor says what is wrong with one of JWT_ISSUER."))
	case got.header.Get("X-Error-Code") != "":
		return append(checks, wrong("login", "It fails with "+got.header.Get("X-Error-Code")+".", "See the settings above; the log of the deployment says more."))
	}
	problem := json.Unmarshal(got.body, &begun)
	dialog, err := url.Parse(begun.URL)
	if got.status != http.StatusOK || problem != nil || err != nil || dialog.Host == "" {
		return append(checks, notIgconnect("login", got))
	}
	if !vouched {
		checks = append(checks, d.stateCookie(got))
	}
	return append(checks, permissions(dialog.Query())...)
}

// asBrowser is the header of a request for a page.
var asBrowser = map[string]string{"Accept": "text/html"}

// signedOut checks that nobody begins a login without a session: this is what a stranger got.
func signedOut(got answer) check {
	r := refusal{name: "login refuses strangers", status: 401, code: "signed_out", otherwise: "Anybody can begin a login."}
	location := got.header.Get("Location")
	switch {
	case got.status == http.StatusTemporaryRedirect:
		return wrong(r.name, "Logins are sent on to another host first.", "Use the address of REDIRECT_URI, or change REDIRECT_URI, here and at Meta.")
	case vouchURL(got) != nil, got.status == http.StatusFound && strings.Contains(location, "return_to=") && !strings.Contains(location, "/dialog/oauth"):
		return passed(r.name)
	case got.status == http.StatusFound:
		return wrong(r.name, "It does not. "+r.otherwise, "Deploy the newest version of igconnect.")
	}
	return r.judge(got)
}

// stateCookie checks the cookie that ties a login to its browser.
// https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
func (d *doctor) stateCookie(got answer) check {
	const name = "state cookie"
	cookies := (&http.Response{Header: got.header}).Cookies()
	at := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return strings.Contains(c.Name, "igconnect_state_") })
	if at < 0 {
		return wrong(name, "The login sets none, so it can never be finished.", "Look for a proxy or cache in between that takes Set-Cookie away.")
	}
	cookie, secure := cookies[at], strings.HasPrefix(d.url, "https:")
	var missing []string
	for attribute, there := range map[string]bool{
		"HttpOnly": cookie.HttpOnly, "SameSite=Lax": cookie.SameSite == http.SameSiteLaxMode,
		"Path=/": cookie.Path == "/", "no Domain": cookie.Domain == "",
		"ten minutes at most": cookie.MaxAge > 0 && cookie.MaxAge <= 10*60,
		"Secure":              cookie.Secure || !secure,
		"the prefix __Host-":  strings.HasPrefix(cookie.Name, "__Host-") || !secure,
	} {
		if !there {
			missing = append(missing, attribute)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return wrong(name, "Missing: "+strings.Join(missing, ", ")+".", "Set REDIRECT_URI to the https address, and look for a proxy in between that rewrites cookies.")
	}
	return passed(name)
}

// optional are the permissions without which an account can be connected.
var optional = []string{"pages_messaging", "business_management"}

// permissions says what breaks for each permission that the dialog does not ask for. Whether Meta
// has granted them to the app is not to be seen from here.
func permissions(query url.Values) []check {
	if query.Get("config_id") != "" {
		return []check{unchecked("permissions", "A login configuration at Meta says what is asked for: compare it with docs/setup-meta.md, step 4.")}
	}
	asked := strings.Split(query.Get("scope"), ",")
	var checks []check
	for _, p := range page.Permissions(slices.Concat(config.RequiredScopes, optional)) {
		lost := "It is not asked for. " + page.Text(page.English, p.Lost)
		switch {
		case slices.Contains(asked, p.Name):
			checks = append(checks, passed(p.Name))
		case p.Optional:
			checks = append(checks, note(p.Name, lost))
		default:
			checks = append(checks, wrong(p.Name, lost, "Add it to FB_LOGIN_SCOPES, then deploy again."))
		}
	}
	return checks
}
