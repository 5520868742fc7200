package metasim

import (
	"slices"
	"testing"
	"time"
)

// What ends tokens ends the person's of every kind, with its subcode, and nobody else's; a login
// afterwards is as good as ever.
func TestTokensEnd(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*Sim, string)
		subcode int
		message string
	}{
		{"password changed", (*Sim).ChangePassword, 460, "changed their password"},
		{"app removed", (*Sim).RemoveApp, 458, "has not authorized application " + testApp},
		{"checkpoint", (*Sim).Checkpoint, 459, "follow the instructions"},
		{"unconfirmed", (*Sim).Unconfirm, 464, "not a confirmed user"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
			short, long, bo := r.shortToken(Approval{}), r.Grant(Grant{}), r.Grant(Grant{Person: "502"})
			page := r.pageToken("901", long)
			tt.change(r.Sim, "501")
			for _, token := range []string{short, long, page} {
				r.call("GET", "/me", token).want(t, 401, 190, tt.subcode, tt.message)
				r.debug(token).has(t, "data.is_valid", false, "data.error.subcode", tt.subcode)
			}
			r.oauth(upgradeForm(long)).want(t, 401, 190, tt.subcode, "")
			r.call("GET", "/me/accounts", bo).want(t, 200, 0, 0, "")

			again := r.longToken(Approval{})
			r.call("GET", "/me/accounts", again).want(t, 200, 0, 0, "")
			r.RemoveApp("501")
			r.RemoveApp("501")
			r.call("GET", "/me", long).want(t, 401, 190, tt.subcode, "") // the first reason stays
		})
	}
}

// A checkpoint that is solved leaves the same tokens working, and nothing else that ended.
func TestConfirm(t *testing.T) {
	for subcode, works := range map[int]bool{459: true, 464: true, 490: true, 460: false, 458: false} {
		r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
		long, bo := r.Grant(Grant{}), r.Grant(Grant{Person: "502"})
		page := r.pageToken("901", long)
		r.Invalidate(long, subcode)
		r.Invalidate(bo, subcode)
		r.call("GET", "/901", page).want(t, 401, 190, subcode, "")
		r.Confirm("501")
		if works {
			r.call("GET", "/901", page).want(t, 200, 0, 0, "")
		} else {
			r.call("GET", "/901", page).want(t, 401, 190, subcode, "")
		}
		r.debug(long).has(t, "data.is_valid", works)
		r.call("GET", "/me", bo).want(t, 401, 190, subcode, "")
	}
}

// A deleted Page is gone for every token and in every list, until it is there again.
func TestDeletePage(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	gone, kept := r.pageToken("901", long), r.pageToken("902", long)
	r.DeletePage("901")
	r.call("GET", "/901", gone).want(t, 400, 100, 33, "")
	r.call("GET", "/901/subscribed_apps", gone).want(t, 400, 100, 33, "")
	r.call("GET", "/901", long).want(t, 400, 100, 33, "")
	r.call("GET", "/me/accounts", long, "fields", "id").has(t, "data.0.id", "902")
	r.call("GET", "/902", kept).want(t, 200, 0, 0, "")
	r.AddPerson(ada)
	r.call("GET", "/901/subscribed_apps", gone).want(t, 200, 0, 0, "")
}

// The business holds the Page too; no list and no token must show it any more,
// and what the test passed in is left as it was.
func TestLoseRoleOnOnePage(t *testing.T) {
	person := ada
	person.Businesses = []Business{{ID: "88", Name: "Group", Owned: []Page{{ID: "901", Name: "Ceramics"}}}}
	r := newRig(t, person)
	long := r.Grant(Grant{Scopes: append([]string{"business_management"}, DefaultScopes...)})
	lost, kept := r.pageToken("901", long), r.pageToken("902", long)
	r.LoseRole("501", "901")

	r.call("GET", "/901", lost).want(t, 401, 190, 492, "administrator")
	r.call("GET", "/901/subscribed_apps", lost).want(t, 401, 190, 492, "")
	r.call("GET", "/902", kept).want(t, 200, 0, 0, "")
	r.call("GET", "/901", long).want(t, 400, 100, 33, "")
	r.call("GET", "/me/accounts", long, "fields", "id").has(t, "data.0.id", "902")
	r.call("GET", "/88/owned_pages", long).wantBody(t, `{"data":[]}`)
	if ids := r.debug(long).at("data.granular_scopes.0.target_ids").([]any); slices.Contains(ids, any("901")) {
		t.Errorf("granular_scopes: %v", ids)
	}
	if len(ada.Pages) != 3 || ada.Pages[0].ID != "901" || len(person.Businesses[0].Owned) != 1 {
		t.Errorf("the test's own person was changed")
	}
	r.AddPerson(person)
	r.call("GET", "/901", lost).want(t, 200, 0, 0, "")
	r.AddPerson(Person{ID: "501", Name: "Ada"}) // without her Pages
	r.call("GET", "/901", lost).want(t, 401, 190, 492, "administrator")
}

