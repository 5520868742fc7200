package metasim

import "testing"

func TestAppSubscriptions(t *testing.T) {
	const app, path = testApp + "|" + testSecret, "/v24.0/" + testApp + "/subscriptions"
	r := newRig(t)
	if a := r.do("GET", path, app, nil); a.status != 200 || a.body != `{"data":[]}` {
		t.Errorf("of a new app: %d %s", a.status, a.body)
	}
	r.SetAppSubscriptions(
		AppSubscription{Object: "instagram", CallbackURL: "https://app.test/api/webhook", Fields: []string{"messages"}},
		AppSubscription{Object: "page", CallbackURL: "https://app.test/p", Fields: []string{"feed"}, Inactive: true, PlainFields: true},
	)
	want := `{"data":[{"active":true,"callback_url":"https://app.test/api/webhook","fields":[{"name":"messages","version":"v24.0"}],"object":"instagram"},` +
		`{"active":false,"callback_url":"https://app.test/p","fields":["feed"],"object":"page"}]}`
	if a := r.call("GET", "/"+testApp+"/subscriptions", app); a.status != 200 || a.body != want {
		t.Errorf("got %d %s", a.status, a.body)
	}

	r.do("GET", path, testApp+"|wrong", nil).want(t, 400, 190, 0, "Invalid OAuth access token signature.")
	r.do("GET", path, "999|"+testSecret, nil).want(t, 400, 190, 0, "Cannot parse")
	r.do("GET", path, r.Grant(Grant{}), nil).want(t, 400, 15, 0, "must be called with an app access_token")
	r.do("GET", path, "", nil).want(t, 400, 104, 0, "")
	r.do("GET", path+"?appsecret_proof=x", app, nil).want(t, 400, 100, 0, "Invalid appsecret_proof")
	r.do("GET", "/v24.0/999/subscriptions", app, nil).want(t, 400, 100, 33, "")

	r.Order(Order{Step: "app_subscriptions", Times: 1, Status: 503})
	r.do("GET", path, app, nil).want(t, 503, 2, 0, "")
}
