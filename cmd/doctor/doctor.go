package main

import (
	"context"
	"errors"
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
	http    *http.Client
}

// examine makes all checks, side by side. Where nothing answers at all it says so once.
func (d *doctor) examine(ctx context.Context) []check {
	const outside = "From outside"
	if got := d.get(ctx, "/", nil); got.err != nil {
		return []check{{outside, "address", isWrong, "Nothing answers there: " + reason(got.err) + ".", "Compare the address with the one under Domains at Vercel."}}
	}
	parts := []struct {
		group string
		look  func(context.Context) []check
	}{
		{"Settings and services, from /api/health", d.health},
		{outside, d.encryption}, {outside, d.landing}, {outside, d.errorPage}, {outside, d.refusals},
		{"Login", d.login}, {"Database", d.database},
	}
	found := make([][]check, len(parts))
	jobs := make([]func(), len(parts))
	for i, p := range parts {
		jobs[i] = func() {
			found[i] = p.look(ctx)
			for n := range found[i] {
				found[i][n].Group = p.group
			}
		}
	}
	upstream.SideBySide(len(jobs), jobs...)
	return slices.Concat(found...)
}

// answer is a response with its body read, or why there is none.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

// refused reports whether a function of igconnect refused, with this code: what
// stands in front of it (a firewall, a sign-in) does not know that header.
func (a answer) refused(status int, code string) bool {
	return a.status == status && a.header.Get("X-Error-Code") == code
}

func (d *doctor) get(ctx context.Context, path string, header map[string]string) answer {
	return d.ask(ctx, http.MethodGet, d.url+path, "", header)
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

// overHTTP is the address that somebody reaches who types no https; "" where the deployment has
// none, or a port of its own.
func overHTTP(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Port() != "" {
		return ""
	}
	return "http://" + u.Host
}
