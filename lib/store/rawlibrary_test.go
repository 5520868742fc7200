package store

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/supabase-community/supabase-go"
)

// TestRawLibrary shows what supabase-go v0.0.4 with postgrest-go v0.0.12 does
// without the guard: it is the guard's reason. A case that fails after an
// upgrade was mended there, and may go; once all have gone, so may the guard.
func TestRawLibrary(t *testing.T) {
	t.Parallel()
	call := func(t *testing.T, projectURL, key string) (err error) {
		client, err := supabase.NewClient(projectURL, key, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if panicked := recover(); panicked != nil {
				err = fmt.Errorf("panic: %v", panicked)
			}
		}()
		_, _, err = client.From(connections).Upsert([]row{{}}, "user_id,instagram_id", "minimal", "").ExecuteWithContext(t.Context())
		return err
	}
	t.Run("a URL that does not parse panics", func(t *testing.T) {
		if err := call(t, "https://project.supabase.test\n", legacyKey); err == nil || !strings.HasPrefix(err.Error(), "panic: ") {
			t.Errorf("no panic, but %v", err)
		}
	})
	for _, c := range []struct {
		name       string
		status     int
		body, want string // a pattern
	}{
		{"the body null panics", 500, "null", "^panic: "},
		{"300 is success", 300, `{"code":"PGRST203"}`, "^<nil>$"},
		{"status, details and hint are lost", 409, `{"code":"23503","message":"no such user","details":"Key","hint":"Look"}`, `^\(23503\) no such user$`},
		{"HTML loses the status", 502, "<html>", "^error parsing error response"},
		{"nothing loses the status", 502, "", "^error parsing error response"},
		{"a numeric code loses the status", 502, `{"code":401,"message":"no"}`, "^error parsing error response"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fmt.Sprint(call(t, newProject(t, answering(c.status, c.body)).URL, legacyKey))
			if !regexp.MustCompile(c.want).MatchString(got) || strings.Contains(got, fmt.Sprint(c.status)) {
				t.Errorf("error %s, want %s", got, c.want)
			}
		})
	}
	t.Run("307 gives the key away", func(t *testing.T) {
		other := newProject(t, answering(201, ""))
		p := newProject(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.RequestURI, http.StatusTemporaryRedirect)
		})
		if err := call(t, p.URL, legacyKey); err != nil {
			t.Fatal(err)
		}
		if len(other.requests()) != 1 {
			t.Fatal("the other host was not asked")
		}
		got := other.requests()[0]
		if got.Header.Get("Apikey") != legacyKey || got.Header.Get("Authorization") != "Bearer "+legacyKey || got.Body == "" {
			t.Errorf("the other host got %v and %q", got.Header, got.Body)
		}
	})
	t.Run("a new key goes as a Bearer too", func(t *testing.T) {
		p := newProject(t, answering(201, ""))
		if err := call(t, p.URL, newKey); err != nil {
			t.Fatal(err)
		}
		if got := p.requests()[0].Header.Get("Authorization"); got != "Bearer "+newKey {
			t.Errorf("Authorization %q", got)
		}
	})
}
