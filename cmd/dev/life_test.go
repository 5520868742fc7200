package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/metasim"
	"igconnect/lib/secret"
	"igconnect/lib/webhook"
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

// posting is the request of a form.
func posting(path, form string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", formType)
	return r
}

var bruno = owner{Username: "harbour.coffee", Person: "10228840011223302", Name: "Bruno Takahashi", Page: "104550012233402"}

// TestOwners shows each connection once, and only those of people whom Meta knows.
func TestOwners(t *testing.T) {
	row := func(person any) connection {
		return connection{"instagram_id": "1", "username": "harbour.coffee", "page_id": bruno.Page, "facebook_user_id": person}
	}
	want := bruno
	want.Key = "1/" + bruno.Person
	got := overview{Connected: []connection{row(bruno.Person), row(bruno.Person), row("99"), row(nil)}}.Owners()
	if diff := cmp.Diff([]owner{want}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestButtons shows that every button is found by its name, and no name is used twice.
func TestButtons(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range slices.Concat(clockButtons, facebookButtons, operatorButtons) {
		found, ok := buttonNamed(a.Name)
		if !ok || found.Label != a.Label || seen[a.Name] {
			t.Errorf("%q is found as %q, %v, seen before: %v", a.Name, found.Label, ok, seen[a.Name])
		}
		seen[a.Name] = true
		if about := slices.ContainsFunc(facebookButtons, func(f button) bool { return f.Name == a.Name }); a.aboutConnection != about {
			t.Errorf("%q is about a connection: %v", a.Name, a.aboutConnection)
		}
	}
	if _, ok := buttonNamed("days-7"); ok || len(seen) != 12 {
		t.Errorf("there are %d buttons, and one for 7 days: %v", len(seen), ok)
	}
	rec := httptest.NewRecorder()
	if (&system{}).pressButton(rec, posting("/dev/life", "name=days-7")); rec.Code != http.StatusBadRequest {
		t.Errorf("no such button: %d", rec.Code)
	}
}

// TestRole shows that one can lose a role only once until it is given back.
func TestRole(t *testing.T) {
	s := withPeople(t)
	stranger, held := bruno, owner{Person: "10228840011223305", Page: "104550012233411"}
	stranger.Page = "1"
	for i, step := range []struct {
		button  string
		o       owner
		refused bool
	}{
		{"lose-role", bruno, false}, {"lose-role", bruno, true}, {"regain-role", bruno, false}, {"lose-role", bruno, false},
		{"lose-role", stranger, true}, // never had one on that Page
		{"lose-role", held, false},    // through a business
	} {
		b, _ := buttonNamed(step.button)
		_, err := b.press(s, t.Context(), step.o)
		if (err != nil) != step.refused || err != nil && !strings.Contains(err.Error(), "no role") {
			t.Errorf("step %d: %v, refused: %v", i, err, step.refused)
		}
	}
}

// TestCalls shows what each button that calls a function sends, and what it tells of the answer.
// Meta's requests are of today, whatever its clock says.
func TestCalls(t *testing.T) {
	s := withPeople(t)
	s.meta.Jump(100 * day)
	answer, status := "", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operator := r.Method == "GET" && r.Header.Get("Authorization") == "Bearer the-secret"
		signed, err := webhook.ParseSignedRequest(r.PostFormValue("signed_request"), []secret.String{secret.New("s")}, time.Now())
		byMeta := r.Method == "POST" && r.Header.Get("Authorization") == "" && err == nil && signed.PersonID == bruno.Person
		if !operator && !byMeta {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(status)
		w.Write([]byte(answer))
	}))
	defer server.Close()
	s.at.main = server.URL
	for _, tt := range []struct {
		button, answer string
		status         int
		want           outcome
	}{
		{"renew", `{"checked":1}`, 200, outcome{Text: "/api/renew answered 200.", JSON: "{\n  \"checked\": 1\n}"}},
		{"renew", `{}`, 200, outcome{Text: "/api/renew found nothing that is due", JSON: "{}"}},
		{"renew", `no JSON`, 502, outcome{Text: "/api/renew answered 502.", JSON: "no JSON", Trouble: true}},
		{"health", `{"ok":false}`, 503, outcome{Text: "/api/health, asked by the operator, answered 503. Look at its answer", JSON: "{\n  \"ok\": false\n}", Trouble: true}},
		{"deauthorize", ``, 200, outcome{Text: "Bruno Takahashi removed the app at Facebook, and /api/deauthorize answered 200."}},
		{"deauthorize", ``, 400, outcome{Text: "Bruno Takahashi removed the app at Facebook, and /api/deauthorize answered 400.", Trouble: true}},
		{"deletion", `{"url":"/u"}`, 200, outcome{Text: "Bruno Takahashi asked Meta to have the data deleted, and /api/deletion answered 200.", JSON: "{\n  \"url\": \"/u\"\n}", Link: "/u"}},
	} {
		answer, status = tt.answer, tt.status
		a, _ := buttonNamed(tt.button)
		got, err := a.press(s, t.Context(), bruno)
		if err != nil || !strings.HasPrefix(got.Text, tt.want.Text) {
			t.Errorf("%s: %v, %q, want %q", tt.button, err, got.Text, tt.want.Text)
		}
		got.Text = tt.want.Text
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.button, diff)
		}
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

