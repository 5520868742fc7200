package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// lookUpToken calls get_instagram_token over REST, as an app's webhook would; bearer is
// a user's token, or empty.
func lookUpToken(ctx context.Context, supabaseURL, key, bearer, instagramID string) (status int, token string, err error) {
	args, err := json.Marshal(map[string]string{"p_instagram_id": instagramID})
	if err != nil {
		return 0, "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, supabaseURL+"/rest/v1/rpc/get_instagram_token", bytes.NewReader(args))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Apikey", key)
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || res.StatusCode != http.StatusOK {
		return res.StatusCode, "", err
	}
	var rows []struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &rows); err != nil || len(rows) != 1 {
		return res.StatusCode, "", err
	}
	return res.StatusCode, rows[0].Token, nil
}
