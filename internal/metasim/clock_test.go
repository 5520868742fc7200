package metasim

import (
	"net/http"
	"testing"
	"time"
)

func TestJump(t *testing.T) {
	r := newRig(t)
	code, long := r.code(Approval{}), r.Grant(Grant{})
	r.pass(time.Minute) // Config.Now still counts
	r.Jump(9 * time.Minute)
	if want := start.Add(10 * time.Minute); !r.Now().Equal(want) {
		t.Errorf("it is %v, want %v", r.Now(), want)
	}
	r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(code)).want(t, 400, 100, 36007, "expired")
	a := r.call("GET", "/me", long)
	a.want(t, 200, 0, 0, "")
	if got := a.header.Get("Date"); got != "Sat, 14 Mar 2026 09:36:53 GMT" {
		t.Errorf("Date %q", got)
	}
	r.Jump(longLife)
	r.call("GET", "/me", long).want(t, 401, 190, 463, "The current time is Wednesday, 13-May-26 09:36:53 UTC.")

	fresh := r.Grant(Grant{})
	if got := r.debug(fresh).at("data.issued_at"); got != float64(r.Now().Unix()) {
		t.Errorf("issued_at %v", got)
	}
}

func TestClockOfTheMachine(t *testing.T) {
	s := New(Config{})
	s.Jump(time.Hour)
	if ahead := time.Until(s.Now()); ahead < 59*time.Minute || ahead > time.Hour {
		t.Errorf("%v ahead", ahead)
	}
}

// 90 days after the consent the person is still known, but has no data for us;
// a new consent heals that, for the old tokens too.
func TestDataAccess(t *testing.T) {
	r := newRig(t)
	first := r.longToken(Approval{}, "scope", seedScope+",business_management,pages_messaging")
	page := r.token(r.call("GET", "/901", first, "fields", "access_token"))
	r.Jump(50 * 24 * time.Hour)
	long := r.token(r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(first))) // is no consent
	r.Jump(40*24*time.Hour - time.Second)
	r.call("GET", "/me/accounts", long).want(t, 200, 0, 0, "")
	r.Jump(time.Second)

	closed := []struct{ method, path, token string }{
		{"GET", "/me/accounts", long},
		{"GET", "/me?fields=accounts", long},
		{"GET", "/901", long},
		{"GET", "/me/businesses", long},
		{"GET", "/901", page},
		{"GET", "/901/subscribed_apps", page},
		{"POST", "/901/subscribed_apps", page},
		{"DELETE", "/901/subscribed_apps", page},
		{"POST", "/901/messages", page},
	}
	for _, c := range closed {
		path, params := c.path, []string(nil)
		if path == "/me?fields=accounts" {
			path, params = "/me", []string{"fields", "accounts"}
		}
		r.call(c.method, path, c.token, params...).want(t, http.StatusBadRequest, 190, 493, "longer than 90 days")
	}
	for _, token := range []string{long, page} {
		a := r.debug(token)
		if a.at("data.is_valid") != true || a.at("data.data_access_expires_at") != float64(r.Now().Unix()) {
			t.Errorf("debug_token: %s", a.body)
		}
	}
	r.call("GET", "/me", long).want(t, 200, 0, 0, "")
	r.call("GET", "/me/permissions", long).want(t, 200, 0, 0, "")
	r.token(r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(long)))

	r.code(Approval{})
	r.call("GET", "/me/accounts", long).want(t, 200, 0, 0, "")
	r.call("GET", "/901/subscribed_apps", page).want(t, 200, 0, 0, "")

	r.Jump(dataAccessLife)
	if a := r.call("DELETE", "/me/permissions", r.token(r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(r.code(Approval{}))))); a.body != "true" {
		t.Errorf("revoking: %s", a.body)
	}
}
