package metasim

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

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

	page := r.call("GET", "/901", long, "fields", "access_token").at("access_token").(string)
	a := r.debug(page)
	if a.at("data.type") != "PAGE" || a.at("data.expires_at") != float64(0) || a.at("data.profile_id") != "901" {
		t.Errorf("Page token: %s", a.body)
	}
	r.pass(longLife)
	if r.debug(page).at("data.is_valid") != true {
		t.Errorf("a Page token ended with its long-lived user token")
	}
	a = r.debug(long)
	if a.at("data.is_valid") != false || a.at("data.error.code") != float64(190) || a.at("data.error.subcode") != float64(463) || len(a.at("data.scopes").([]any)) != 0 {
		t.Errorf("expired token: %s", a.body)
	}
	a = r.debug("EAAx")
	if a.status != 200 || a.at("data.is_valid") != false || a.at("data.error.code") != float64(190) || a.at("data.app_id") != nil {
		t.Errorf("unknown token: %s", a.body)
	}
}

func TestDebugTokenAllPages(t *testing.T) {
	r := newRig(t)
	a := r.debug(r.longToken(Approval{All: true}))
	if a.at("data.granular_scopes.0.scope") != "pages_show_list" || a.at("data.granular_scopes.0.target_ids") != nil {
		t.Errorf("all Pages shared, present and future: %s", a.body)
	}
}

// A Page token fetched with a short-lived token dies with it.
func TestShortPageToken(t *testing.T) {
	r := newRig(t)
	short := r.shortToken(Approval{})
	page := r.call("GET", "/901", short, "fields", "access_token").at("access_token").(string)
	if again := r.call("GET", "/me/accounts", short).at("data.0.access_token"); again != page {
		t.Errorf("another Page token the second time")
	}
	r.call("GET", "/901", page).want(t, 200, 0, 0, "")
	r.pass(longLife / 30)
	r.call("GET", "/901", page).want(t, 401, 190, 463, "")
}

func TestDebugTokenErrors(t *testing.T) {
	r := newRig(t)
	long := r.Grant(Grant{})
	app := testApp + "|" + testSecret
	r.do("GET", "/v24.0/debug_token?input_token="+long, "", nil).want(t, 400, 104, 0, "")
	r.do("GET", "/v24.0/debug_token?input_token="+long, long, nil).want(t, 400, 100, 0, "You must provide an app access token")
	r.do("GET", "/v24.0/debug_token?input_token="+long, testApp+"|x", nil).want(t, 400, 190, 0, "")
	r.do("GET", "/v24.0/debug_token", app, nil).want(t, 400, 100, 0, "input_token is required")
	r.do("GET", "/v24.0/debug_token?appsecret_proof=x&input_token="+long, app, nil).want(t, 400, 100, 0, "Invalid appsecret_proof")
	r.do("GET", "/v24.0/debug_token?appsecret_proof="+proofOf(app, testSecret)+"&input_token="+long, app, nil).want(t, 200, 0, 0, "")
}
