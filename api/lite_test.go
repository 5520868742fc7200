package api_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
	"igconnect/internal/supalite/supalitetest"
)

// startWithLite is start with Supabase Lite instead of the stand-in, and a new
// user signed in. What earlier tests connected is gone: every world's person
// has the same id.
func startWithLite(t *testing.T, pages ...metasim.Page) (*world, *supalite.Server, supalite.User) {
	t.Helper()
	lite := supalitetest.Shared(t)
	sql(t, lite, "delete from public.user_configs")
	w := start(t, pages...)
	t.Setenv("SUPABASE_URL", lite.URL)
	t.Setenv("SUPABASE_SECRET_KEY", lite.ServiceKey)
	user, err := lite.SignUp(t.Context(), uuid.NewString()+"@example.com", "a-password-for-tests")
	if err != nil {
		t.Fatal(err)
	}
	w.setCookie("sb-127-auth-token", "base64-"+base64.RawURLEncoding.EncodeToString(user.Session))
	t.Cleanup(func() { w.searchTables(lite, user) })
	return w, lite, user
}

// sql runs a query beside everything that guards the data.
func sql(t *testing.T, lite *supalite.Server, query string, args ...any) []map[string]any {
	t.Helper()
	rows, err := lite.SQL(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// tokenOf is what get_instagram_token gives for a user's connection.
func tokenOf(t *testing.T, lite *supalite.Server, user, instagramID string) string {
	t.Helper()
	for _, row := range sql(t, lite, "select user_id::text as user_id, token from public.get_instagram_token($1)", instagramID) {
		if row["user_id"] == user {
			return fmt.Sprint(row["token"])
		}
	}
	return ""
}

func TestConnectionInLite(t *testing.T) {
	w, lite, user := startWithLite(t, brand(101), brand(102))
	chooser := w.get(w.login("", metasim.Approval{}))
	both := url.Values{"instagram_id": {instagramID(101), instagramID(102)}}
	w.wantRedirect(w.tryAgain(chooser, both), 303, "/?connected="+instagramID(101)+","+instagramID(102))

	first := tokenOf(t, lite, user.ID, instagramID(101))
	if !strings.Contains(strings.Join(w.meta.Secrets(), " "), first) || len(first) < 20 {
		t.Errorf("get_instagram_token gives %.6s…", first)
	}

	// A row whose secrets were destroyed and that is connected again gives a token back.
	sql(t, lite, "delete from vault.secrets where name like $1", "user_configs/"+user.ID+"/"+instagramID(101)+"%")
	sql(t, lite, "update public.user_configs set status = 'reconnect' where user_id = $1", user.ID)
	w.tryAgain(w.get(w.login("", metasim.Approval{})), both)
	again := tokenOf(t, lite, user.ID, instagramID(101))
	if again == first || len(again) < 20 {
		t.Errorf("after the secrets were destroyed: %.6s…", again)
	}
	secrets := sql(t, lite, "select count(*)::int as n from vault.secrets where name like $1", "user_configs/"+user.ID+"/%")
	if secrets[0]["n"] != 4.0 { // two accounts, two tokens each
		t.Errorf("%v secrets", secrets[0]["n"])
	}

	// What a new grant leaves out is stopped.
	w.get(w.login("", metasim.Approval{Pages: []string{"20102"}}))
	listed := w.get("/api/accounts")
	if !strings.Contains(listed.body, `"status":"reconnect","status_reason":"Not shared with us the last time you connected."`) ||
		strings.Count(listed.body, `"status":"active"`) != 1 || strings.Contains(listed.body, "token\"") {
		t.Errorf("listed: %s", listed.body)
	}

	// Disconnecting removes the row with its secrets.
	for _, n := range []int{101, 102} {
		if got := w.disconnect(instagramID(n), map[string]string{"Origin": w.url}); got.StatusCode != 204 {
			t.Errorf("%d %s: %s\n%s", got.StatusCode, got.code(), got.body, w.logged())
		}
	}
	left := sql(t, lite, `select (select count(*) from public.user_configs where user_id::text = $1)::int as rows,
		(select count(*) from vault.secrets where name like 'user_configs/' || $1 || '/%')::int as secrets`, user.ID)
	if left[0]["rows"] != 0.0 || left[0]["secrets"] != 0.0 {
		t.Errorf("left: %v", left[0])
	}
	if did := w.did(); did != "unsubscribe unsubscribe revoke" {
		t.Errorf("at Meta: %s\n%s", did, w.logged())
	}
}

func TestManyAccountsInLite(t *testing.T) {
	var pages []metasim.Page
	form := url.Values{}
	for n := 201; n <= 450; n++ {
		pages = append(pages, brand(n))
		form.Add("instagram_id", instagramID(n))
	}
	w, lite, user := startWithLite(t, pages...)
	if got := w.tryAgain(w.get(w.login("", metasim.Approval{})), form); got.StatusCode != 303 {
		t.Fatalf("%d %s\n%s", got.StatusCode, got.code(), w.logged())
	}
	if token := tokenOf(t, lite, user.ID, instagramID(450)); len(token) < 20 {
		t.Errorf("the last one's token: %.6s…", token)
	}
}
