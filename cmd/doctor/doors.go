package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// door is a request that must be refused.
type door struct {
	name, method, path, body string
	header                   map[string]string
	status                   int
	code                     string // of igconnect's own refusal
	open                     string // what it means if it is not refused
}

const form = "application/x-www-form-urlencoded"

// doors knocks where only Meta, the cron job or a signed-in user may enter.
// Were one let in, it would do no harm: a renewal begins early, no more.
func (d *doctor) doors(ctx context.Context) []check {
	handshake := url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {rand.Text()}, "hub.challenge": {"1"}}
	var checks []check
	for _, at := range []door{
		{name: "webhook refuses a wrong token", method: "GET", path: "/api/webhook?" + handshake.Encode(), status: 403, code: "forbidden",
			open: "Anybody can confirm it as a webhook of his own."},
		{name: "webhook refuses unsigned events", method: "POST", path: "/api/webhook", body: "{}", status: 401, code: "bad_signature",
			open: "Anybody can invent messages."},
		{name: "renew refuses without secret", method: "GET", path: "/api/renew", status: 401, code: "unauthorized",
			open: "Anybody can start it."},
		{name: "renew refuses a wrong secret", method: "GET", path: "/api/renew", header: map[string]string{"Authorization": "Bearer " + rand.Text()},
			status: 401, code: "unauthorized", open: "Anybody can start it."},
		{name: "deauthorize refuses unsigned", method: "POST", path: "/api/deauthorize", body: "signed_request=e30.e30", header: map[string]string{"Content-Type": form},
			status: 401, code: "bad_signature", open: "Anybody can disconnect people."},
		{name: "deletion refuses unsigned", method: "POST", path: "/api/deletion", body: "signed_request=e30.e30", header: map[string]string{"Content-Type": form},
			status: 401, code: "bad_signature", open: "Anybody can delete people's data."},
		{name: "accounts refuse strangers", method: "GET", path: "/api/accounts", status: 401, code: "signed_out",
			open: "Anybody can read them."},
	} {
		got, err := d.ask(ctx, at.method, d.url+at.path, at.body, at.header)
		checks = append(checks, at.judge(got, err))
	}
	return checks
}

func (at door) judge(got answer, err error) check {
	switch own := got.header.Get("X-Error-Code"); {
	case err != nil:
		return silent(at.name, err)
	case got.refused(at.status, at.code):
		return good(at.name)
	case own == "misconfigured":
		return bad(at.name, "It is not set up: a setting that it needs is missing or broken.", "See the settings above; the log names them all.")
	case got.status < 300:
		return bad(at.name, "It does not. "+at.open, "Deploy the newest version of igconnect, and look for a cache or proxy in between.")
	case own != "":
		return bad(at.name, fmt.Sprintf("It does so with %d %s instead of %d %s.", got.status, own, at.status, at.code), "Deploy the newest version of igconnect.")
	}
	return notOurs(at.name, got)
}

// signedOut checks that nobody begins a login without a session.
func (d *doctor) signedOut(ctx context.Context) check {
	at := door{name: "login refuses strangers", status: http.StatusUnauthorized, code: "signed_out", open: "Anybody can begin a login."}
	got, err := d.get(ctx, "/api/login", map[string]string{"Accept": "text/html"})
	location := got.header.Get("Location")
	switch {
	case err == nil && got.status == http.StatusTemporaryRedirect:
		return bad(at.name, "Logins are sent on to another host first.", "Use the address of REDIRECT_URI, or change REDIRECT_URI, here and at Meta.")
	case err == nil && got.status == http.StatusFound && strings.Contains(location, "return_to=") && !strings.Contains(location, "/dialog/oauth"):
		return good(at.name)
	case err == nil && got.status == http.StatusFound:
		return bad(at.name, "It does not. "+at.open, "Deploy the newest version of igconnect.")
	}
	return at.judge(got, err)
}
