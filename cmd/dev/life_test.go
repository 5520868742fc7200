package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/metasim"
)

// withPeople is a system of Meta alone, with its people.
func withPeople(t *testing.T) *system {
	t.Helper()
	s := &system{meta: metasim.New(metasim.Config{AppSecret: "s"}), env: env{"CRON_SECRET": "the-secret"}}
	t.Cleanup(s.meta.Close)
	for _, person := range metasim.Demo() {
		s.meta.AddPerson(person)
	}
	return s
}

var bruno = owner{Username: "harbour.coffee", Person: "10228840011223302", Name: "Bruno Takahashi", Page: "104550012233402"}

// TestOwners: each connection once, and only those of people whom Meta knows.
func TestOwners(t *testing.T) {
	row := func(person any) connection {
		return connection{"instagram_id": "1", "username": "harbour.coffee", "page_id": bruno.Page, "facebook_user_id": person}
	}
	want := bruno
	want.Key = "1/" + bruno.Person
	got := owners([]connection{row(bruno.Person), row(bruno.Person), row("99"), row(nil)})
	if diff := cmp.Diff([]owner{want}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestActs: every button is found by its name, and no name is used twice.
func TestActs(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range slices.Concat(leaps, fates, calls) {
		found, ok := actNamed(a.Name)
		if !ok || found.Label != a.Label || seen[a.Name] {
			t.Errorf("%q is found as %q, %v, seen before: %v", a.Name, found.Label, ok, seen[a.Name])
		}
		seen[a.Name] = true
		if about := slices.ContainsFunc(fates, func(f act) bool { return f.Name == a.Name }); a.about != about {
			t.Errorf("%q is about a connection: %v", a.Name, a.about)
		}
	}
	if _, ok := actNamed("leap-7"); ok || len(seen) != 12 {
		t.Errorf("there are %d buttons, and one for 7 days: %v", len(seen), ok)
	}
}

// TestRole: one can lose a role only once until it is given back.
func TestRole(t *testing.T) {
	s := withPeople(t)
	for i, step := range []struct {
		do   func(*system, owner) error
		want string
	}{
		{lose, ""}, {lose, "no role"}, {regain, ""}, {lose, ""},
	} {
		err := step.do(s, bruno)
		if got := errorText(err); (got == "") != (step.want == "") || !strings.Contains(got, step.want) {
			t.Errorf("step %d: %v, want %q", i, err, step.want)
		}
	}
	stranger := bruno
	stranger.Page = "1"
	if err := lose(s, stranger); err == nil {
		t.Error("a role was lost on a Page that the person never had")
	}
	held := owner{Person: "10228840011223305", Page: "104550012233411"}
	if err := lose(s, held); err != nil {
		t.Errorf("a role through a business: %v", err)
	}
}

func lose(s *system, o owner) error {
	_, err := loseRole(s, context.Background(), o)
	return err
}

func regain(s *system, o owner) error {
	_, err := regainRole(s, context.Background(), o)
	return err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestCalls: what each button that calls a function sends, and what it tells
// of the answer.
func TestCalls(t *testing.T) {
	s := withPeople(t)
	answer, status := "", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operator := r.Method == "GET" && r.Header.Get("Authorization") == "Bearer the-secret"
		byMeta := r.Method == "POST" && r.Header.Get("Authorization") == "" && r.PostFormValue("signed_request") != ""
		if !operator && !byMeta {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(status)
		w.Write([]byte(answer))
	}))
	defer server.Close()
	s.url = server.URL
	for _, tt := range []struct {
		button, answer string
		status         int
		want           came
	}{
		{"renew", `{"checked":1}`, 200, came{Text: "/api/renew answered 200.", JSON: "{\n  \"checked\": 1\n}"}},
		{"renew", `{}`, 200, came{Text: "/api/renew found nothing that is due", JSON: "{}"}},
		{"renew", `no JSON`, 502, came{Text: "/api/renew answered 502.", JSON: "no JSON", Trouble: true}},
		{"health", `{"ok":false}`, 503, came{Text: "/api/health, asked by the operator, answered 503. Look at its answer", JSON: "{\n  \"ok\": false\n}", Trouble: true}},
		{"deauthorize", ``, 200, came{Text: "Bruno Takahashi removed the app at Facebook, and /api/deauthorize answered 200."}},
		{"deauthorize", ``, 400, came{Text: "Bruno Takahashi removed the app at Facebook, and /api/deauthorize answered 400.", Trouble: true}},
		{"deletion", `{"url":"/u"}`, 200, came{Text: "Bruno Takahashi asked Meta to have the data deleted, and /api/deletion answered 200.", JSON: "{\n  \"url\": \"/u\"\n}", Link: "/u"}},
	} {
		answer, status = tt.answer, tt.status
		a, _ := actNamed(tt.button)
		got, err := a.do(s, t.Context(), bruno)
		if err != nil || !strings.HasPrefix(got.Text, tt.want.Text) {
			t.Errorf("%s: %v, %q, want %q", tt.button, err, got.Text, tt.want.Text)
		}
		got.Text = tt.want.Text
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.button, diff)
		}
	}
}

// TestNoButton: a name that no button has.
func TestNoButton(t *testing.T) {
	s := withPeople(t)
	r := httptest.NewRequest(http.MethodPost, "/dev/life", strings.NewReader("name=leap-7"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	s.live(rec, r)
	if rec.Code != http.StatusBadRequest {
		t.Errorf("%d", rec.Code)
	}
}

func TestConnectionState(t *testing.T) {
	for _, tt := range []struct {
		row          connection
		state, class string
	}{
		{connection{"status": "active", "status_reason": nil}, "active", "good"},
		{connection{"status": "expiring", "status_reason": "Soon."}, "expiring: Soon.", "warn"},
		{connection{"status": "reconnect", "status_reason": nil}, "reconnect", "warn"},
	} {
		if state, class := tt.row.State(), tt.row.Class(); state != tt.state || class != tt.class {
			t.Errorf("%v: %q %q", tt.row, state, class)
		}
	}
}
