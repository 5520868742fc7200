package metasim

import (
	"net/url"
	"testing"
	"time"
)

func TestExchangeErrors(t *testing.T) {
	r := newRig(t)
	tests := []struct {
		name          string
		pairs         []string
		code, subcode int
		message       string
	}{
		{"other app", []string{"client_id", "1"}, 101, 0, "Error validating application. Invalid application ID."},
		{"no app", []string{"client_id", ""}, 101, 0, "Missing client_id"},
		{"wrong secret", []string{"client_secret", "x"}, 1, 0, "Error validating client secret."},
		{"no secret", []string{"client_secret", ""}, 1, 0, "Missing client_secret"},
		{"other redirect", []string{"redirect_uri", testRedirect + "?app=1"}, 100, 0, "Please make sure your redirect_uri is identical"},
		{"no redirect", []string{"redirect_uri", ""}, 191, 0, "Missing redirect_uri"},
		{"invented code", []string{"code", "AQxyz"}, 100, 0, "Invalid verification code format."},
		{"no code", []string{"code", ""}, 1, 0, "Missing authorization code"},
	}
	code := r.code(Approval{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(code, tt.pairs...))
			a.want(t, 400, tt.code, tt.subcode, tt.message)
		})
	}
	// None of the refusals used the code up; a success does.
	r.token(r.do("GET", "/v24.0/oauth/access_token?"+exchangeForm(code).Encode(), "", nil))
	r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(code)).want(t, 400, 100, 36009, "This authorization code has been used.")

	late := r.code(Approval{})
	r.pass(10 * time.Minute)
	r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(late)).want(t, 400, 100, 36007, "This authorization code has expired.")
}

// A short token lives one to two hours, a long one about 60 days, both by the
// Sim's clock.
func TestTokenLives(t *testing.T) {
	r := newRig(t)
	a := r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(r.code(Approval{})))
	short := r.token(a)
	if got := a.at("expires_in"); got != float64(5587) || a.at("token_type") != "bearer" { // 09:26:53 to 11:00
		t.Errorf("short token: %s", a.body)
	}
	a = r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(short))
	long := r.token(a)
	if got := a.at("expires_in"); got != float64(60*86400-53) {
		t.Errorf("long token: %s", a.body)
	}
	r.call("GET", "/me", short).want(t, 200, 0, 0, "")

	r.pass(5587 * time.Second)
	r.call("GET", "/me", short).want(t, 401, 190, 463, "Session has expired on Saturday, 14-Mar-26 11:00:00 UTC.")
	r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(short)).want(t, 401, 190, 463, "expired")
	again := r.token(r.do("POST", "/v24.0/oauth/access_token", "", upgradeForm(long)))
	if again == long {
		t.Errorf("an upgrade answered the same string")
	}
	r.pass(longLife - 5587*time.Second)
	r.call("GET", "/me", long).want(t, 401, 190, 463, "")
	r.call("GET", "/me", again).want(t, 200, 0, 0, "")
}

func TestUpgradeErrors(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	page, _ := r.call("GET", "/901", long, "fields", "access_token").at("access_token").(string)
	tests := []struct {
		name, field, value string
		code               int
	}{
		{"wrong secret", "client_secret", "x", 1},
		{"other app", "client_id", "1", 101},
		{"no token", "fb_exchange_token", "", 1},
		{"unknown token", "fb_exchange_token", "EAAx", 190},
		{"Page token", "fb_exchange_token", page, 190},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form := upgradeForm(long)
			form.Set(tt.field, tt.value)
			r.do("POST", "/v24.0/oauth/access_token", "", form).want(t, 400, tt.code, 0, "")
		})
	}
}

// A token of before the person removed the app, and a code, are worth nothing
// afterwards.
func TestRevoke(t *testing.T) {
	r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
	long, bo := r.longToken(Approval{}), r.Grant(Grant{Person: "502"})
	page := r.call("GET", "/901", long, "fields", "access_token").at("access_token").(string)
	code := r.code(Approval{})
	r.call("DELETE", "/502/permissions", long).want(t, 400, 100, 33, "does not exist")
	if a := r.call("DELETE", "/501/permissions", long); a.status != 200 || a.body != "true" {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	for _, token := range []string{long, page} {
		r.call("GET", "/me", token).want(t, 401, 190, 458, "has not authorized application "+testApp)
	}
	r.do("POST", "/v24.0/oauth/access_token", "", exchangeForm(code)).want(t, 400, 100, 0, "")
	r.call("GET", "/me", bo).want(t, 200, 0, 0, "")
	if got := r.call("GET", "/me/permissions", r.longToken(Approval{Decline: []string{"instagram_basic"}})).body; got == "" {
		t.Errorf("a new consent does not work")
	}
}

func TestInvalidate(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	page := r.call("GET", "/901", long, "fields", "access_token").at("access_token").(string)
	if !r.Invalidate(long, 460) || r.Invalidate("EAAx", 460) {
		t.Errorf("Invalidate does not say which tokens are known")
	}
	r.call("GET", "/me", long).want(t, 401, 190, 460, "changed their password")
	r.call("GET", "/901", page).want(t, 401, 190, 460, "")
}

func TestLostRole(t *testing.T) {
	r := newRig(t)
	page := r.call("GET", "/901", r.Grant(Grant{}), "fields", "access_token").at("access_token").(string)
	r.AddPerson(Person{ID: "501", Name: "Ada"}) // without her Pages
	r.call("GET", "/901", page).want(t, 401, 190, 492, "administrator")
}

func TestSecrets(t *testing.T) {
	r := newRig(t)
	long := r.longToken(Approval{})
	page := r.call("GET", "/901", long, "fields", "access_token").at("access_token").(string)
	r.call("GET", "/901", long, "fields", "access_token")
	known := map[string]bool{}
	for _, secret := range r.Secrets() {
		known[secret] = true
	}
	if len(known) != 4 || !known[long] || !known[page] {
		t.Errorf("%d secrets, want code, short, long and Page token", len(known))
	}
}

// A parameter of the form counts before one of the query.
func TestParams(t *testing.T) {
	r := newRig(t)
	q := url.Values{"client_id": {"1"}}
	a := r.do("POST", "/v24.0/oauth/access_token?"+q.Encode(), "", exchangeForm(r.code(Approval{})))
	r.token(a)
}
