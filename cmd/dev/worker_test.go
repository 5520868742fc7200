package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/examples/worker-go/worker"
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

	s := &system{env: env{
		"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": "the-key", "FB_APP_SECRET": "s", "FB_GRAPH_URL": meta.URL,
	}}
	w, err := s.worker()
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Handle(t.Context(), []worker.Event{
		{ID: "a", Conversation: "1/2", Kind: "message", PageID: "3", PageToken: "EAAstale"},
		{ID: "b", Conversation: "1/2", Kind: "reaction"},
		{ID: "c", Conversation: "1/4", Kind: "reaction"},
		{ID: "d", Conversation: "1/4", Kind: "message"},
	})
	if err != nil || got.Claimed != 4 || got.Answered != 0 || len(got.Failed) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	want := []string{
		`fail_instagram_events {"ids":["a"],"reason":"sending: Meta answered 400, code 190, subcode 0"}`,
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
	s := &system{env: env{"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": "the-key", "FB_APP_SECRET": "s"}}
	s.work(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/dev/work", nil))
	if got := s.mail.worked.Trouble; got != "Calling claim_instagram_events: Supabase answered 404." {
		t.Error(got)
	}
}
