package metasim

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOAuthErrors(t *testing.T) {
	r := newRig(t)
	code, long := r.code(Approval{}), r.Grant(Grant{})
	for _, tt := range []struct {
		name         string
		form         url.Values
		field, value string
		code         int
		message      string
	}{
		{"other app", exchangeForm(code), "client_id", "1", 101, "Error validating application. Invalid application ID."},
		{"no app", exchangeForm(code), "client_id", "", 101, "Missing client_id"},
		{"wrong secret", exchangeForm(code), "client_secret", "x", 1, "Error validating client secret."},
		{"no secret", exchangeForm(code), "client_secret", "", 1, "Missing client_secret"},
		{"other redirect", exchangeForm(code), "redirect_uri", testRedirect + "?app=1", 100, "Please make sure your redirect_uri is identical"},
		{"no redirect", exchangeForm(code), "redirect_uri", "", 191, "Missing redirect_uri"},
		{"invented code", exchangeForm(code), "code", "AQxyz", 100, "Invalid verification code format."},
		{"no code", exchangeForm(code), "code", "", 1, "Missing authorization code"},
		{"upgrade, wrong secret", upgradeForm(long), "client_secret", "x", 1, ""},
		{"upgrade, other app", upgradeForm(long), "client_id", "1", 101, ""},
		{"upgrade, no token", upgradeForm(long), "fb_exchange_token", "", 1, ""},
		{"upgrade, unknown token", upgradeForm(long), "fb_exchange_token", "EAAx", 190, ""},
		{"upgrade, Page token", upgradeForm(long), "fb_exchange_token", r.pageToken("901", long), 190, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.form.Set(tt.field, tt.value)
			r.oauth(tt.form).want(t, 400, tt.code, 0, tt.message)
		})
	}
	// None of the refusals used the code up; a success does.
	r.token(r.do("GET", "/v24.0/oauth/access_token?"+exchangeForm(code).Encode(), "", nil))
	r.oauth(exchangeForm(code)).want(t, 400, 100, 36009, "This authorization code has been used.")
	// A parameter of the form counts before one of the query.
	r.token(r.do("POST", "/v24.0/oauth/access_token?client_id=1", "", exchangeForm(r.code(Approval{}))))

	late := r.code(Approval{})
	r.Jump(10 * time.Minute)
	r.oauth(exchangeForm(late)).want(t, 400, 100, 36007, "This authorization code has expired.")
}

// A short token lives one to two hours, a long one about 60 days, both by the Sim's clock.
func TestTokenLives(t *testing.T) {
	r := newRig(t)
	a := r.oauth(exchangeForm(r.code(Approval{})))
	short := r.token(a)
	a.has(t, "expires_in", 5587, "token_type", "bearer") // 09:26:53 to 11:00
	a = r.oauth(upgradeForm(short))
	long := r.token(a)
	a.has(t, "expires_in", 60*86400-53)
	r.call("GET", "/me", short).want(t, 200, 0, 0, "")

	r.Jump(5587 * time.Second)
	r.call("GET", "/me", short).want(t, 401, 190, 463, "Session has expired on Saturday, 14-Mar-26 11:00:00 UTC.")
	r.oauth(upgradeForm(short)).want(t, 401, 190, 463, "expired")
	again := r.token(r.oauth(upgradeForm(long)))
	if again == long {
		t.Errorf("an upgrade answered the same string")
	}
	r.Jump(longLife - 5587*time.Second)
	r.call("GET", "/me", long).want(t, 401, 190, 463, "")
	r.call("GET", "/me", again).want(t, 200, 0, 0, "")
}

// A token of before the person removed the app, and a code, are worth nothing afterwards.
func TestRevoke(t *testing.T) {
	r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
	long, bo := r.longToken(Approval{}), r.Grant(Grant{Person: "502"})
	page := r.pageToken("901", long)
	code := r.code(Approval{})
	r.call("DELETE", "/502/permissions", long).want(t, 400, 100, 33, "does not exist")
	r.call("DELETE", "/501/permissions", long).wantBody(t, "true")
	for _, token := range []string{long, page} {
		r.call("GET", "/me", token).want(t, 401, 190, 458, "has not authorized application "+testApp)
	}
	r.oauth(exchangeForm(code)).want(t, 400, 100, 0, "")
	r.call("GET", "/me", bo).want(t, 200, 0, 0, "")
	again := r.longToken(Approval{Decline: []string{"instagram_basic"}}) // a new consent works
	r.call("GET", "/me/permissions", again).want(t, 200, 0, 0, "")
}

func TestSecrets(t *testing.T) {
	r := newRig(t)
	long := r.longToken(Approval{})
	page := r.pageToken("901", long)
	r.call("GET", "/901", long, "fields", "access_token")
	if got := r.Secrets(); len(got) != 4 || !slices.Contains(got, long) || !slices.Contains(got, page) {
		t.Errorf("%d secrets, want code, short, long and Page token", len(got))
	}
}

