package web

import (
	"net/http"
	"regexp"
	"slices"
)

// method is the method whose handler serves the request: HEAD is answered as GET
// is, without the body.
// https://www.rfc-editor.org/rfc/rfc9110#name-head
func method(r *Request) string {
	if r.Method == http.MethodHead {
		return http.MethodGet
	}
	return r.Method
}

var (
	// purposes are the headers by which a browser, or a script of a page, says why it
	// asks. The last one is Turbo's, which cannot set the first.
	// https://wicg.github.io/nav-speculation/prefetch.html#sec-purpose-header
	purposes    = []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz", "X-Sec-Purpose"}
	speculative = regexp.MustCompile(`(?i)prefetch|prerender|preview|preload`)

	// ofRouter are the headers of Next.js's router: it fetches what a <Link> points to,
	// before a click and after it, and can follow no redirect to Meta. Where the answer
	// is none of its own it navigates as a plain link does.
	// https://github.com/vercel/next.js, app-router-headers.ts
	ofRouter = []string{
		"RSC", "Next-Router-Prefetch", "Next-Router-Segment-Prefetch", "Next-Router-State-Tree",
		"X-Middleware-Prefetch", "X-Nextjs-Data",
	}
)

// looksAhead reports whether nobody has decided to go here yet: a HEAD, which asks
// what a GET would answer, or a GET of a browser or router that fetches pages before
// the person does.
func looksAhead(r *Request) bool {
	says := func(name string) bool { return speculative.MatchString(r.Header.Get(name)) }
	has := func(name string) bool { return r.Header.Get(name) != "" }
	return r.Method == http.MethodHead ||
		r.Method == http.MethodGet && (slices.ContainsFunc(purposes, says) || slices.ContainsFunc(ofRouter, has))
}
