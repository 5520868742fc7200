package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// asOperator fetches a path of ours with the secret of the cron job.
func (s *system) asOperator(ctx context.Context, path string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.env["CRON_SECRET"])
	return ask(req)
}

// asMeta posts to a path of ours what Meta posts about a person.
func (s *system) asMeta(ctx context.Context, path, personID string) (status int, body []byte, err error) {
	form := url.Values{"signed_request": {s.signedToday(personID)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return ask(req)
}

// ask makes the request within the time that a function has at most.
func ask(req *http.Request) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(req.Context(), time.Minute)
	defer cancel()
	res, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", req.URL.Path, err)
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, body, err
}