// TestClockProxy shows that the Date of every answer and the dates of a token are set back, if
// Meta's clock was set forward.
func TestClockProxy(t *testing.T) {
	const (
		date   = "Mon, 23 Nov 2026 12:00:00 GMT"
		before = "Sun, 04 Oct 2026 12:00:00 GMT" // 50 days
		body   = `{"data":{"issued_at":1795000000,"expires_at":0,"data_access_expires_at":1800000000,"user_id":"1795000000"}}`
		put    = `{"data":{"issued_at":1790680000,"expires_at":0,"data_access_expires_at":1795680000,"user_id":"1795000000"}}`
	)
	p := &clockProxy{meta: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", date)
		w.Header().Set("Content-Length", "107")
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, body)
	})}
	server := httptest.NewServer(p)
	defer server.Close()
	for _, tt := range []struct {
		by               time.Duration
		path, date, body string
	}{
		{0, "/v24.0/debug_token?input_token=x", date, body},
		{50 * day, "/v24.0/debug_token?input_token=x", before, put},
		{50 * day, "/v24.0/me", before, body},
	} {
		p.ahead = func() time.Duration { return tt.by }
		res, err := http.Get(server.URL + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusAccepted || res.Header.Get("Date") != tt.date || string(got) != tt.body {
			t.Errorf("%v, %s: %v, status %d of %s:\n%s", tt.by, tt.path, err, res.StatusCode, res.Header.Get("Date"), got)
		}
	}
}

// TestLifecycle shows what each button leads to, in the whole system. After each one the account
// is connected again, which repairs it.
func TestLifecycle(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole system is left out under -short")
	}
	s := startSystem(t)
	connect := func() error { return newWalk(s, time.Now()).connect(t.Context()) }
	if err := connect(); err != nil {
		t.Fatal(err)
	}
	press := func(where, name string) {
		b, _ := buttonNamed(name)
		result, err := s.press(t.Context(), b, "17841400011223301/10228840011223301")
		if err != nil || result.Trouble {
			t.Fatalf("%s: %s: %v, %+v", where, name, err, result)
		}
	}
	const state = "status || coalesce(': ' || status_reason, '')"
	for _, tt := range []struct {
		name    string
		buttons []string
		want    string
	}{
		{"nothing", []string{"days-1", "renew"}, "active"},
		{"fifty days", []string{"days-50", "renew"}, "active"}, // with a new token
		{"fifty days, and as many again", []string{"days-50", "renew", "days-50", "renew"}, "reconnect: Your consent at Facebook has run out."},
		{"sixty days", []string{"days-60", "renew"}, "reconnect: The access has run out."},
		{"a hundred days", []string{"days-100", "renew"}, "reconnect: The access has run out."},
		{"a new password", []string{"password", "days-1", "renew"}, "reconnect: You changed your Facebook password."},
		{"no app", []string{"remove", "days-1", "renew"}, "reconnect: You removed this app at Facebook."},
		{"no role, for a while", []string{"lose-role", "days-1", "renew", "regain-role"}, "reconnect: You no longer have a role on the Facebook Page."},
		{"Meta's call", []string{"deauthorize"}, "reconnect: You removed this app at Facebook."},
		{"Meta's call, sixty days later", []string{"days-60", "deauthorize"}, "reconnect: You removed this app at Facebook."},
	} {
		for _, name := range tt.buttons {
			press(tt.name, name)
		}
		if got := s.saved(t, state); cmp.Diff([]string{tt.want}, got) != "" {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if err := connect(); err != nil {
			t.Fatalf("%s: connecting again: %v", tt.name, err)
		}
		if got := s.saved(t, state); cmp.Diff([]string{"active"}, got) != "" {
			t.Errorf("%s: connected again it is %q", tt.name, got)
		}
	}
	press("erasure", "health")
	press("erasure", "deletion")
	if got := s.saved(t, state); len(got) > 0 {
		t.Errorf("after the erasure there is %q", got)
	}
	if _, err := s.press(t.Context(), facebookButtons[0], ""); err == nil {
		t.Error("a password was changed of nobody")
	}
}
