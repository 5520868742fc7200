package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"igconnect/lib/secret"
	"igconnect/lib/upstream"
)

const maxAnswer = 1 << 20 // bytes

// doctor knows where to look. A secret that is empty leaves out what needs it.
type doctor struct {
	url     string        // https://connect.example.com, without a slash
	plain   string        // the same over http; "" where there is nothing to ask
	cron    secret.String // of the operator
	session secret.String // access token of a signed-in user
	project project
	http    *http.Client
}

// part is one group of checks. The parts run side by side.
type part struct {
	group string
	look  func(context.Context) []check
}

// examine makes all checks. Where nothing answers at all it says so once.
func (d *doctor) examine(ctx context.Context) []check {
	if _, err := d.get(ctx, "/", nil); err != nil {
		return in("From outside", []check{bad("address", "Nothing answers there: "+reason(err)+".", "Compare the address with the one under Domains at Vercel.")})
	}
	parts := []part{
		{"Settings and services, from /api/health", d.health},
		{"From outside", d.outside},
		{"Login", d.login},
		{"Database", d.database},
	}
	found := make([][]check, len(parts))
	jobs := make([]func(), len(parts))
	for i, p := range parts {
		jobs[i] = func() { found[i] = in(p.group, p.look(ctx)) }
	}
	upstream.SideBySide(len(jobs), jobs...)
	var all []check
	for _, checks := range found {
		all = append(all, checks...)
	}
	return all
}

// outside is what only somebody sees who is not the deployment itself.
func (d *doctor) outside(ctx context.Context) []check {
	var checks []check
	for _, look := range []func(context.Context) []check{d.encryption, d.landing, d.errorPage, d.doors} {
		checks = append(checks, look(ctx)...)
	}
	return checks
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// refused tells whether a function of igconnect refused, with this code: what
// stands in front of it (a firewall, a sign-in) does not know that header.
func (a answer) refused(status int, code string) bool {
	return a.status == status && a.header.Get("X-Error-Code") == code
}

func (d *doctor) get(ctx context.Context, path string, header map[string]string) (answer, error) {
	return d.ask(ctx, http.MethodGet, d.url+path, "", header)
}

// ask makes one request. It follows no redirect: a secret must not travel on.
func (d *doctor) ask(ctx context.Context, method, address, body string, header map[string]string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("User-Agent", "igconnect-doctor")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := d.http.Do(request)
	if err != nil {
		return answer{}, upstream.WithoutURL(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return answer{response.StatusCode, response.Header, read}, err
}

// reason says in a few words why there was no answer.
func reason(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "it took too long"
	}
	return strings.TrimRight(err.Error(), ".")
}

// parseBase reads an address that ends after its host. Secrets are sent there:
// without https only to this machine.
func parseBase(raw string) (string, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(raw), "/"))
	switch {
	case raw == "":
		return "", errors.New("is missing: name the deployment, such as https://connect.example.com")
	case err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("must be a complete address, such as https://connect.example.com")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("must end after the host name")
	case u.Scheme == "http" && !thisMachine(u.Hostname()):
		return "", errors.New("must start with https://, for secrets are sent there (http:// only for localhost)")
	}
	return u.String(), nil
}

func thisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// overHTTP is the address that somebody reaches who types no https; "" where
// the deployment has none, or a port of its own.
func overHTTP(base string) string {
	host, ok := strings.CutPrefix(base, "https://")
	if !ok || strings.Contains(strings.TrimPrefix(host, "["), "]:") || !strings.HasPrefix(host, "[") && strings.Contains(host, ":") {
		return ""
	}
	return "http://" + host
}
