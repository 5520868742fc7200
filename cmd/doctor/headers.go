package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const headersFix = "They are set in vercel.json and by the functions: deploy both as they are, and look for a proxy in between that changes them."

// landing checks the headers of the page at /, if that is igconnect's.
func (d *doctor) landing(ctx context.Context) []check {
	const name = "headers of /"
	got, err := d.get(ctx, "/", nil)
	switch {
	case err != nil:
		return []check{silent(name, err)}
	case got.status != http.StatusOK || !bytes.Contains(got.body, []byte(`src="/app.js"`)):
		return []check{unchecked(name, "That is not igconnect's landing page.")}
	}
	return []check{judged(name, d.missing(got.header, nil))}
}

// errorPage checks those of a page that a function shows.
func (d *doctor) errorPage(ctx context.Context) []check {
	const name = "headers of an error page"
	got, err := d.get(ctx, "/api/auth/callback", map[string]string{"Accept": "text/html"})
	switch {
	case err != nil:
		return []check{silent(name, err)}
	case got.header.Get("X-Error-Code") == "":
		return []check{notOurs(name, got)}
	}
	return []check{judged(name, d.missing(got.header, []string{"Cache-Control: no-store"}))}
}

func judged(name string, missing []string) check {
	if len(missing) == 0 {
		return good(name)
	}
	return bad(name, "Missing: "+strings.Join(missing, "; ")+".", headersFix)
}

// missing names the security headers that are not as they should be.
func (d *doctor) missing(header http.Header, further []string) []string {
	wanted := append([]string{"X-Content-Type-Options: nosniff", "Referrer-Policy: same-origin"}, further...)
	var missing []string
	for _, line := range wanted {
		name, value, _ := strings.Cut(line, ": ")
		if !strings.EqualFold(strings.TrimSpace(header.Get(name)), value) {
			missing = append(missing, line)
		}
	}
	const halfAYear = 180 * 24 * 60 * 60
	if strings.HasPrefix(d.url, "https:") && maxAge(header.Get("Strict-Transport-Security")) < halfAYear {
		missing = append(missing, "Strict-Transport-Security for half a year or more")
	}
	return append(missing, missingPolicy(header.Get("Content-Security-Policy"))...)
}

// missingPolicy names what a Content-Security-Policy lacks: nothing from
// elsewhere unless named, no script in the page, no frame around it.
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

func maxAge(policy string) int {
	for directive := range strings.SplitSeq(strings.ToLower(policy), ";") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); ok {
			seconds, _ := strconv.Atoi(strings.Trim(value, `"`))
			return seconds
		}
	}
	return 0
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
	got, err := d.ask(ctx, http.MethodGet, d.plain+"/", "", nil)
	var network net.Error
	switch {
	case errors.As(err, &network): // where nothing answers, nothing can be read
		return []check{good(name)}
	case err != nil:
		return []check{silent(name, err)}
	}
	location := got.header.Get("Location")
	if got.status >= 300 && got.status < 400 && (location == d.url || strings.HasPrefix(location, d.url+"/")) {
		return []check{good(name)}
	}
	return []check{bad(name, "Over http it answers without leading to "+d.url+".", "Redirect http to https on this host. Vercel does it by itself; a proxy in front may not.")}
}
