package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/metasim"
	"igconnect/internal/supalite"
)

const anAccount = "17841400011223301"

// wire is what a delivery holds, as short names in order.
func wire(t *testing.T, bodies [][]byte) []string {
	t.Helper()
	var all []string
	for _, body := range bodies {
		var d struct {
			Entry []struct {
				ID        string
				Messaging []map[string]json.RawMessage
				Changes   []struct{ Field string }
			}
		}
		if err := json.Unmarshal(body, &d); err != nil || len(d.Entry) != 1 || d.Entry[0].ID != anAccount {
			t.Fatalf("%v: %s", err, body)
		}
		for _, m := range d.Entry[0].Messaging {
			for _, name := range []string{"message", "reaction", "postback", "message_edit"} {
				if value, ok := m[name]; ok {
					if strings.Contains(string(value), "is_deleted") {
						name = "deleted"
					}
					all = append(all, name)
				}
			}
		}
		for _, c := range d.Entry[0].Changes {
			all = append(all, c.Field)
		}
	}
	return all
}

// TestEvents: what each order sends, the first time, again, and out of order.
func TestEvents(t *testing.T) {
	s := &system{meta: metasim.New(metasim.Config{AppSecret: "s"})}
	defer s.meta.Close()
	for name, want := range map[string][3][]string{
		"message":  {{"message"}, {"message"}, {"message", "message", "message"}},
		"reaction": {{"message", "reaction"}, {"reaction"}, {"reaction", "message"}},
		"postback": {{"postback"}, {"postback"}, {"postback", "postback", "postback"}},
		"comment":  {{"comments"}, {"comments"}, {"comments", "comments", "comments"}},
		"edit":     {{"message", "message_edit"}, {"message_edit"}, {"message_edit", "message"}},
		"deleted":  {{"message", "deleted"}, {"message", "deleted"}, {"deleted", "message"}},
	} {
		o := order{Account: anAccount, Person: writers[0].ID, Kind: name, Text: "hello"}
		last := s.talk(o)
		*last = talk{over: true}
		var got [3][]string
		for i := range got {
			o.OutOfOrder = i == 2
			got[i] = wire(t, s.deliveries(o, o.events(last)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(kinds) != 6 {
		t.Errorf("there are %d kinds", len(kinds))
	}
}

// TestAbout: what is about a message has its id, and edits are numbered.
func TestAbout(t *testing.T) {
	o := order{Account: anAccount, Person: writers[0].ID, Kind: "message", Text: "hello"}
	last := &talk{over: true}
	mid := o.events(last)[0].MID()
	for _, name := range []string{"reaction", "edit", "edit", "deleted"} {
		o.Kind = name
		if events := o.events(last); len(events) != 1 || events[0].MID() != mid {
			t.Errorf("%s: %+v, want one about %s", name, events, mid)
		}
	}
	if last.edits != 2 || !last.over {
		t.Errorf("%d edits, over %v", last.edits, last.over)
	}
}

func TestReadOrder(t *testing.T) {
	good := url.Values{"account": {"1"}, "person": {writers[0].ID}, "kind": {"message"}, "text": {" hello "}, "five": {"1"}}
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
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		o, err := readOrder(r)
		if tt.want == "" {
			want := order{Account: "1", Person: writers[0].ID, Kind: "message", Text: "hello", FiveTimes: true}
			if diff := cmp.Diff(want, o); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestNotSubscribed: where Meta has nothing to deliver, the form says what to do.
func TestNotSubscribed(t *testing.T) {
	s := &system{meta: metasim.New(metasim.Config{AppSecret: "s"}), supabase: &supalite.Server{}}
	defer s.meta.Close()
	for _, person := range metasim.Demo() {
		s.meta.AddPerson(person)
	}
	form := url.Values{"account": {anAccount}, "person": {writers[0].ID}, "kind": {"message"}, "text": {"hello"}}
	r := httptest.NewRequest(http.MethodPost, "/dev/send", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	s.pages().ServeHTTP(rec, r)
	if rec.Code != http.StatusSeeOther || s.mail.sent == nil || !strings.Contains(s.mail.sent.Trouble, "Connect the account again") {
		t.Errorf("%d, %+v", rec.Code, s.mail.sent)
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
