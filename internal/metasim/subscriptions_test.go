package metasim

import (
	"slices"
	"strings"
	"testing"
)

func TestSubscribe(t *testing.T) {
	r := newRig(t)
	token := r.pageTokenFor("901", "pages_manage_metadata", "pages_messaging")
	for name, end := range map[string]func(){
		"by the app":       func() { r.call("DELETE", "/901/subscribed_apps", token).wantBody(t, `{"success":true}`) },
		"in Page settings": func() { r.DropSubscription("901") },
	} {
		for _, fields := range []string{"messages,message_edits", "standby"} { // the list is replaced
			r.call("POST", "/901/subscribed_apps", token, "subscribed_fields", fields).wantBody(t, `{"success":true}`)
		}
		if got := r.Subscribed("901"); !slices.Equal(got, []string{"standby"}) {
			t.Errorf("subscribed to %v", got)
		}
		r.call("GET", "/901/subscribed_apps", token).has(t, "data.0.id", testApp, "data.0.subscribed_fields.0", "standby")
		end()
		r.call("GET", "/901/subscribed_apps", token).wantBody(t, `{"data":[]}`)
		if got := r.Subscribed("901"); got != nil {
			t.Errorf("ended %s, and still subscribed to %v", name, got)
		}
	}
}

// The role on the Page decides, too.
func TestSubscribeByRole(t *testing.T) {
	for _, tt := range []struct {
		tasks  []string
		status int
	}{
		{nil, 200}, {[]string{"ANALYZE"}, 403}, {[]string{"MESSAGING", "ADVERTISE"}, 403}, {[]string{}, 403},
		{[]string{"ANALYZE", "MODERATE"}, 200}, {[]string{"PROFILE_PLUS_FULL_CONTROL"}, 200},
	} {
		r := newRig(t, Person{ID: "501", Name: "Ada", Pages: []Page{{ID: "901", Name: "A", Tasks: tt.tasks}}})
		token := r.pageTokenFor("901", "pages_manage_metadata")
		a := r.call("POST", "/901/subscribed_apps", token, "subscribed_fields", "feed")
		if a.status != tt.status || (r.Subscribed("901") != nil) != (tt.status == 200) {
			t.Errorf("%v: %d, subscribed to %v", tt.tasks, a.status, r.Subscribed("901"))
		}
	}
}

func TestSubscribeErrors(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name, page, fields, scope string
		status, code, subcode     int
		message                   string
	}{
		{"messaging field without the permission", "901", "feed,messages", "pages_manage_metadata", 403, 200, 0,
			"(#200) To subscribe to the messages field, one of these permissions is needed: pages_messaging"},
		{"no pages_manage_metadata", "901", "feed", "email", 403, 200, 0, "pages_manage_metadata"},
		{"unknown field", "901", "feed,messaging_seen", "pages_manage_metadata", 400, 100, 0, `subscribed_fields[1] must be one of {feed, `},
		{"no field", "901", "", "pages_manage_metadata", 400, 100, 0, "subscribed_fields is required"},
		{"another Page", "902", "feed", "pages_manage_metadata", 400, 100, 33, "does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			token := r.pageTokenFor("901", tt.scope)
			a := r.call("POST", "/"+tt.page+"/subscribed_apps", token, "subscribed_fields", tt.fields)
			a.want(t, tt.status, tt.code, tt.subcode, tt.message)
			if got := r.Subscribed(tt.page); got != nil {
				t.Errorf("a rejected call left %v", got)
			}
		})
	}
	r.call("POST", "/901/subscribed_apps", r.Grant(Grant{}), "subscribed_fields", "feed").want(t, 403, 210, 0, "page access token")

	// A Page no longer shared is no longer managed.
	token := r.pageTokenFor("901", "pages_manage_metadata")
	r.code(Approval{Pages: []string{"902"}})
	r.call("DELETE", "/901/subscribed_apps", token).want(t, 403, 200, 0, "")
}

