package store

import (
	"net/http"
	"strings"
	"testing"

	"github.com/supabase-community/supabase-go"
)

// TestRawLibrary shows what supabase-go v0.0.4 with postgrest-go v0.0.12 does
// without the guard: it is the guard's reason. A case that fails after an
// upgrade was mended there, and may go; once all have gone, so may the guard.
func TestRawLibrary(t *testing.T) {
	t.Parallel()
	call := func(t *testing.T, projectURL string) (panicked any, err error) {
		client, err := supabase.NewClient(projectURL, legacyKey, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { panicked = recover() }()
		_, _, err = client.From(connections).Upsert([]row{{}}, "user_id,instagram_id", "minimal", "").ExecuteWithContext(t.Context())
		return nil, err
	}
	t.Run("the body null panics", func(t *testing.T) {
		if panicked, err := call(t, newProject(t, answering(500, "null")).URL); panicked == nil {
			t.Errorf("no panic, but %v", err)
		}
	})
	t.Run("a URL that does not parse panics", func(t *testing.T) {
		if panicked, err := call(t, "https://project.supabase.test\n"); panicked == nil {
			t.Errorf("no panic, but %v", err)
		}
	})
	t.Run("300 is success", func(t *testing.T) {
		if panicked, err := call(t, newProject(t, answering(300, `{"code":"PGRST203"}`)).URL); err != nil || panicked != nil {
			t.Errorf("error %v, panic %v", err, panicked)
		}
	})
	t.Run("status, details and hint are lost", func(t *testing.T) {
		_, err := call(t, newProject(t, answering(409, `{"code":"23503","message":"no such user","details":"Key","hint":"Look"}`)).URL)
		if err == nil || err.Error() != "(23503) no such user" {
			t.Errorf("error %v", err)
		}
	})
	for name, body := range map[string]string{"HTML": "<html>", "nothing": "", "a numeric code": `{"code":401,"message":"no"}`} {
		t.Run(name+" loses the status", func(t *testing.T) {
			_, err := call(t, newProject(t, answering(502, body)).URL)
			if err == nil || !strings.HasPrefix(err.Error(), "error parsing error response") || strings.Contains(err.Error(), "502") {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("307 gives the key away", func(t *testing.T) {
		other := newProject(t, answering(201, ""))
		p := newProject(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.RequestURI, http.StatusTemporaryRedirect)
		})
		if panicked, err := call(t, p.URL); err != nil || panicked != nil {
			t.Fatal(err, panicked)
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
		client, err := supabase.NewClient(p.URL, newKey, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.From(connections).Delete("minimal", "").ExecuteWithContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := p.requests()[0].Header.Get("Authorization"); got != "Bearer "+newKey {
			t.Errorf("Authorization %q", got)
		}
	})
}
