package store

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/lib/secret"
)

// TestRequests holds the exact request of each call: method, path, query, the
// whole header and the body. Meta's ids, even with quotes in them, stay values of
// the filter. Supabase Lite reads eq.<digits> as a double: hence in.("…"), encoded.
func TestRequests(t *testing.T) {
	t.Parallel()
	const (
		table     = "/rest/v1/user_configs?"
		ofUser    = "user_id=in.%28%22" + user + "%22%29"
		ofAccount = table + "instagram_id=in.%28%2217841400000000001%22%29&" + ofUser
		list      = "order=connected_at.desc.nullslast%2Cinstagram_id.asc.nullslast%2Cuser_id.asc.nullslast&select=user_id%2Cauth_user_id%2Cfacebook_user_id%2C" +
			"scopes%2Cdata_access_expires_at%2Cchecked_at%2Cinstagram_id%2Cusername%2Cname%2Cpicture_url%2Cpage_id%2Cpage_name%2Cstatus%2C" +
			"status_reason%2Ctoken_expires_at%2Cconnected_at%2Csubscribed_fields%2Csubscription_error"
		page    = "limit=1000&offset=0&"
		minimal = "return=minimal"
		due     = `"lease_id":"0b7d3c1e-2f4a-4d5b-8e6f-9a0b1c2d3e4f","user_id":"` + user + `","instagram_id":"17841400000000001","token_version":7`
	)
	type calling func(context.Context, *Store) error
	save := func(rows ...Sealed) calling {
		return func(ctx context.Context, s *Store) error { return saved(s.Save(ctx, rows)) }
	}
	correct := func(came Subscription) calling {
		return func(ctx context.Context, s *Store) error {
			return s.SetSubscription(ctx, user, []string{account}, came)
		}
	}
	settle := func(c Checkup) calling {
		c.Due = Due{LeaseID: code, TokenVersion: 7, Sealed: full()}
		return func(ctx context.Context, s *Store) error { _, err := s.Settle(ctx, []Checkup{c}); return err }
	}
	waiting := sparse()
	waiting.Status = StatusReconnect
	for _, c := range []struct {
		name, key         string
		call              calling
		status            int
		answer            string
		method, uri, kind string
		body              string
	}{
		{"one, legacy key", legacyKey, save(full()), 200, "[]", "POST", "save_connections", "", `{"connections":[` + fullRow + "]}"},
		{"two unlike ones", newKey, save(full(), sparse()), 200, "[]", "POST", "save_connections", "", `{"connections":[` + fullRow + "," + sparseRow + "]}"},
		{"one that lacks something", newKey, save(waiting), 200, "[]", "POST", "save_connections", "",
			`{"connections":[` + strings.NewReplacer(`"active"`, `"reconnect"`, `"retry":false`, `"retry":true`).Replace(sparseRow) + "]}"},
		{"none", newKey, save([]Sealed{}...), 200, "[]", "POST", "save_connections", "", `{"connections":[]}`},
		{"a subscription", newKey, correct(Subscription{Fields: []string{"messages", "standby"}, Error: "no"}), 204, "", "PATCH", ofAccount, minimal,
			`{"subscribed_fields":["messages","standby"],"subscription_error":"no"}`},
		{"no subscription, legacy key", legacyKey, correct(Subscription{}), 204, "", "PATCH", ofAccount, minimal,
			`{"subscribed_fields":[],"subscription_error":null}`},
		{"OfUser", newKey, func(ctx context.Context, s *Store) error { _, err := s.OfUser(ctx, user); return err },
			200, "[]", "GET", table + page + list + "&" + ofUser, "count=exact", ""},
		{"OfPerson", newKey, func(ctx context.Context, s *Store) error { _, err := s.OfPerson(ctx, "2002"); return err },
			200, "[]", "GET", table + page + "or=%28facebook_user_id.in.%28%222002%22%29%2Cand%28facebook_user_id.is.null%2Cchecked_at.is.null%29%29&" + list, "count=exact", ""},
		{"OfUserOrPerson, beside OfUser", newKey, func(ctx context.Context, s *Store) error { _, err := s.madeBy(ctx, "2002"); return err },
			200, "[]", "GET", table + "facebook_user_id=in.%28%222002%22%29&" + page + list, "count=exact", ""},
		{"Delete", newKey, func(ctx context.Context, s *Store) error { return s.Delete(ctx, user, account) },
			200, "[]", "DELETE", ofAccount, minimal, ""},
		{"Delete, hostile ids", newKey, func(ctx context.Context, s *Store) error { return s.Delete(ctx, `a"),or=(b`, `1","2\`) },
			200, "[]", "DELETE", table + "instagram_id=in.%28%221%5C%22%2C%5C%222%5C%5C%22%29&user_id=in.%28%22a%5C%22%29%2Cor%3D%28b%22%29", minimal, ""},
		{"Stop", newKey, func(ctx context.Context, s *Store) error {
			return s.Stop(ctx, "2002", []string{"1", "2"}, time.Unix(1_800_000_000, 5), "removed")
		}, 200, "[]", "PATCH", table + "connected_at=lt.2027-01-15T08%3A00%3A00.000000005Z&facebook_user_id=in.%28%222002%22%29&instagram_id=in.%28%221%22%2C%222%22%29",
			minimal, `{"retry":false,"status":"reconnect","status_reason":"removed"}`},
		{"OpenTokens", newKey, func(ctx context.Context, s *Store) error { _, err := s.OpenTokens(ctx, account); return err },
			200, "[]", "POST", "get_instagram_token", "", `{"p_instagram_id":"17841400000000001"}`},
		{"StoreEvents", newKey, func(ctx context.Context, s *Store) error {
			_, err := s.StoreEvents(ctx, []Event{
				{Account: "1", Key: "mid", Counterpart: "2", Kind: "message", Payload: json.RawMessage(`{"a":1}`), Occurred: at},
				{Account: "1", Key: "m/1001", KeyToSecond: "m/1", Counterpart: "1", Recipient: "2", Kind: "reaction", Payload: json.RawMessage(`{}`), Occurred: at},
			})
			return err
		}, 200, "1", "POST", "ingest_instagram_events", "",
			`{"events":[{"account":"1","key":"mid","counterpart":"2","kind":"message","payload":{"a":1},"occurred_at":"2026-11-22T09:30:00Z"},
				{"account":"1","key":"m/1001","key_to_second":"m/1","counterpart":"1","recipient":"2","kind":"reaction","payload":{},"occurred_at":"2026-11-22T09:30:00Z"}]}`},
		{"ClaimDue", newKey, func(ctx context.Context, s *Store) error {
			_, err := s.ClaimDue(ctx, code, 40, 2*time.Minute)
			return err
		},
			200, "[]", "POST", "claim_due_connections", "", `{"p_limit":40,"p_lease":"120 seconds","p_lease_id":"` + code.String() + `"}`},
		{"CountDue", newKey, func(ctx context.Context, s *Store) error { _, err := s.CountDue(ctx); return err },
			200, "3", "POST", "count_due_connections", "", "{}"},
		{"Release", newKey, func(ctx context.Context, s *Store) error { return s.Release(ctx, code) },
			200, "1", "POST", "release_connections", "", `{"p_lease_id":"` + code.String() + `"}`},
		{"Settle, nothing new", newKey, settle(Checkup{}), 200, "0", "POST", "settle_connections", "", `{"results":[{` + due + `,"checked":false}]}`},
		{"Settle, everything", newKey, settle(Checkup{Done: true, Person: "2002", Renewed: secret.New(igToken), RenewedPage: secret.New(pageToken),
			Dates: &Dates{Expires: at}, Granted: []string{}, Subscription: &Subscription{}, Outcome: StatusReconnect, Reason: "no", Retry: true,
			Read: Account{Username: "shop", Name: "Shop", PictureURL: "https://cdn.test/1.jpg", PageName: "Page"}}),
			200, "1", "POST", "settle_connections", "", `{"results":[{` + due + `,"checked":true,"facebook_user_id":"2002","token":"` + igToken +
				`","page_token":"` + pageToken + `","token_expires_at":"2026-11-22T09:30:00Z","data_access_expires_at":null,"scopes":[],
				"subscribed_fields":[],"subscription_error":null,"status":"reconnect","status_reason":"no","retry":true,
				"username":"shop","name":"Shop","picture_url":"https://cdn.test/1.jpg","page_name":"Page"}]}`},
		{"Deauthorize", newKey, func(ctx context.Context, s *Store) error { _, err := s.Deauthorize(ctx, "2002", "no", at); return err },
			200, "1", "POST", "deauthorize_facebook_user", "", `{"p_facebook_user_id":"2002","p_reason":"no","p_issued_at":"2026-11-22T09:30:00Z"}`},
		{"Erase", newKey, func(ctx context.Context, s *Store) error { _, err := s.Erase(ctx, "2002", code); return err },
			200, "[]", "POST", "erase_facebook_user", "", `{"p_facebook_user_id":"2002","p_code":"` + code.String() + `"}`},
		{"DeleteRemoved", newKey, func(ctx context.Context, s *Store) error { _, err := s.DeleteRemoved(ctx, time.Minute); return err },
			200, "0", "POST", "delete_removed_events", "", `{"p_limit":5000}`},
		{"Erasure", newKey, func(ctx context.Context, s *Store) error { _, err := s.Erasure(ctx, code.String()); return err },
			200, `[{"accounts":1}]`, "POST", "erasure", "", `{"p_code":"` + code.String() + `"}`},
		{"Version", newKey, func(ctx context.Context, s *Store) error { _, err := Probes{s}.Version(ctx); return err },
			200, `"1"`, "POST", "igconnect_schema_version", "", "{}"},
		{"Backlog", newKey, func(ctx context.Context, s *Store) error { _, err := Probes{s}.Backlog(ctx); return err },
			200, `[{"unchecked_since":"2026-11-20T00:00:00+00:00","waiting_since":null,"dead_since":null}]`, "POST", "igconnect_backlog", "", "{}"},
		{"ProbeVault", newKey, func(ctx context.Context, s *Store) error { _, err := Probes{s}.Vault(ctx); return err },
			200, "true", "POST", "probe_vault", "", "{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t, answering(c.status, c.answer))
			if err := c.call(t.Context(), newStore(t, p.URL, c.key)); err != nil {
				t.Fatal(err)
			}
			got := p.requests()
			if len(got) != 1 {
				t.Fatalf("%d requests, want one", len(got))
			}
			if !strings.HasPrefix(c.uri, "/") {
				c.uri, c.kind = "/rest/v1/rpc/"+c.uri, "return=representation"
			}
			want := request{c.method, c.uri, headerOf(c.key, c.kind, got[0]), got[0].Body}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(jsonValue(t, c.body), jsonValue(t, got[0].Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

// headerOf is the whole header of a call with a key. Only the length and the
// library's version are what was sent.
func headerOf(key, prefer string, sent request) http.Header {
	h := http.Header{
		"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "Accept-Profile": {"public"}, "Apikey": {key},
		"Content-Profile": {"public"}, "Content-Type": {"application/json"}, "User-Agent": {"igconnect"},
		"X-Client-Info": sent.Header["X-Client-Info"],
	}
	if key == legacyKey {
		h.Set("Authorization", "Bearer "+key)
	}
	if prefer != "" {
		h.Set("Prefer", prefer)
	}
	if sent.Body != "" {
		h["Content-Length"] = sent.Header["Content-Length"]
	}
	return h
}

func jsonValue(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); text != "" && err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}
