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
	responses []haystack
}

func newBrowser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{client: &http.Client{
		Jar:           jar,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (b *browser) get(ctx context.Context, target string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, nil, err
	}
	return b.do(req)
}

// post submits a form from a page of the same origin.
func (b *browser) post(ctx context.Context, target string, form url.Values) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	return b.do(req)
}

func (b *browser) do(req *http.Request) (*http.Response, []byte, error) {
	req.Header.Set("Accept", "text/html,*/*;q=0.8")
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
	b.responses = append(b.responses, haystack{name: "the response of " + req.URL.Path, content: seen.Bytes()})
	return res, body, nil
}

// haystacks returns the responses and the cookies that the browser holds for
// origin.
func (b *browser) haystacks(origin string) []haystack {
	all := b.responses[:len(b.responses):len(b.responses)]
	u, err := url.Parse(origin)
	if err != nil {
		return all
	}
	for _, c := range b.client.Jar.Cookies(u) {
		all = append(all, haystack{name: "the cookie " + c.Name, content: []byte(c.Value)})
	}
	return all
}
