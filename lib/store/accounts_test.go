package store

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"igconnect/lib/secret"
)

const who = "6f09c27e-5d0b-4b43-9c0e-0a3b8f6d2c11" // user

// TestAccountCalls holds the exact requests of the calls that read and remove.
// Ids of Meta's, even with quotes in them, stay values of the filter.
func TestAccountCalls(t *testing.T) {
	const columns = "user_id%2Cfacebook_user_id%2Cinstagram_id%2Cusername%2Cname%2Cpicture_url%2Cpage_id%2Cpage_name%2Cstatus%2C" +
		"status_reason%2Ctoken_expires_at%2Cconnected_at%2Csubscribed_fields%2Csubscription_error"
	const table, order = "/rest/v1/user_configs?", "order=connected_at.desc.nullslast%2Cinstagram_id.asc.nullslast"
	for _, c := range []struct {
		name                      string
		call                      func(context.Context, *Store) error
		method, uri, prefer, body string
	}{
		{"OfUser", func(ctx context.Context, s *Store) error { _, err := s.OfUser(ctx, user); return err },
			"GET", table + order + "&select=" + columns + "&user_id=eq." + who, "", ""},
		{"OfPerson", func(ctx context.Context, s *Store) error { _, err := s.OfPerson(ctx, "2002"); return err },
			"GET", table + "or=%28facebook_user_id.in.%28%222002%22%29%2Cfacebook_user_id.is.null%29&" + order + "&select=" + columns, "", ""},
		{"OfUserOrPerson", func(ctx context.Context, s *Store) error { _, err := s.OfUserOrPerson(ctx, user, "2002"); return err },
			"GET", table + "or=%28user_id.eq." + who + "%2Cfacebook_user_id.in.%28%222002%22%29%29&" + order + "&select=" + columns, "", ""},
		{"Tokens", func(ctx context.Context, s *Store) error { _, err := s.Tokens(ctx, instant); return err },
			"POST", "/rest/v1/rpc/get_instagram_token", "return=representation", `{"p_instagram_id":"17841400000000001"}`},
		{"Delete", func(ctx context.Context, s *Store) error { return s.Delete(ctx, user, instant) },
			"DELETE", table + "instagram_id=in.%28%2217841400000000001%22%29&user_id=eq." + who, "return=minimal", ""},
		{"Delete, a hostile id", func(ctx context.Context, s *Store) error { return s.Delete(ctx, user, `1","2\`) },
			"DELETE", table + "instagram_id=in.%28%221%5C%22%2C%5C%222%5C%5C%22%29&user_id=eq." + who, "return=minimal", ""},
		{"Stop", func(ctx context.Context, s *Store) error {
			return s.Stop(ctx, "2002", []string{"1", "2"}, time.Unix(1_800_000_000, 5), "removed")
		},
			"PATCH", table + "connected_at=lt.2027-01-15T08%3A00%3A00.000000005Z&facebook_user_id=in.%28%222002%22%29&instagram_id=in.%28%221%22%2C%222%22%29", "return=minimal",
			`{"status":"reconnect","status_reason":"removed"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, answering(200, "[]"))
			if err := c.call(t.Context(), newStore(t, p.URL, newKey)); err != nil {
				t.Fatal(err)
			}
			got := p.requests()
			if len(got) != 1 {
				t.Fatalf("%d requests, want one", len(got))
			}
			h := got[0].Header
			want := request{c.method, c.uri, got[0].Header, c.body}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if h.Get("Apikey") != newKey || h.Get("Authorization") != "" || h.Get("Prefer") != c.prefer || h.Get("User-Agent") != "igconnect" {
				t.Errorf("header %v", h)
			}
		})
	}
}

// TestWritesAnsweredOtherwise: what a gateway or a sign-in page says with 200
// is not a row that was written.
func TestWritesAnsweredOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []string{"<!doctype html><title>Welcome</title>", "null", "[{", "true"} {
			s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(200, body), nil })
			for name, err := range map[string]error{
				"Save": s.Save(t.Context(), []Connection{full()}), "Delete": s.Delete(t.Context(), user, instant),
				"SetSubscription": s.SetSubscription(t.Context(), user, []string{instant}, Subscription{}),
				"Stop":            s.Stop(t.Context(), "2002", []string{instant}, time.Now(), "removed"),
			} {
				var failure *Error
				if !errors.As(err, &failure) || failure.Status != 200 || strings.Contains(failure.Error(), body) {
					t.Errorf("%s answered %q: %v", name, body, err)
				}
			}
		}
	})
}

