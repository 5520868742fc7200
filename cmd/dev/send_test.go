package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/examples/worker-go/worker"
	"igconnect/internal/supalite"
	"igconnect/lib/webhook"
)

const anAccount = "17841400011223301"

// eventKinds are those of deliveries of one event each, in order.
func eventKinds(t *testing.T, bodies [][]byte) (all []string) {
	t.Helper()
	for _, body := range bodies {
		events, err := webhook.ParseDelivery(body)
		if err != nil || len(events) != 1 || events[0].Account != anAccount {
			t.Fatalf("%v: %s", err, body)
		}
		all = append(all, events[0].Kind)
	}
	return all
}

// TestEvents shows what each kind sends, the first time, again, and out of order.
func TestEvents(t *testing.T) {
	s := withPeople(t)
	for name, want := range map[string][3][]string{
		"message":  {{"message"}, {"message"}, {"message", "message", "message"}},
		"reaction": {{"message", "reaction"}, {"reaction"}, {"reaction", "message"}},
		"postback": {{"postback"}, {"postback"}, {"postback", "postback", "postback"}},
		"comment":  {{"comments"}, {"comments"}, {"comments", "comments", "comments"}},
		"edit":     {{"message", "message_edit"}, {"message_edit"}, {"message_edit", "message"}},
		"deleted":  {{"message", "message_deleted"}, {"message", "message_deleted"}, {"message_deleted", "message"}},
	} {
		form := messageForm{Account: anAccount, Person: senders[0].ID, Kind: name, Text: "hello"}
		var c conversation
		var got [3][]string
		for i := range got {
			form.OutOfOrder = i == 2
			got[i] = eventKinds(t, s.deliveries(form, form.events(&c)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(kinds) != 6 {
		t.Errorf("there are %d kinds", len(kinds))
	}
}

// TestAbout shows that what is about a message has its id, and edits are numbered.
func TestAbout(t *testing.T) {
	form := messageForm{Account: anAccount, Person: senders[0].ID, Kind: "message", Text: "hello"}
	var c conversation
	mid := form.events(&c)[0].MID()
	for _, name := range []string{"reaction", "edit", "edit", "deleted"} {
		form.Kind = name
		if events := form.events(&c); len(events) != 1 || events[0].MID() != mid {
			t.Errorf("%s: %+v, want one about %s", name, events, mid)
		}
	}
	if c.edits != 2 || c.last != nil {
		t.Errorf("%d edits, then %v", c.edits, c.last)
	}
}

func TestReadMessageForm(t *testing.T) {
	good := url.Values{"account": {"1"}, "person": {senders[0].ID}, "kind": {"message"}, "text": {" hello "}, "five": {"1"}}
	for name, tt := range map[string]struct{ field, value, want string }{
		"good":               {"", "", ""},
		"no account":         {"account", "", "choose an account"},
		"an unknown person":  {"person", "1", "choose an account"},
		"an unknown kind":    {"kind", "read", "choose an account"},
		"no text":            {"text", " ", "write a text first"},
		"too much text":      {"text", strings.Repeat("é", 501), "too long"},
		"a text of no UTF-8": {"text", "\xff", "too long"},
	} {
		form := url.Values{}
		for k, v := range good {
			form[k] = v
		}
		if tt.field != "" {
			form.Set(tt.field, tt.value)
		}
		o, err := readMessageForm(posting("/", form.Encode()))
		if tt.want == "" {
			want := messageForm{Account: "1", Person: senders[0].ID, Kind: "message", Text: "hello", FiveTimes: true}
			if diff := cmp.Diff(want, o); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestNotSubscribed shows that where Meta has nothing to deliver, the form says what to do.
func TestNotSubscribed(t *testing.T) {
	s := withPeople(t)
	s.supabase = &supalite.Server{}
	form := url.Values{"account": {anAccount}, "person": {senders[0].ID}, "kind": {"message"}, "text": {"hello"}}
	rec := httptest.NewRecorder()
	s.pages().ServeHTTP(rec, posting("/dev/send", form.Encode()))
	if sent := s.shown().Sent; rec.Code != http.StatusSeeOther || sent == nil || !strings.Contains(sent.Trouble, "Connect the account again") {
		t.Errorf("%d, %+v", rec.Code, sent)
	}
}

func TestTally(t *testing.T) {
	for want, statuses := range map[string][]int{
		"5 × 200":                   {200, 200, 200, 200, 200},
		"1 × 200, 2 × 503, 1 × 200": {200, 503, 503, 200},
		"1 × no answer":             {0},
		"":                          nil,
	} {
		if got := (round{Statuses: statuses}).Tally(); got != want {
			t.Errorf("%v: %q, want %q", statuses, got, want)
		}
	}
}

// TestHandle shows that what Meta refuses fails, keeps what is behind it in its
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
	s := withPeople(t)
	meta := httptest.NewServer(s.meta)
	defer meta.Close()
	s.env = env{"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": "the-key", "FB_APP_SECRET": "s", "FB_GRAPH_URL": meta.URL}
	w, _ := s.worker()
	got, err := w.Handle(t.Context(), []worker.Event{
		{ID: "a", Conversation: "1/2", Kind: "message", PageID: "3", PageToken: "EAAstale"},
		{ID: "b", Conversation: "1/2", Kind: "reaction"},
		{ID: "c", Conversation: "1/4", Kind: "reaction"},
		{ID: "d", Conversation: "1/4", Kind: "message"},
		{ID: "e", Conversation: "1/message/m", Kind: "message", PageID: "3", PageToken: "EAAstale"}, // of nobody
	})
	if err != nil || got.Claimed != 5 || got.Answered != 0 || len(got.Failed) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	want := []string{
		`fail_instagram_events {"ids":["a"],"reason":"sending: Meta answered 400, code 190, subcode 0"}`,
		`finish_instagram_events {"ids":["c"]}`,
		`fail_instagram_events {"ids":["d"],"reason":"the connection has no Page token"}`,
		`finish_instagram_events {"ids":["e"]}`,
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestClaimRefused shows that what stops a worker is named, without the key.
func TestClaimRefused(t *testing.T) {
	supabase := httptest.NewServer(http.NotFoundHandler())
	defer supabase.Close()
	s := &system{env: env{"SUPABASE_URL": supabase.URL, "SUPABASE_SECRET_KEY": "the-key", "FB_APP_SECRET": "s"}}
	s.work(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/dev/work", nil))
	if got := s.shown().Worked.Trouble; got != "Calling claim_instagram_events: Supabase answered 404." {
		t.Error(got)
	}
}