func TestBusinesses(t *testing.T) {
	person := ada
	person.Businesses = []Business{{ID: "88", Name: "Group",
		Owned:  []Page{{ID: "960", Name: "Owned"}, {ID: "901", Name: "Ceramics"}},
		Client: []Page{{ID: "961", Name: "Client", Instagram: &Instagram{ID: "17841009"}}},
	}}
	r := newRig(t, person)
	without := r.Grant(Grant{})
	for _, path := range []string{"/me/businesses", "/88/owned_pages", "/88/client_pages"} {
		r.call("GET", path, without).want(t, 403, 200, 0, "business_management")
	}
	with := r.Grant(Grant{Scopes: append([]string{"business_management"}, DefaultScopes...), Pages: []string{"902"}})
	for _, tt := range []struct{ path, fields, want string }{
		{"/me/businesses", "", `{"data":[{"id":"88","name":"Group"}]`},
		{"/88/owned_pages", "name", `{"data":[{"id":"960","name":"Owned"}]`}, // 901 is Ada's own and not shared
		{"/88/client_pages", "instagram_business_account", `{"data":[{"id":"961","instagram_business_account":{"id":"17841009"}}]`},
		{"/me/accounts", "id", `{"data":[{"id":"902"}]`},
	} {
		if a := r.call("GET", tt.path, with, "fields", tt.fields); !strings.HasPrefix(a.body, tt.want) {
			t.Errorf("%s: %s, want %s", tt.path, a.body, tt.want)
		}
	}
	r.call("GET", "/960", with, "fields", "access_token").want(t, 200, 0, 0, "")
	r.call("GET", "/89/owned_pages", with).want(t, 400, 100, 33, "")
	r.call("GET", "/88/businesses", with).want(t, 400, 100, 33, "")
	r.call("GET", "/me/businesses", with, "fields", "shoe_size").want(t, 400, 100, 0, "node type (Business)")
	r.debug(with).has(t, "data.granular_scopes.0.target_ids", "#1") // not the businesses' Pages
}

func TestAppSubscriptions(t *testing.T) {
	const app, path = testApp + "|" + testSecret, "/v24.0/" + testApp + "/subscriptions"
	r := newRig(t)
	r.do("GET", path, app, nil).wantBody(t, `{"data":[]}`)
	r.SetAppSubscriptions(
		AppSubscription{Object: "instagram", CallbackURL: "https://app.test/api/webhook", Fields: []string{"messages"}},
		AppSubscription{Object: "page", CallbackURL: "https://app.test/p", Fields: []string{"feed"}, Inactive: true, PlainFields: true},
	)
	want := `{"data":[{"active":true,"callback_url":"https://app.test/api/webhook","fields":[{"name":"messages","version":"v24.0"}],"object":"instagram"},` +
		`{"active":false,"callback_url":"https://app.test/p","fields":["feed"],"object":"page"}]}`
	r.call("GET", "/"+testApp+"/subscriptions", app).wantBody(t, want)

	r.do("GET", path, testApp+"|wrong", nil).want(t, 400, 190, 0, "Invalid OAuth access token signature.")
	r.do("GET", path, "999|"+testSecret, nil).want(t, 400, 190, 0, "Cannot parse")
	r.do("GET", path, r.Grant(Grant{}), nil).want(t, 400, 15, 0, "must be called with an app access_token")
	r.do("GET", path, "", nil).want(t, 400, 104, 0, "")
	r.do("GET", path+"?appsecret_proof=x", app, nil).want(t, 400, 100, 0, "Invalid appsecret_proof")
	r.do("GET", "/v24.0/999/subscriptions", app, nil).want(t, 400, 100, 33, "")

	r.Inject(Fault{Step: "app_subscriptions", Times: 1, Status: 503})
	r.do("GET", path, app, nil).want(t, 503, 2, 0, "")
}