func TestDecline(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	r.Decline("501", "instagram_basic", "pages_show_list")
	a := r.call("GET", "/me/permissions", long)
	a.has(t, "data.0.status", granted, "data.1.status", declined, "data.2.status", granted, "data.3.status", declined, "data.4.status", granted)
	if scopes := r.debug(long).at("data.scopes").([]any); len(scopes) != 3 || slices.Contains(scopes, any("instagram_basic")) {
		t.Errorf("scopes %v", scopes)
	}
	r.call("GET", "/me/accounts", long).wantBody(t, `{"data":[]}`)
	r.Allow("501", "instagram_basic", "pages_show_list")
	r.call("GET", "/me/accounts", long, "fields", "id").has(t, "data.0.id", "901")
}

// Ending one token says whether it is known.
func TestEndOneToken(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	page := r.pageToken("901", long)
	if !r.Expire(long) || r.Expire("EAAx") || r.Invalidate("EAAx", 460) {
		t.Errorf("an unknown token was ended, or a known one not")
	}
	r.call("GET", "/me", long).want(t, 401, 190, 463, "Session has expired on Saturday, 14-Mar-26 09:26:53 UTC.")
	r.debug(long).has(t, "data.expires_at", start.Unix())
	r.call("GET", "/901", page).want(t, 200, 0, 0, "")
	r.Expire(page)
	r.call("GET", "/901", page).want(t, 401, 190, 463, "")

	long = r.Grant(Grant{})
	page = r.pageToken("901", long)
	if !r.Invalidate(long, 460) {
		t.Errorf("a known token was not ended")
	}
	r.call("GET", "/me", long).want(t, 401, 190, 460, "changed their password")
	r.call("GET", "/901", page).want(t, 401, 190, 460, "")
}

// What would happen to nobody, or never, is a mistake in the test.
func TestMistakes(t *testing.T) {
	r := newRig(t)
	r.Grant(Grant{})
	for name, change := range map[string]func(){
		"ChangePassword": func() { r.ChangePassword("77") },
		"RemoveApp":      func() { r.RemoveApp("77") },
		"LoseRole":       func() { r.LoseRole("501", "77") },
		"Decline":        func() { r.Decline("501", "email") },
		"Allow":          func() { r.Allow("501", "pages_show_list") },
		"Inject, person": func() { r.Inject(Fault{Step: "upgrade", Person: "77"}) },
		"Inject, step":   func() { r.Inject(Fault{Step: "acounts"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", name)
				}
			}()
			change()
		}()
	}
	r.call("GET", "/me", r.Grant(Grant{})).want(t, 200, 0, 0, "") // no lock is left behind
}

// Daily renewals keep a connection alive for a year, given a consent in every 90 days.
func TestYear(t *testing.T) {
	r := newRig(t)
	token := r.longToken(Approval{})
	for day := range 365 {
		r.Jump(24 * time.Hour)
		if day%80 == 79 {
			token = r.longToken(Approval{})
		}
		if day%30 == 29 {
			token = r.token(r.oauth(upgradeForm(token)))
		}
		r.call("GET", "/me/accounts", token).want(t, 200, 0, 0, "")
	}
	if got := r.Now(); !got.Equal(start.Add(365 * 24 * time.Hour)) {
		t.Errorf("it is %v", got)
	}
}
