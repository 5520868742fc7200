package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// auth signs people in at Supabase, as supabase-js does.
type auth struct {
	url, key string
}

// errRefused: Supabase does not know this address and password.
var errRefused = errors.New("that e-mail address and password were not accepted")

// signIn returns the session of a password sign-in as Supabase gives it, with
// expires_at, which supabase-js adds where it is missing.
func (a auth) signIn(ctx context.Context, email, password string) (json.RawMessage, error) {
	status, body, err := a.post(ctx, "/auth/v1/token?grant_type=password", email, password)
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

// demoSession signs a demo person in, and up the first time.
func (a auth) demoSession(ctx context.Context, email, password string) (json.RawMessage, error) {
	session, err := a.signIn(ctx, email, password)
	if !errors.Is(err, errRefused) {
		return session, err
	}
	status, _, err := a.post(ctx, "/auth/v1/signup", email, password)
	if err != nil {
		return nil, fmt.Errorf("signing up: %w", err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("signing up: Supabase answered %d", status)
	}
	return a.signIn(ctx, email, password)
}

func (a auth) post(ctx context.Context, path, email, password string) (status int, body []byte, err error) {
	return project{url: a.url, key: a.key}.post(ctx, path, map[string]string{"email": email, "password": password})
}
