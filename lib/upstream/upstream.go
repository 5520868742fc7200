// Package upstream holds what calls to Meta and to Supabase have in common: the
// limits of a connection, repetition, and errors without URLs.
package upstream

import (
	"errors"
	"net/http"
	"net/url"
	"time"
)

// NewTransport makes connections with limits on each phase. A thawed function
// must not write into a connection that died meanwhile, so idle ones are given
// up soon: net/http compares with the wall clock.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     15 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
	}
}

// NoRedirects is for http.Client.CheckRedirect: a redirect is an answer like
// any other. Followed, it would carry tokens and keys to another host.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// WithoutURL drops each URL, whose query may hold secrets, from an error of
// net/http.
func WithoutURL(err error) error {
	var withURL *url.Error
	for errors.As(err, &withURL) {
		err = withURL.Err
	}
	return err
}