func TestRenewal(t *testing.T) {
	const full, left = 60*86400 - 53, 10*86400 - 53 // the last minute is cut off
	for extends, want := range map[bool]int64{true: full, false: left} {
		t.Run(fmt.Sprint("extends ", extends), func(t *testing.T) {
			r := newRig(t)
			r.SetRenewalExtends(extends)
			a := r.oauth(upgradeForm(r.shortToken(Approval{}))) // a first upgrade is none
			a.has(t, "expires_in", full)
			old := r.token(a)
			r.Jump(50 * 24 * time.Hour)
			a = r.oauth(upgradeForm(old))
			renewed := r.token(a)
			if a.has(t, "expires_in", want); renewed == old {
				t.Errorf("the same token: %s", a.body)
			}
			r.debug(renewed).has(t, "data.expires_at", r.Now().Unix()+want)
			r.call("GET", "/me", old).want(t, 200, 0, 0, "") // until it runs out itself

			// However little is left: a Page token fetched with it does not expire.
			r.Jump(9*24*time.Hour + 12*time.Hour)
			r.debug(r.pageToken("901", r.token(r.oauth(upgradeForm(renewed))))).has(t, "data.expires_at", 0)
		})
	}
}

func TestRenewalOfAnotherPerson(t *testing.T) {
	r := newRig(t, ada, Person{ID: "502", Name: "Bo"})
	long := r.Grant(Grant{})
	r.Inject(Fault{Step: "upgrade", Times: 1, Person: "502"})
	stray := r.token(r.oauth(upgradeForm(long)))
	r.debug(stray).has(t, "data.user_id", "502")
	r.call("GET", "/me/permissions", stray).wantBody(t, `{"data":[]}`)         // Bo never consented
	r.debug(r.token(r.oauth(upgradeForm(long)))).has(t, "data.user_id", "501") // after the fault was served
}

func TestDebugToken(t *testing.T) {
	r := newRig(t)
	long := r.longToken(Approval{Decline: []string{"instagram_manage_messages"}, Pages: []string{"901", "903"}})
	pages, accounts := []any{"901", "903"}, []any{"17841001", "17841003"}
	want := map[string]any{
		"app_id": testApp, "type": "USER", "application": "Simulated app", "is_valid": true, "user_id": "501",
		"issued_at": float64(start.Unix()), "expires_at": float64(start.Unix() + 60*86400 - 53),
		"data_access_expires_at": float64(start.Unix() + 90*86400),
		"scopes":                 []any{"public_profile", "pages_show_list", "pages_manage_metadata", "instagram_basic"},
		"granular_scopes": []any{
			map[string]any{"scope": "pages_show_list", "target_ids": pages},
			map[string]any{"scope": "pages_manage_metadata", "target_ids": pages},
			map[string]any{"scope": "instagram_basic", "target_ids": accounts},
		},
	}
	if diff := cmp.Diff(any(want), r.debug(long).at("data")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	page := r.pageToken("901", long)
	r.debug(page).has(t, "data.type", "PAGE", "data.expires_at", 0, "data.profile_id", "901")
	r.Jump(longLife)
	r.debug(page).has(t, "data.is_valid", true) // though its long-lived user token ended
	r.debug(long).has(t, "data.is_valid", false, "data.error.code", 190, "data.error.subcode", 463, "data.scopes", "#0")
	a := r.debug("EAAx")
	a.want(t, 200, 0, 0, "")
	a.has(t, "data.is_valid", false, "data.error.code", 190, "data.app_id", nil)

	// An account may be shared without its Page, in this consent and not in the next.
	a = r.debug(r.longToken(Approval{Pages: []string{"901"}, Accounts: []string{"17841003"}}))
	a.has(t, "data.granular_scopes.0.target_ids", "#1", "data.granular_scopes.2.target_ids", "#2", "data.granular_scopes.2.target_ids.1", "17841003")
	a = r.debug(r.longToken(Approval{Pages: []string{"901"}}))
	a.has(t, "data.granular_scopes.2.target_ids", "#1")

	a = r.debug(r.longToken(Approval{All: true})) // all Pages, present and future
	a.has(t, "data.granular_scopes.0.scope", "pages_show_list", "data.granular_scopes.0.target_ids", nil)
}

// A Page token fetched with a short-lived token expires with it.
func TestShortPageToken(t *testing.T) {
	r := newRig(t)
	short := r.shortToken(Approval{})
	page := r.pageToken("901", short)
	r.call("GET", "/me/accounts", short).has(t, "data.0.access_token", page) // the same one again
	r.call("GET", "/901", page).want(t, 200, 0, 0, "")
	r.Jump(longLife / 30)
	r.call("GET", "/901", page).want(t, 401, 190, 463, "")
}

func TestDebugTokenErrors(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	path := "/v24.0/debug_token?input_token=" + long
	r.do("GET", path, "", nil).want(t, 400, 104, 0, "")
	r.do("GET", path, long, nil).want(t, 400, 100, 0, "You must provide an app access token")
	r.do("GET", path, testApp+"|x", nil).want(t, 400, 190, 0, "")
	r.do("GET", "/v24.0/debug_token", appAccess, nil).want(t, 400, 100, 0, "input_token is required")
	r.do("GET", path+"&appsecret_proof=x", appAccess, nil).want(t, 400, 100, 0, "Invalid appsecret_proof")
	r.do("GET", path+"&appsecret_proof="+proofOf(appAccess, testSecret), appAccess, nil).want(t, 200, 0, 0, "")
}
