package store

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"igconnect/lib/secret"
)

var (
	user    = uuid.MustParse(who)
	at      = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	instant = "17841400000000001"
)

// full is a connection with everything, sparse one with the least.
func full() Connection {
	return Connection{
		UserID: user, InstagramID: instant, Token: secret.New(igToken), PageToken: secret.New(pageToken),
		PageID: "1001", PageName: "Käse & Brot", Username: "kaese.brot", Name: "Käse", PictureURL: "https://cdn.example/p.jpg?a=1&b=2",
		FacebookUserID: "2002", Scopes: []string{"instagram_basic", "pages_show_list"},
		TokenExpires: at.AddDate(0, 0, 60), DataAccessExpires: at.AddDate(0, 0, 90), Connected: at,
		Subscription: Subscription{Fields: []string{"messages"}, Error: "standby was refused"},
	}
}

func sparse() Connection {
	return Connection{UserID: user, InstagramID: "17841400000000002", Token: secret.New(igToken), Connected: at}
}

const fullRow = `{"user_id":"6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11","instagram_id":"17841400000000001",
	"token":"` + igToken + `","page_token":"` + pageToken + `","page_id":"1001","page_name":"Käse & Brot",
	"username":"kaese.brot","name":"Käse","picture_url":"https://cdn.example/p.jpg?a=1&b=2","facebook_user_id":"2002",
	"scopes":["instagram_basic","pages_show_list"],"token_expires_at":"2027-01-21T09:30:00Z",
	"data_access_expires_at":"2027-02-20T09:30:00Z","status":"active","status_reason":null,
	"checked_at":"2026-11-22T09:30:00Z","connected_at":"2026-11-22T09:30:00Z",
	"subscribed_fields":["messages"],"subscription_error":"standby was refused"}`

// The same keys as fullRow: PostgREST refuses a bulk of unlike rows (PGRST102),
// and a key left out would keep the old value of a known row.
const sparseRow = `{"user_id":"6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11","instagram_id":"17841400000000002",
	"token":"` + igToken + `","page_token":null,"page_id":"","page_name":"",
	"username":"","name":"","picture_url":"","facebook_user_id":"",
	"scopes":[],"token_expires_at":null,
	"data_access_expires_at":null,"status":"active","status_reason":null,
	"checked_at":"2026-11-22T09:30:00Z","connected_at":"2026-11-22T09:30:00Z",
	"subscribed_fields":[],"subscription_error":null}`

// sentHeader is the whole header of a call with a key, but for the library's
// version.
func sentHeader(key, authorization, prefer, length string) http.Header {
	h := http.Header{
		"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "Accept-Profile": {"public"}, "Apikey": {key},
		"Content-Length": {length}, "Content-Profile": {"public"}, "Content-Type": {"application/json"},
		"Prefer": {prefer}, "User-Agent": {"igconnect"},
	}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return h
}

func TestWrites(t *testing.T) {
	const upsert, merge = "/rest/v1/user_configs?on_conflict=user_id%2Cinstagram_id", "resolution=merge-duplicates,return=minimal"
	save := func(all ...Connection) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error { return s.Save(ctx, all) }
	}
	correct := func(came Subscription) func(context.Context, *Store) error {
		return func(ctx context.Context, s *Store) error {
			return s.SetSubscription(ctx, user, []string{instant}, came)
		}
	}
	// Supabase Lite reads eq.<digits> as a double: hence in.("…"), encoded.
	const patch = "/rest/v1/user_configs?instagram_id=in.%28%2217841400000000001%22%29&user_id=eq.6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11"
	for _, c := range []struct {
		name, key, authorization string
		status                   int
		call                     func(context.Context, *Store) error
		method, uri, prefer      string
		body                     string
	}{
		{"one new, legacy key", legacyKey, "Bearer " + legacyKey, 201, save(full()), "POST", upsert, merge, "[" + fullRow + "]"},
		{"one known, new key", newKey, "", 200, save(full()), "POST", upsert, merge, "[" + fullRow + "]"},
		{"two unlike ones", newKey, "", 201, save(full(), sparse()), "POST", upsert, merge, "[" + fullRow + "," + sparseRow + "]"},
		{"none", newKey, "", 201, save(), "POST", upsert, merge, "[]"},
		{"a subscription", newKey, "", 204, correct(Subscription{Fields: []string{"messages", "standby"}, Error: "no"}), "PATCH", patch,
			"return=minimal", `{"subscribed_fields":["messages","standby"],"subscription_error":"no"}`},
		{"no subscription, legacy key", legacyKey, "Bearer " + legacyKey, 204, correct(Subscription{}), "PATCH", patch,
			"return=minimal", `{"subscribed_fields":[],"subscription_error":null}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, answering(c.status, ""))
			if err := c.call(t.Context(), newStore(t, p.URL, c.key)); err != nil {
				t.Fatal(err)
			}
			if len(p.requests()) != 1 {
				t.Fatalf("%d requests, want one", len(p.requests()))
			}
			got := p.requests()[0]
			if got.Method != c.method || got.URI != c.uri {
				t.Errorf("sent %s %s\nwant %s %s", got.Method, got.URI, c.method, c.uri)
			}
			want := sentHeader(c.key, c.authorization, c.prefer, got.Header.Get("Content-Length"))
			got.Header.Del("X-Client-Info")
			if diff := cmp.Diff(want, got.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(jsonValue(t, c.body), jsonValue(t, got.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func jsonValue(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// A date that JSON cannot hold is an error, and nothing is sent.
func TestSaveImpossibleDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) {
			t.Error("it was sent")
			return answer(201, ""), nil
		})
		c := full()
		c.TokenExpires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		checkFailure(t, s.Save(t.Context(), []Connection{c}), Error{Op: "saving the connections"})
	})
}
