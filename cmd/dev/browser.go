package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// browser keeps cookies, follows no redirect, and remembers every response.
type browser struct {
	client    *http.Client
	responses []output // with the cookies that they set
}

func newBrowser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{client: &http.Client{
		Jar:           jar,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// visit fetches a page or, with a form, submits that as a page of the same origin does.
func (b *browser) visit(ctx context.Context, target string, form url.Values) (*http.Response, []byte, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, err
	}
	var seen bytes.Buffer
	res.Header.Write(&seen)
	seen.Write(body)
	b.responses = append(b.responses, output{"the response of " + req.URL.Path, seen.Bytes()})
	return res, body, nil
}
