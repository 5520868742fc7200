package metasim

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// An error page is shown, and never a redirect made, for a request that is not right.
func TestDialogProblems(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
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
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := r.approve(Approval{}, tt.pairs...)
			if err == nil || !strings.Contains(err.Error(), "status 400") || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want status 400 with %q", err, tt.text)
			}
			u := must(url.Parse(r.dialogURL(tt.pairs...)))
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
	r := newRig(t, []Person{}...)
	if err := r.approve(Approval{}); err == nil || !strings.Contains(err.Error(), "AddPerson") {
		t.Errorf("got %v", err)
	}
}

func TestDialogAnswers(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name, redirect string
		approval       Approval
		want           string
	}{
		{"denied", testRedirect, Approval{Deny: true}, "?error=access_denied&error_code=200&error_description=Permissions+error&error_reason=user_denied&state=s%26t%3D1#_=_"},
		{"approved", testRedirect, Approval{}, "?code=CODE&state=s%26t%3D1#_=_"},
		{"approved, a query in the address", testRedirect + "?app=1", Approval{}, "&code=CODE&state=s%26t%3D1#_=_"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := must(r.Approve(t.Context(), r.dialogURL("redirect_uri", tt.redirect), tt.approval))
			got = regexp.MustCompile(`code=AQ\w+`).ReplaceAllString(got, "code=CODE")
			if got != tt.redirect+tt.want {
				t.Errorf("got  %s\nwant %s%s", got, tt.redirect, tt.want)
			}
		})
	}
}

// The page's links and form work for a browser without JavaScript.
func TestDialogPage(t *testing.T) {
	r := newRig(t, ada, Person{ID: "502", Name: `Bo "<b>"`, Pages: []Page{{ID: "950", Name: `A & <B>`}}})
	a := r.do("GET", must(url.Parse(r.dialogURL("person", "502"))).RequestURI(), "", nil)
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
	decline := Approval{Decline: []string{"instagram_basic"}}
	for i, step := range []struct {
		approval Approval
		pairs    []string
		refused  bool
		want     string // state of instagram_basic afterwards
	}{
		{decline, nil, false, declined},
		{Approval{}, nil, false, declined},
		{decline, nil, true, declined}, // it is not asked for
		{Approval{}, []string{"auth_type", "rerequest"}, false, granted},
		{Approval{}, []string{"scope", "pages_show_list"}, false, granted},
		{decline, nil, false, declined},
	} {
		if err := r.approve(step.approval, step.pairs...); (err != nil) != step.refused {
			t.Errorf("step %d: %v", i, err)
		}
		if got := read(r.Sim, func() string { return r.consents["501"].state("instagram_basic") }); got != step.want {
			t.Errorf("step %d: instagram_basic is %q, want %q", i, got, step.want)
		}
	}
}

func TestDialogConfigID(t *testing.T) {
	r := newRig(t)
	token := r.shortToken(Approval{}, "config_id", "77", "scope", "email")
	r.debug(token).has(t, "data.scopes", "#5") // of any config_id: the default ones and public_profile
}

// Whoever comes back finds the Pages ticked that were shared before, and no new one.
func TestDialogRemembersPages(t *testing.T) {
	r := newRig(t)
	r.code(Approval{Pages: []string{"902"}})
	u := must(url.Parse(r.dialogURL()))
	page := r.do("GET", u.RequestURI(), "", nil).body
	for id, ticked := range map[string]bool{"901": false, "902": true, "903": false} {
		if got := strings.Contains(page, `value="`+id+`" checked`); got != ticked {
			t.Errorf("Page %s ticked: %v, want %v", id, got, ticked)
		}
	}
	if r.approve(Approval{Pages: []string{"999"}}) == nil {
		t.Errorf("a Page that is not offered was ticked")
	}
	if a := r.do("POST", u.RequestURI(), "", url.Values{"decision": {"continue"}, "page": {"999"}}); a.status != 400 {
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
