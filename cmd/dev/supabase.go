package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// project is a Supabase project and who calls it.
type project struct {
	url, key string
	bearer   string // a user's token, or empty
}

// post sends JSON to a path of the project.
func (p project) post(ctx context.Context, path string, args any) (status int, body []byte, err error) {
	payload, err := json.Marshal(args)
	if err != nil {
		return 0, nil, err
	}
	header := map[string]string{"Apikey": p.key, "Content-Type": "application/json"}
	if p.bearer != "" {
		header["Authorization"] = "Bearer " + p.bearer
	}
	return ask(ctx, http.MethodPost, p.url+path, header, string(payload))
}

// ask makes a request within the time that a function has at most, and returns its answer.
func ask(ctx context.Context, method, target string, header map[string]string, body string) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", req.URL.Path, err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, answer, err
}

// errRefused: Supabase does not know this address and password.
var errRefused = errors.New("that e-mail address and password were not accepted")

// signIn returns the session of a password sign-in as Supabase gives it, with expires_at, which
// supabase-js adds where it is missing. The error may be errRefused.
func (p project) signIn(ctx context.Context, email, password string) (json.RawMessage, error) {
	credentials := map[string]string{"email": email, "password": password}
	status, body, err := p.post(ctx, "/auth/v1/token?grant_type=password", credentials)
	if err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	if status == http.StatusBadRequest {
		return nil, errRefused
	}
	var session map[string]any
	if err := json.Unmarshal(body, &session); err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("signing in: Supabase answered %d", status)
	}
	if _, ok := session["expires_at"]; !ok {
		seconds, _ := session["expires_in"].(float64)
		session["expires_at"] = time.Now().Unix() + int64(seconds)
	}
	return json.Marshal(session)
}
