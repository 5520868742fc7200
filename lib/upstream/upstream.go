// Package upstream holds what calls to Meta and to Supabase have in common: the
// limits of a connection, repetition, and errors without URLs.
package upstream

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"
)

// NewTransport makes connections with limits on each phase, and keeps as many as
// a busy server of all functions needs: a function alone needs eight. A thawed function
// must not write into a connection that died meanwhile, so idle ones are given
// up soon: net/http compares with the wall clock.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     15 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
	}
}

// ReadBody reads an answer to its end, or one byte beyond the limit: then it is too long. It makes room at once for the
// length that was announced.
func ReadBody(response *http.Response, limit int64) ([]byte, error) {
	var body bytes.Buffer
	if announced := response.ContentLength; announced > 0 {
		body.Grow(int(min(announced, limit)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(response.Body, limit+1))
	return body.Bytes(), err
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
