package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/metasim"
)

// TestHandle: what Meta refuses fails, keeps what is behind it in its
// conversation, and tells no token; all else is finished.
func TestHandle(t *testing.T) {
	var calls []string
	supabase := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls = append(calls, strings.TrimPrefix(r.URL.Path, "/rest/v1/rpc/")+" "+string(body))
		if r.Header.Get("Apikey") != "the-key" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, 1)
	}))
	defer supabase.Close()
	sim := metasim.New(metasim.Config{AppID: "1", AppSecret: "s"})
	defer sim.Close()
	meta := httptest.NewServer(sim)
	defer meta.Close()

	s := &system{metaURL: meta.URL, env: env{"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": "the-key", "FB_APP_SECRET": "s"}}
	got, err := s.handle(t.Context(), []claimed{
		{ID: "a", Conversation: "1/2", Kind: "message", PageID: "3", PageToken: "EAAstale"},
		{ID: "b", Conversation: "1/2", Kind: "reaction"},
		{ID: "c", Conversation: "1/4", Kind: "reaction"},
		{ID: "d", Conversation: "1/4", Kind: "message"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&worked{Claimed: 4, Failed: 2}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []string{
		`fail_instagram_events {"ids":["a"],"reason":"answering: Meta said 400, code 190, subcode 0"}`,
		`finish_instagram_events {"ids":["c"]}`,
		`fail_instagram_events {"ids":["d"],"reason":"the connection has no Page token"}`,
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestClaimRefused: what stops a worker is named, without the key.
func TestClaimRefused(t *testing.T) {
	supabase := httptest.NewServer(http.NotFoundHandler())
	defer supabase.Close()
	s := &system{env: env{"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": "the-key"}}
	if _, err := s.claim(t.Context()); err == nil || err.Error() != "calling claim_instagram_events: status 404" {
		t.Error(err)
	}
}
