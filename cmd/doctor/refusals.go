package main

import (
	"context"
	"crypto/rand"
	"fmt"
)

// refusal is a request that must be refused.
type refusal struct {
	name, method, path, body, authorization string
	status                                  int
	code                                    string // of igconnect's own refusal
	otherwise                               string // what it means if it isn't refused
}

// refusals are of requests that only Meta, the cron job or a signed-in user may make. Were one let
// through, it would do no harm: a renewal begins early, no more.
func (d *doctor) refusals(ctx context.Context) []check {
	handshake := "/api/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=" + rand.Text()
	var checks []check
	for _, r := range []refusal{
		{"webhook refuses a wrong token", "GET", handshake, "", "", 403, "forbidden", "Anybody can confirm it as a webhook of his own."},
		{"webhook refuses unsigned events", "POST", "/api/webhook", "{}", "", 401, "bad_signature", "Anybody can invent messages."},
		{"renew refuses without secret", "GET", "/api/renew", "", "", 401, "unauthorized", "Anybody can start it."},
		{"renew refuses a wrong secret", "GET", "/api/renew", "", "Bearer " + rand.Text(), 401, "unauthorized", "Anybody can start it."},
		{"deauthorize refuses unsigned", "POST", "/api/deauthorize", unsigned, "", 401, "bad_signature", "Anybody can disconnect people."},
		{"deletion refuses unsigned", "POST", "/api/deletion", unsigned, "", 401, "bad_signature", "Anybody can delete people's data."},
		{"accounts refuse strangers", "GET", "/api/accounts", "", "", 401, "signed_out", "Anybody can read them."},
	} {
		header := map[string]string{"Authorization": r.authorization}
		if r.body == unsigned {
			header["Content-Type"] = "application/x-www-form-urlencoded"
		}
		checks = append(checks, r.judge(d.ask(ctx, r.method, d.url+r.path, r.body, header)))
	}
	return checks
}

const unsigned = "signed_request=e30.e30"

func (r refusal) judge(got answer) check {
	switch own := got.header.Get("X-Error-Code"); {
	case got.refused(r.status, r.code):
		return passed(r.name)
	case own == "misconfigured":
		return wrong(r.name, "It is not set up: a setting that it needs is missing or broken.", "See the settings above; the log names them all.")
	case got.status >= 200 && got.status < 300:
		return wrong(r.name, "It does not. "+r.otherwise, "Deploy the newest version of igconnect, and look for a cache or proxy in between.")
	case own != "":
		return wrong(r.name, fmt.Sprintf("It does so with %d %s instead of %d %s.", got.status, own, r.status, r.code), "Deploy the newest version of igconnect.")
	}
	return notIgconnect(r.name, got)
}
