package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

// doctor knows where to look. A secret that is empty leaves out what needs it.
type doctor struct {
	url     string        // https://connect.example.com, without a slash
	plain   string        // the same over http; "" where there is nothing to ask
	cron    secret.String // of the operator
	session secret.String // access token of a signed-in user
	project project
	origin  string     // of the app; "" where -app does not name one
	token   *userToken // nil without -token
	http    *http.Client
}

// examine makes all checks, side by side. Where nothing answers at all it says so once.
func (d *doctor) examine(ctx context.Context) []check {
	const outside, tokens = "From outside", "The token on standard input, by the settings here"
	if got := d.get(ctx, "/", nil); got.err != nil {
		address := wrong("address", "Nothing answers there: "+reason(got.err)+".", "Compare the address with the one under Domains at Vercel.")
		return append(grouped(outside, []check{address}), grouped(tokens, d.judgeToken(ctx))...)
	}
	parts := []struct {
		group string
		look  func(context.Context) []check
	}{
		{"Settings and services, from /api/health", d.health},
		{outside, d.encryption}, {outside, d.landing}, {outside, d.errorPage}, {outside, d.refusals},
		{"Login", d.login}, {"Your app, at -app", d.app}, {"Your app, at VOUCH_URL", d.vouch},
		{tokens, d.judgeToken}, {"Database", d.database},
	}
	found := make([][]check, len(parts))
	jobs := make([]func(), len(parts))
	for i, p := range parts {
		jobs[i] = func() { found[i] = grouped(p.group, p.look(ctx)) }
	}
	upstream.SideBySide(len(jobs), jobs...)
	return slices.Concat(found...)
}

// grouped puts checks into a group of the report.
func grouped(group string, checks []check) []check {
	for i := range checks {
		checks[i].Group = group
	}
	return checks
}

// answer is a response with its body read, or why there is none.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// refused reports whether a function of igconnect refused, with this code: what stands in front of
// it (a firewall, a sign-in) does not know that header.
func (a answer) refused(status int, code string) bool {
	return a.status == status && a.header.Get("X-Error-Code") == code
}

// get asks the deployment.
func (d *doctor) get(ctx context.Context, path string, header map[string]string) answer {
	return d.getAt(ctx, d.url+path, header)
}

// getAt asks once more where an app only wants a slash at the end of the path, as browsers do.
func (d *doctor) getAt(ctx context.Context, address string, header map[string]string) answer {
	got := d.ask(ctx, http.MethodGet, address, "", header)
	if there := slashed(address, got); there != "" {
		return d.ask(ctx, http.MethodGet, there, "", header)
	}
	return got
}

// slashed returns the address with a slash more or less after its path, if an answer leads to
// nothing else of its host; else "".
func slashed(address string, got answer) string {
	asked, err := url.Parse(address)
	if err != nil || got.status < 300 || got.status > 399 {
		return ""
	}
	to, err := asked.Parse(got.header.Get("Location"))
	if err != nil || to.Scheme != asked.Scheme || to.Host != asked.Host || to.Path == asked.Path ||
		strings.TrimSuffix(to.Path, "/") != strings.TrimSuffix(asked.Path, "/") {
		return ""
	}
	asked.Path = to.Path
	return asked.String()
}

// ask makes one request. It follows no redirect: a secret must not travel on.
func (d *doctor) ask(ctx context.Context, method, address, content string, header map[string]string) answer {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(content))
	if err != nil {
		return answer{err: err}
	}
	request.Header.Set("User-Agent", "igconnect-doctor")
	for name, value := range header {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := d.http.Do(request)
	if err != nil {
		return answer{err: upstream.WithoutURL(err)}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return answer{err: err}
	}
	return answer{status: response.StatusCode, header: response.Header, body: body}
}

// reason says in a few words why there was no answer.
func reason(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "it took too long"
	}
	return strings.TrimRight(err.Error(), ".")
}

// ownHealth is what /api/health answers.
type ownHealth struct {
	OK         *bool
	Version    string
	Users      []string
	DatabaseMS int64 `json:"database_ms"` // 0: not measured
	Checks     []struct {
		Name, Problem, Fix string
		OK, Warning        bool
	}
}

const healthName = "/api/health"

// health asks the deployment how it finds itself: as the operator, whom it tells everything, and
// as a stranger, whom it must not.
func (d *doctor) health(ctx context.Context) []check {
	stranger, problem := d.readHealth(ctx, nil)
	switch {
	case problem != nil:
		return []check{*problem}
	case len(stranger.Checks) > 0 || stranger.Version != "":
		return []check{wrong(healthName, "It tells strangers how this is set up.", "Deploy the newest version of igconnect.")}
	case d.cron.Empty():
		said := map[bool]string{true: "no setting is missing", false: "a setting is missing or broken"}[*stranger.OK]
		return []check{unchecked(healthName, "It says that "+said+". More it tells only with the CRON_SECRET of the deployment: set that variable here, or use -secret-file.")}
	}
	own, problem := d.readHealth(ctx, map[string]string{"Authorization": "Bearer " + d.cron.Reveal()})
	switch {
	case problem != nil:
		return []check{*problem}
	case len(own.Checks) == 0:
		return []check{wrong(healthName, "It does not know this CRON_SECRET, or has none.", "Set the same CRON_SECRET here and in the deployment's environment variables, then deploy again.")}
	}
	var lines []check
	if own.Version != "" {
		lines = append(lines, note("version", own.Version))
	}
	if len(own.Users) > 0 {
		lines = append(lines, note("users", strings.Join(own.Users, ", ")))
	}
	if own.DatabaseMS > 0 {
		lines = append(lines, roundTrip(own.DatabaseMS))
	}
	for _, c := range own.Checks {
		line := passed(c.Name)
		if c.Warning {
			line = note(c.Name, c.Problem+" "+c.Fix)
		} else if !c.OK {
			line = wrong(c.Name, c.Problem, c.Fix)
		}
		lines = append(lines, line)
	}
	if !slices.ContainsFunc(lines, func(c check) bool { return c.Name == "redirect_uri" }) {
		lines = append(lines, unchecked("Supabase and Meta", "They are asked as soon as the settings are right."))
	}
	return lines
}

// roundTrip judges how long one call of the functions to the database takes. Within a region that
// is some milliseconds, and whoever connects an account waits for several.
func roundTrip(ms int64) check {
	const name, far = "round trip to the database", 60
	if ms <= far {
		return passed(name)
	}
	return note(name, fmt.Sprintf("It takes %d ms, so the functions seem to run far from it: set \"regions\" in vercel.json to the one nearest to Supabase's (docs/doctor.md), then deploy again.", ms))
}

// readHealth reads the answer, or says what is wrong with it.
func (d *doctor) readHealth(ctx context.Context, header map[string]string) (own ownHealth, problem *check) {
	got := d.get(ctx, "/api/health", header)
	known := got.status == http.StatusOK || got.status == http.StatusServiceUnavailable
	if !known || json.Unmarshal(got.body, &own) != nil || own.OK == nil {
		return own, new(notIgconnect(healthName, got))
	}
	return own, nil
}

// notIgconnect is for an answer that igconnect would not give, or none.
func notIgconnect(name string, got answer) check {
	if got.err != nil {
		return wrong(name, "No answer: "+reason(got.err)+".", "Try again.")
	}
	return wrong(name, fmt.Sprintf("It answers %d, but not as igconnect does.", got.status),
		"Use the address of REDIRECT_URI. Is it the production deployment? Previews are behind Vercel's sign-in. Does your app forward all paths of igconnect?")
}
