package metasim

import (
	"slices"
	"testing"
	"time"
)

// A fate ends the person's tokens of every kind, with its subcode, and nobody
// else's; a login afterwards is as good as ever.
func TestFates(t *testing.T) {
	tests := []struct {
		name    string
		strike  func(*Sim, string)
		subcode int
		message string
	}{
		{"password changed", (*Sim).ChangePassword, 460, "changed their password"},
		{"app removed", (*Sim).RemoveApp, 458, "has not authorized application " + testApp},
		{"checkpoint", (*Sim).Checkpoint, 459, "checkpoint"},
		{"unconfirmed", (*Sim).Unconfirm, 464, "not a confirmed user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
			short, long, bo := r.shortToken(Approval{}), r.Grant(Grant{}), r.Grant(Grant{Person: "502"})
			page := r.token(r.call("GET", "/901", long, "fields", "access_token"))
			tt.strike(r.Sim, "501")
			for _, token := range []string{short, long, page} {
				r.call("GET", "/me", token).want(t, 401, 190, tt.subcode, tt.message)
				a := r.debug(token)
				if a.at("data.is_valid") != false || a.at("data.error.subcode") != float64(tt.subcode) {
					t.Errorf("debug_token: %s", a.body)
				}
			}
			r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(long)).want(t, 401, 190, tt.subcode, "")
			r.call("GET", "/me/accounts", bo).want(t, 200, 0, 0, "")

			again := r.longToken(Approval{})
			r.call("GET", "/me/accounts", again).want(t, 200, 0, 0, "")
			r.call("GET", "/me", long).want(t, 401, 190, tt.subcode, "")
		})
	}
}

// What ended a token first stays its reason.
func TestFirstFateCounts(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	r.ChangePassword("501")
	r.RemoveApp("501")
	r.RemoveApp("501")
	r.call("GET", "/me", long).want(t, 401, 190, 460, "")
}

// The business holds the Page too; no list and no token must show it any more,
// and what the test passed in is left as it was.
func TestLoseRoleOnOnePage(t *testing.T) {
	person := ada
	person.Businesses = []Business{{ID: "88", Name: "Group", Owned: []Page{{ID: "901", Name: "Ceramics"}}}}
	r := newRig(t, person)
	long := r.Grant(Grant{Scopes: append([]string{"business_management"}, DefaultScopes...)})
	lost := r.token(r.call("GET", "/901", long, "fields", "access_token"))
	kept := r.token(r.call("GET", "/902", long, "fields", "access_token"))
	r.LoseRole("501", "901")

	r.call("GET", "/901", lost).want(t, 401, 190, 492, "administrator")
	r.call("GET", "/901/subscribed_apps", lost).want(t, 401, 190, 492, "")
	r.call("GET", "/902", kept).want(t, 200, 0, 0, "")
	r.call("GET", "/901", long).want(t, 400, 100, 33, "")
	if a := r.call("GET", "/me/accounts", long, "fields", "id"); a.at("data.0.id") != "902" {
		t.Errorf("listed: %s", a.body)
	}
	if a := r.call("GET", "/88/owned_pages", long); a.body != `{"data":[]}` {
		t.Errorf("the business still shows it: %s", a.body)
	}
	if ids := r.debug(long).at("data.granular_scopes.0.target_ids").([]any); slices.Contains(ids, any("901")) {
		t.Errorf("granular_scopes: %v", ids)
	}
	if len(ada.Pages) != 3 || ada.Pages[0].ID != "901" || len(person.Businesses[0].Owned) != 1 {
		t.Errorf("the test's own person was changed")
	}
	r.AddPerson(person)
	r.call("GET", "/901", lost).want(t, 200, 0, 0, "")
}

func TestDecline(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	r.Decline("501", "instagram_basic", "pages_show_list")
	a := r.call("GET", "/me/permissions", long)
	for i, want := range []string{granted, declined, granted, declined, granted} { // in the order of knownPermissions
		if got := a.at("data." + string(rune('0'+i)) + ".status"); got != want {
			t.Errorf("permission %d: %v, want %s: %s", i, got, want, a.body)
		}
	}
	if scopes := r.debug(long).at("data.scopes").([]any); len(scopes) != 3 || slices.Contains(scopes, any("instagram_basic")) {
		t.Errorf("scopes %v", scopes)
	}
	if a := r.call("GET", "/me/accounts", long); a.body != `{"data":[]}` {
		t.Errorf("listed: %s", a.body)
	}
}

func TestExpire(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	page := r.token(r.call("GET", "/901", long, "fields", "access_token"))
	if !r.Expire(long) || r.Expire("EAAx") {
		t.Errorf("Expire does not say which tokens are known")
	}
	r.call("GET", "/me", long).want(t, 401, 190, 463, "Session has expired on Saturday, 14-Mar-26 09:26:53 UTC.")
	if got := r.debug(long).at("data.expires_at"); got != float64(start.Unix()) {
		t.Errorf("expires_at %v", got)
	}
	r.call("GET", "/901", page).want(t, 200, 0, 0, "")
	r.Expire(page)
	r.call("GET", "/901", page).want(t, 401, 190, 463, "")
}

// A fate that would hit nobody is a mistake in the test.
func TestFatesOfNobody(t *testing.T) {
	r := newRig(t)
	r.Grant(Grant{})
	for name, strike := range map[string]func(){
		"ChangePassword": func() { r.ChangePassword("77") },
		"RemoveApp":      func() { r.RemoveApp("77") },
		"LoseRole":       func() { r.LoseRole("501", "77") },
		"Decline":        func() { r.Decline("501", "email") },
		"Order":          func() { r.Order(Order{Step: "upgrade", Person: "77"}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("it was taken")
				}
			}()
			strike()
		})
	}
	r.call("GET", "/me", r.Grant(Grant{})).want(t, 200, 0, 0, "") // no lock is left behind
}

func TestDropSubscription(t *testing.T) {
	r := newRig(t)
	token := r.pageTokenFor("901", "pages_manage_metadata")
	r.call("POST", "/901/subscribed_apps", token, "subscribed_fields", "feed").want(t, 200, 0, 0, "")
	r.DropSubscription("901")
	if a := r.call("GET", "/901/subscribed_apps", token); a.body != `{"data":[]}` {
		t.Errorf("still subscribed: %s", a.body)
	}
}

// Daily renewals keep a connection alive for a year, given a consent in every
// 90 days.
func TestYear(t *testing.T) {
	r := newRig(t)
	token := r.longToken(Approval{})
	for day := range 365 {
		r.Jump(24 * time.Hour)
		if day%80 == 79 {
			token = r.longToken(Approval{})
		}
		if day%30 == 29 {
			token = r.token(r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(token)))
		}
		r.call("GET", "/me/accounts", token).want(t, 200, 0, 0, "")
	}
	if got := r.Now(); !got.Equal(start.Add(365 * 24 * time.Hour)) {
		t.Errorf("it is %v", got)
	}
}
