package metasim

import (
	"testing"
	"time"
)

// renew upgrades and returns the answer and its token.
func (r *rig) renew(token string) (reply, string) {
	r.t.Helper()
	a := r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(token))
	return a, r.token(a)
}

func TestRenewal(t *testing.T) {
	const full, left = 60*86400 - 53, 10*86400 - 53 // the last minute is cut off
	for _, tt := range []struct {
		name    string
		extends bool
		want    float64
	}{{"60 days from now", true, full}, {"the time that is left", false, left}} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.SetRenewalExtends(tt.extends)
			a, old := r.renew(r.shortToken(Approval{})) // a first upgrade is none
			if a.at("expires_in") != float64(full) {
				t.Errorf("first upgrade: %s", a.body)
			}
			r.Jump(50 * 24 * time.Hour)
			a, renewed := r.renew(old)
			if renewed == old || a.at("expires_in") != tt.want {
				t.Errorf("got %s", a.body)
			}
			if got := r.debug(renewed).at("data.expires_at"); got != float64(r.Now().Unix())+tt.want {
				t.Errorf("debug_token: expires_at %v", got)
			}
			r.call("GET", "/me", old).want(t, 200, 0, 0, "") // until it runs out itself

			// However little is left: a Page token fetched with it does not expire.
			r.Jump(9*24*time.Hour + 12*time.Hour)
			_, last := r.renew(renewed)
			page := r.token(r.call("GET", "/901", last, "fields", "access_token"))
			if got := r.debug(page).at("data.expires_at"); got != float64(0) {
				t.Errorf("Page token: expires_at %v", got)
			}
		})
	}
}

func TestRenewalOfAnotherPerson(t *testing.T) {
	r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
	long := r.Grant(Grant{})
	r.Order(Order{Step: "upgrade", Times: 1, Person: "502"})
	_, stray := r.renew(long)
	if got := r.debug(stray).at("data.user_id"); got != "502" {
		t.Errorf("user_id %v", got)
	}
	if a := r.call("GET", "/me/permissions", stray); a.body != `{"data":[]}` { // Bo never consented
		t.Errorf("permissions: %s", a.body)
	}
	_, right := r.renew(long)
	if got := r.debug(right).at("data.user_id"); got != "501" {
		t.Errorf("user_id %v after the order was served", got)
	}
}
