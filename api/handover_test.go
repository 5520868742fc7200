package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"igconnect/internal/metasim"
)

// An Instagram account changes hands: linked to another Page, and connected
// through that one by another person for another user. Who had it before is
// told, and does not see what is written to it from then on.
func TestAccountChangedHands(t *testing.T) {
	w, lite, before := startWithLite(t, brand(701))
	w.wantRedirect(w.connect(), http.StatusSeeOther, "/?connected="+instagramID(701))

	emptied, linked := brand(701), brand(702)
	emptied.Instagram, linked.Instagram = nil, emptied.Instagram
	w.meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{emptied}})
	w.meta.AddPerson(metasim.Person{ID: "5002", Name: "Cyd", Pages: []metasim.Page{linked}})
	after, err := lite.SignUp(t.Context(), uuid.NewString()+"@example.com", "a-password-for-tests")
	if err != nil {
		t.Fatal(err)
	}
	w.watch.Know(map[string]string{"the other's session": after.AccessToken})
	w.browser = newBrowser(t)
	w.setCookie("sb-127-auth-token", "base64-"+base64.RawURLEncoding.EncodeToString(after.Session))
	w.wantRedirect(w.get(w.login("", metasim.Approval{Person: "5002"})), http.StatusSeeOther, "/?connected="+instagramID(701))

	body := `{"object":"instagram","entry":[{"time":1668022334834,"id":"` + instagramID(701) + `","messaging":[` +
		`{"sender":{"id":"56"},"recipient":{"id":"` + instagramID(701) + `"},"timestamp":1668022333735,"message":{"mid":"m","text":"for the new owner"}}]}]}`
	if got := w.deliver(body, signed(body, appSecret)); got.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", got.StatusCode, got.code())
	}
	for _, c := range []struct {
		name, id, token, status string
		sees                    bool
	}{
		{"who had it", before.ID, before.AccessToken, "reconnect", false},
		{"who has it", after.ID, after.AccessToken, "active", true},
	} {
		rows := sql(t, lite, "select status from public.user_configs where user_id::text = $1 and instagram_id = $2", c.id, instagramID(701))
		if len(rows) != 1 || rows[0]["status"] != c.status {
			t.Errorf("%s: %v, want %s", c.name, rows, c.status)
		}
		request, err := http.NewRequestWithContext(t.Context(), "GET", lite.URL+"/rest/v1/instagram_events?select=payload", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Apikey", lite.AnonKey)
		request.Header.Set("Authorization", "Bearer "+c.token)
		if got := w.do(request); got.StatusCode != http.StatusOK || strings.Contains(got.body, "for the new owner") != c.sees {
			t.Errorf("%s reads %d %s", c.name, got.StatusCode, got.body)
		}
	}
}
