package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// project is a Supabase project and who calls it.
type project struct {
	url, key string
	bearer   string // a user's token, or empty
}

// call calls a function of the database over REST, as an app does.
func (p project) call(ctx context.Context, name string, args any) (status int, body []byte, err error) {
	return p.post(ctx, "/rest/v1/rpc/"+name, args)
}

// post sends JSON to a path of the project.
func (p project) post(ctx context.Context, path string, args any) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	payload, err := json.Marshal(args)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Apikey", p.key)
	req.Header.Set("Content-Type", "application/json")
	if p.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+p.bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, body, err
}

// lookUpToken calls get_instagram_token. Without an answer of exactly one row
// the token is empty.
func (p project) lookUpToken(ctx context.Context, instagramID string) (status int, token string, err error) {
	status, body, err := p.call(ctx, "get_instagram_token", map[string]string{"p_instagram_id": instagramID})
	if err != nil || status != http.StatusOK {
		return status, "", err
	}
	var rows []struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &rows); err != nil || len(rows) != 1 {
		return status, "", err
	}
	return status, rows[0].Token, nil
}
