package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"igconnect/lib/upstream"
)

const (
	schemePrefix = "supabase+" // supabase+https://…: the way through the guard
	maxBody      = 4 << 20     // bytes
)

// supabase-go's HTTP client cannot be passed in, and by itself it knows no
// limit, follows redirects with the key, drops statuses and panics on the
// body "null". It does send through http.DefaultTransport, so a scheme of our
// own there leads every request through the guard. Registered once.
var register = sync.OnceFunc(func() {
	through := &guard{next: upstream.NewTransport()}
	transport := http.DefaultTransport.(*http.Transport)
	transport.RegisterProtocol(schemePrefix+"https", through)
	transport.RegisterProtocol(schemePrefix+"http", through)
})

// guard is the one door to Supabase. Its answers have a status below 300 and a
// bounded body that is there in full; everything else is a typed error, which
// errors.As finds through *url.Error.
type guard struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper. Redirects are not followed: they
// would carry the key away.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.URL.Scheme = strings.TrimPrefix(r.URL.Scheme, schemePrefix)
	sent.Host = sent.URL.Host
	sent.Header.Set("User-Agent", "igconnect") // secret keys are refused where this looks like a browser
	if strings.HasPrefix(sent.Header.Get("Authorization"), "Bearer sb_") {
		sent.Header.Del("Authorization") // the new keys are no JWTs and go in apikey only
	}
	response, err := g.next.RoundTrip(sent)
	if err != nil {
		return nil, &Error{cause: upstream.WithoutURL(err)}
	}
	body, err := upstream.ReadBody(response, maxBody)
	response.Body.Close()
	switch {
	case err != nil:
		return nil, &Error{Status: response.StatusCode, cause: fmt.Errorf("reading the answer: %w", err)}
	case len(body) > maxBody:
		return nil, &Error{Status: response.StatusCode, cause: errors.New("the answer is over the limit")}
	case response.StatusCode >= 300:
		return nil, refusal(response.StatusCode, body)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
