package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// landing checks the headers of the page at /, if that is igconnect's.
func (d *doctor) landing(ctx context.Context) []check {
	const name = "headers of /"
	got := d.get(ctx, "/", nil)
	switch {
	case got.err != nil:
		return []check{notIgconnect(name, got)}
	case got.status != http.StatusOK || !bytes.Contains(got.body, []byte(`src="/igconnect/home.js"`)):
		return []check{unchecked(name, "That is not igconnect's landing page.")}
	}
	return []check{d.judgeHeader(name, got.header)}
}

// errorPage checks those of a page that a function shows.
func (d *doctor) errorPage(ctx context.Context) []check {
	const name = "headers of an error page"
	got := d.get(ctx, "/api/auth/callback", asBrowser)
	if got.header.Get("X-Error-Code") == "" {
		return []check{notIgconnect(name, got)}
	}
	return []check{d.judgeHeader(name, got.header, "Cache-Control: no-store")}
}

// judgeHeader names the security headers, and the further ones, that are not as they should be.
func (d *doctor) judgeHeader(name string, header http.Header, further ...string) check {
	var missing []string
	for _, line := range append([]string{"X-Content-Type-Options: nosniff", "Referrer-Policy: same-origin"}, further...) {
		name, value, _ := strings.Cut(line, ": ")
		if !strings.EqualFold(strings.TrimSpace(header.Get(name)), value) {
			missing = append(missing, line)
		}
	}
	const halfAYear = 180 * 24 * 60 * 60 // seconds
	if strings.HasPrefix(d.url, "https:") && maxAgeOf(header.Get("Strict-Transport-Security")) < halfAYear {
		missing = append(missing, "Strict-Transport-Security for half a year or more")
	}
	missing = append(missing, missingPolicy(header.Get("Content-Security-Policy"))...)
	if len(missing) == 0 {
		return passed(name)
	}
	return wrong(name, "Missing: "+strings.Join(missing, "; ")+".",
		"They are set in vercel.json and by the functions: deploy both as they are, and look for a proxy in between that changes them.")
}

// missingPolicy names what a Content-Security-Policy lacks: nothing from elsewhere unless named,
// no script in the page, no frame around it.
// https://www.w3.org/TR/CSP3/
func missingPolicy(policy string) []string {
	directives := map[string][]string{}
	for directive := range strings.SplitSeq(policy, ";") {
		if words := strings.Fields(strings.ToLower(directive)); len(words) > 0 {
			directives[words[0]] = words[1:]
		}
	}
	var missing []string
	for _, name := range []string{"default-src", "base-uri", "frame-ancestors"} {
		if !slices.Equal(directives[name], []string{"'none'"}) {
			missing = append(missing, "Content-Security-Policy with "+name+" 'none'")
		}
	}
	for _, unsafe := range []string{"'unsafe-inline'", "'unsafe-eval'"} {
		if slices.Contains(directives["script-src"], unsafe) {
			missing = append(missing, "Content-Security-Policy without "+unsafe)
		}
	}
	return missing
}

var maxAge = regexp.MustCompile(`(?i)(?:^|;)\s*max-age="?([0-9]+)`)

// maxAgeOf is that of a Strict-Transport-Security header in seconds, 0 if it has none.
func maxAgeOf(policy string) int {
	seconds, _ := strconv.Atoi(maxAge.FindStringSubmatch(policy + "; max-age=0")[1])
	return seconds
}

// encryption checks that whoever types no https is sent to it.
func (d *doctor) encryption(ctx context.Context) []check {
	const name = "http leads to https"
	switch {
	case strings.HasPrefix(d.url, "http:"):
		return []check{unchecked(name, "This is on your own machine.")}
	case d.plain == "":
		return []check{unchecked(name, "The address has a port of its own.")}
	}
	got := d.ask(ctx, http.MethodGet, d.plain+"/", "", nil)
	location := got.header.Get("Location")
	var network net.Error
	switch {
	case errors.As(got.err, &network): // where nothing answers, nothing can be read
		return []check{passed(name)}
	case got.err != nil:
		return []check{notIgconnect(name, got)}
	case got.status >= 300 && got.status < 400 && (location == d.url || strings.HasPrefix(location, d.url+"/")):
		return []check{passed(name)}
	}
	return []check{wrong(name, "Over http it answers without leading to "+d.url+".", "Redirect http to https on this host. Vercel does it by itself; a proxy in front may not.")}
}