// TestStopRepeated: the second try filters by the same ids as the first, and
// the caller's list stays as it was.
func TestStopRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var queries []string
		s := stubbed(t, newKey, func(r *http.Request) (*http.Response, error) {
			queries = append(queries, r.URL.RawQuery)
			return answer([]int{503, 204}[len(queries)-1], ""), nil
		})
		ids := []string{"1", "2"}
		if err := s.Stop(t.Context(), "2002", ids, time.Unix(1_800_000_000, 5), "removed"); err != nil {
			t.Fatal(err)
		}
		if len(queries) != 2 || queries[0] != queries[1] || ids[0] != "1" || ids[1] != "2" {
			t.Errorf("queries %q, ids %q", queries, ids)
		}
	})
}

func TestListAnswers(t *testing.T) {
	text := func(value string) *string { return &value }
	stamp := func(value time.Time) *Timestamp { return &Timestamp{value} }
	for _, c := range []struct {
		name, body string
		want       []Stored
		broken     bool
	}{
		{"PostgREST", `[{"user_id":"` + who + `","facebook_user_id":"2002","instagram_id":"1","username":"a","name":null,"status":"active",
			"token_expires_at":"2026-11-22T09:30:00+00:00","connected_at":"2026-11-22T10:30:00.5+01:00","subscribed_fields":["messages"]}]`,
			[]Stored{{UserID: user, FacebookUserID: "2002", Account: Account{InstagramID: "1", Username: text("a"), Status: "active",
				TokenExpires: stamp(at), Connected: stamp(at.Add(500 * time.Millisecond)), SubscribedFields: []string{"messages"}}}}, false},
		{"Supabase Lite", `[{"user_id":"` + who + `","instagram_id":"1","connected_at":"2026-11-22 09:30:00.25+00","token_expires_at":"2026-11-22 15:00:00+05:30"}]`,
			[]Stored{{UserID: user, Account: Account{InstagramID: "1", Connected: stamp(at.Add(250 * time.Millisecond)), TokenExpires: stamp(at)}}}, false},
		{"the seed's three columns", `[{"user_id":"` + who + `","facebook_user_id":null,"instagram_id":"1","token_expires_at":null}]`,
			[]Stored{{UserID: user, Account: Account{InstagramID: "1"}}}, false},
		{"none", `[]`, []Stored{}, false},
		{"a date that is none", `[{"connected_at":"` + igToken + `"}]`, nil, true},
		{"an object", `{"id":1}`, nil, true},
		{"HTML", `<html>`, nil, true},
		{"nothing", ``, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) { return answer(200, c.body), nil })
				got, err := s.OfUser(t.Context(), user)
				if c.broken {
					checkFailure(t, err, Error{Op: "listing the connections", Status: 200})
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("rows (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestTokens: the tokens come out, and no printing shows them.
func TestTokens(t *testing.T) {
	s := stubbed(t, newKey, func(*http.Request) (*http.Response, error) {
		return answer(200, `[{"user_id":"`+who+`","token":"`+igToken+`","page_id":"1001","page_token":"`+pageToken+`","status":"active"},
			{"user_id":"`+uuid.Nil.String()+`","token":"`+igToken+`","page_id":null,"page_token":null,"status":"reconnect"}]`), nil
	})
	got, err := s.Tokens(t.Context(), instant)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d sets of tokens, %v", len(got), err)
	}
	reveal := cmp.Transformer("reveal", secret.String.Reveal)
	want := []Tokens{
		{UserID: user, Token: secret.New(igToken), PageID: "1001", PageToken: secret.New(pageToken), Status: "active"},
		{Token: secret.New(igToken), Status: "reconnect"},
	}
	if diff := cmp.Diff(want, got, reveal); diff != "" {
		t.Errorf("tokens (-want +got):\n%s", diff)
	}
}

// TestAccountJSON: whatever form a time came in, it is given out as RFC 3339 in
// UTC, and one that is missing as null.
func TestAccountJSON(t *testing.T) {
	var account Account
	if err := json.Unmarshal([]byte(`{"token_expires_at":"2026-11-22 10:30:00.5+01"}`), &account); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got["token_expires_at"] != "2026-11-22T09:30:00.5Z" || got["connected_at"] != nil {
		t.Errorf("%s", text)
	}
}
