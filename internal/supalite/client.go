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

func (s *Server) authenticate(ctx context.Context, doing, path, email, password string) (u User, err error) {
	var session struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		User         struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if u.Session, err = s.post(ctx, path, s.AnonKey, map[string]string{"email": email, "password": password}, &session); err != nil {
		return User{}, fmt.Errorf("%s: %w", doing, err)
	}
	u.ID, u.AccessToken, u.RefreshToken = session.User.ID, session.AccessToken, session.RefreshToken
	return u, nil
}

// SQL runs a query as superuser, beside everything that guards the data. With args it is one statement
// with $1, $2, …; without, it may be several, and the rows are those of the last.
//
// Values come as JSON has them: numbers as float64, timestamps as PostgreSQL writes them, json and jsonb
// decoded, bytea as \x and hex.
func (s *Server) SQL(ctx context.Context, query string, args ...any) ([]map[string]any, error) {
	var answer struct {
		Rows []map[string]any `json:"rows"`
	}
	if _, err := s.post(ctx, "/supalite/sql", s.adminKey, map[string]any{"query": query, "args": args}, &answer); err != nil {
		return nil, fmt.Errorf("running SQL: %w", err)
	}
	return answer.Rows, nil
}

// Dump returns all rows of all tables, of every schema but PostgreSQL's own, as text by "schema.table". A search in it
// shows what is stored in clear.
func (s *Server) Dump(ctx context.Context) (map[string]string, error) {
	tables, err := s.SQL(ctx, `
		select format('%I.%I', n.nspname, c.relname) as name
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
		order by 1`)
	if err != nil {
		return nil, fmt.Errorf("listing tables: %w", err)
	}
	dump := make(map[string]string, len(tables))
	for _, table := range tables {
		name := table["name"].(string)
		rows, err := s.SQL(ctx, "select coalesce(string_agg(t::text, E'\\n'), '') as rows from "+name+" t")
		if err != nil {
			return nil, fmt.Errorf("dumping %s: %w", name, err)
		}
		dump[name] = rows[0]["rows"].(string)
	}
	return dump, nil
}

// post sends JSON, decodes the body of a 200 into out and returns it.
func (s *Server) post(ctx context.Context, path, key string, in, out any) ([]byte, error) {
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
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	if err != nil {
		return nil, err
	}
	return answer, json.Unmarshal(answer, out)
}
