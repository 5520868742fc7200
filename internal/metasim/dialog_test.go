package metasim

import (
	"context"
	"net/url"
	"strings"
	"testing"
)

// An error page is shown, and never a redirect made, for a request that is not
// right.
func TestDialogProblems(t *testing.T) {
	r := newRig(t)
	tests := []struct {
		name  string
		pairs []string
		text  string
	}{
		{"other app", []string{"client_id", "1"}, "valid app ID"},
		{"no app", []string{"client_id", "-"}, "valid app ID"},
		{"unregistered redirect", []string{"redirect_uri", "http://evil.example/"}, "not whitelisted"},
		{"one byte more", []string{"redirect_uri", testRedirect + "/"}, "not whitelisted"},
		{"other case", []string{"redirect_uri", strings.ToUpper(testRedirect)}, "not whitelisted"},
		{"no redirect", []string{"redirect_uri", "-"}, "not whitelisted"},
		{"no state", []string{"state", "-"}, "state is missing"},
		{"empty state", []string{"state", ""}, "state is missing"},
		{"token flow", []string{"response_type", "token"}, "must be code"},
		{"unknown scope", []string{"scope", "instagram_basic,instagram_everything"}, "Invalid Scopes: instagram_everything"},
		{"no scope", []string{"scope", "-"}, "Neither scope nor config_id"},
		{"unknown person", []string{"person", "77"}, "has the id 77"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Approve(context.Background(), r.dialogURL(tt.pairs...), Approval{})
			if err == nil || !strings.Contains(err.Error(), "status 400") || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want status 400 with %q", err, tt.text)
			}
			u, _ := url.Parse(r.dialogURL(tt.pairs...))
			a := r.do("POST", u.RequestURI(), "", url.Values{"decision": {"continue"}, "person": {u.Query().Get("person")}})
			if a.status != 400 || a.header.Get("Location") != "" {
				t.Errorf("POST answers %d to %q", a.status, a.header.Get("Location"))
			}
		})
	}
	if len(r.Secrets()) != 0 {
		t.Errorf("codes were given out")
	}
}

func TestDialogWithoutPeople(t *testing.T) {
	s := New(Config{AppID: testApp, AppSecret: testSecret, RedirectURIs: []string{testRedirect}})
	_, err := s.Approve(context.Background(), (&rig{}).dialogURL(), Approval{})
	if err == nil || !strings.Contains(err.Error(), "AddPerson") {
		t.Errorf("got %v", err)
	}
}

