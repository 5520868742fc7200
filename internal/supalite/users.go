package supalite

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// User is somebody who is signed in.
type User struct {
	ID           string
	Email        string
	AccessToken  string
	RefreshToken string
	Session      json.RawMessage // the whole session as Supabase answered it: what @supabase/ssr puts into its cookie
}

// SignUp makes a user, who is signed in at once.
func (s *Server) SignUp(ctx context.Context, email, password string) (User, error) {
	return s.authenticate(ctx, "signing up", "/auth/v1/signup", email, password)
}

// SignIn begins another session of a user.
func (s *Server) SignIn(ctx context.Context, email, password string) (User, error) {
	return s.authenticate(ctx, "signing in", "/auth/v1/token?grant_type=password", email, password)
}

func (s *Server) authenticate(ctx context.Context, doing, path, email, password string) (User, error) {
	session, err := s.post(ctx, path, s.AnonKey, map[string]string{"email": email, "password": password})
	if err != nil {
		return User{}, fmt.Errorf("%s: %w", doing, err)
	}
	var parsed struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		User         struct {
			ID    string `json:"id"`
			Email string `json:"email"`
		} `json:"user"`
	}
	if err := json.Unmarshal(session, &parsed); err != nil {
		return User{}, fmt.Errorf("%s: %w", doing, err)
	}
	return User{
		ID:           parsed.User.ID,
		Email:        parsed.User.Email,
		AccessToken:  parsed.AccessToken,
		RefreshToken: parsed.RefreshToken,
		Session:      session,
	}, nil
}

// post sends JSON and returns the body of a 200.
func (s *Server) post(ctx context.Context, path, key string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Apikey", key)
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, s.proc.explain(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", resp.StatusCode, out)
	}
	return out, nil
}