func TestDialogAnswers(t *testing.T) {
	r := newRig(t)
	tests := []struct {
		name     string
		redirect string
		approval Approval
		want     string
	}{
		{"denied", testRedirect, Approval{Deny: true}, testRedirect +
			"?error=access_denied&error_code=200&error_description=Permissions+error&error_reason=user_denied&state=s%26t%3D1#_=_"},
		{"approved", testRedirect, Approval{}, testRedirect + "?code=CODE&state=s%26t%3D1#_=_"},
		{"approved, a query in the address", testRedirect + "?app=1", Approval{}, testRedirect + "?app=1&code=CODE&state=s%26t%3D1#_=_"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.Approve(context.Background(), r.dialogURL("redirect_uri", tt.redirect), tt.approval)
			if err != nil {
				t.Fatal(err)
			}
			if u, _ := url.Parse(got); u.Query().Get("code") != "" {
				got = strings.Replace(got, u.Query().Get("code"), "CODE", 1)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// The page's links and form work for a browser without JavaScript.
func TestDialogPage(t *testing.T) {
	r := newRig(t, ada, Person{ID: "502", Name: `Bo "<b>"`, Pages: []Page{{ID: "950", Name: `A & <B>`}}})
	u, _ := url.Parse(r.dialogURL("person", "502"))
	a := r.do("GET", u.RequestURI(), "", nil)
	for _, want := range []string{
		"Simulated Meta dialog", `name="viewport"`, "Bo &#34;&lt;b&gt;&#34;", "A &amp; &lt;B&gt;", "person=501",
		`value="not_now"`, `name="permission" value="instagram_basic" checked="checked"`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	// Without an icon a browser asks for /favicon.ico, and reports that there is none.
	if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(a.body, `<link rel="icon" href="data:,"/>`) || !strings.Contains(policy, "img-src 'self' data:") {
		t.Errorf("the policy %q does not allow the page's icon", policy)
	}
	if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || strings.Contains(a.body, "<script") {
		t.Errorf("status %d, Cache-Control %q", a.status, a.header.Get("Cache-Control"))
	}
}

// A permission that was declined is not asked again without auth_type=rerequest.
func TestDialogDeclined(t *testing.T) {
	r := newRig(t)
	has := func(want string) {
		t.Helper()
		r.mu.Lock()
		defer r.mu.Unlock()
		if got := r.consents["501"].status["instagram_basic"]; got != want {
			t.Fatalf("instagram_basic is %q, want %q", got, want)
		}
	}
	r.code(Approval{Decline: []string{"instagram_basic"}})
	has("declined")
	r.code(Approval{})
	has("declined")
	if _, err := r.Approve(context.Background(), r.dialogURL(), Approval{Decline: []string{"instagram_basic"}}); err == nil {
		t.Errorf("it could be declined though it was not asked for")
	}
	r.code(Approval{}, "auth_type", "rerequest")
	has("granted")
	r.code(Approval{}, "scope", "pages_show_list")
	has("granted")
	r.code(Approval{Decline: []string{"instagram_basic"}})
	has("declined")
}

func TestDialogConfigID(t *testing.T) {
	r := newRig(t)
	token := r.shortToken(Approval{}, "config_id", "77", "scope", "email")
	r.debug(token).has(t, "data.scopes", "#5") // of any config_id: the default ones and public_profile
	r.Sim.cfg.Configurations = map[string][]string{"78": {"email"}}
	if _, err := r.Approve(context.Background(), r.dialogURL("config_id", "77"), Approval{}); err == nil {
		t.Errorf("an unknown config_id was accepted")
	}
	r.code(Approval{Decline: []string{"email"}}, "config_id", "78")
}

// Whoever comes back finds the Pages ticked that were shared before, and no new
// one.
func TestDialogRemembersPages(t *testing.T) {
	r := newRig(t)
	r.code(Approval{Pages: []string{"902"}})
	u, _ := url.Parse(r.dialogURL())
	page := r.do("GET", u.RequestURI(), "", nil).body
	for id, ticked := range map[string]bool{"901": false, "902": true, "903": false} {
		if got := strings.Contains(page, `value="`+id+`" checked`); got != ticked {
			t.Errorf("Page %s ticked: %v, want %v", id, got, ticked)
		}
	}
	if _, err := r.Approve(context.Background(), r.dialogURL(), Approval{Pages: []string{"999"}}); err == nil {
		t.Errorf("a Page that is not offered was ticked")
	}
	a := r.do("POST", u.RequestURI(), "", url.Values{"decision": {"continue"}, "page": {"999"}})
	if a.status != 400 {
		t.Errorf("a foreign Page is answered %d", a.status)
	}
}

func TestApprovePerson(t *testing.T) {
	r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
	token := r.shortToken(Approval{Person: "502"})
	r.call("GET", "/me", token).has(t, "name", "Bo")
}

// Nothing that comes in the query makes the dialog redirect to an address that
// is not registered, or panic.
func FuzzDialog(f *testing.F) {
	f.Add("client_id="+testApp+"&state=x&scope=email&redirect_uri="+url.QueryEscape(testRedirect), "decision=continue")
	f.Add("client_id="+testApp+"&state=%00&config_id=1&redirect_uri="+url.QueryEscape(testRedirect+"@evil.example"), "person=501")
	f.Add("%gg&;=", "page=901&permission=email&decision=%")
	f.Fuzz(func(t *testing.T, query, form string) {
		s := New(Config{AppID: testApp, AppSecret: testSecret, RedirectURIs: []string{testRedirect}})
		s.AddPerson(ada)
		fields, _ := url.ParseQuery(form)
		u := &url.URL{Scheme: "http", Host: "localhost", Path: "/v24.0/dialog/oauth", RawQuery: query}
		if _, err := s.visit(t.Context(), "GET", u, nil); err != nil && !strings.Contains(err.Error(), "status 400") {
			return // not a URL at all
		}
		c, err := s.visit(t.Context(), "POST", u, fields)
		if err == nil && !strings.HasPrefix(c.Header().Get("Location"), testRedirect+"?") {
			t.Errorf("redirects to %q", c.Header().Get("Location"))
		}
	})
}
