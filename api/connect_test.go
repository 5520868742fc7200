package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/graph"
)

func TestChooseTwoOfThree(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2), metasim.Page{ID: "20009", Name: "No Instagram here"}, brand(3))
	chooser := d.ComeBack(d.LogIn("?return_to=/x", metasim.Approval{}))
	if chooser.StatusCode != 200 || len(d.Supabase.Rows()) != 0 {
		t.Fatalf("%d %s, %v", chooser.StatusCode, chooser.Code(), d.Supabase.Rows())
	}
	for n := range 3 {
		d.wantTexts(chooser, `value="`+instagramID(n+1)+`"`)
	}

	got := d.Submit(chooser, url.Values{"instagram_id": {instagramID(3), instagramID(1), "17841499999999999"}})
	d.WantDone(got, "/x?connected="+instagramID(1)+","+instagramID(3))
	rows := d.Supabase.Rows()
	if len(rows) != 2 || rows[ada+"/"+instagramID(1)] == nil || rows[ada+"/"+instagramID(3)] == nil {
		t.Errorf("rows: %v", rows)
	}
	if d.Meta.Subscribed("20002") != nil || d.Meta.Subscribed("20003") == nil {
		t.Error("other Pages are subscribed than those chosen")
	}
	if len(d.pending()) != 0 {
		t.Errorf("cookies left: %v", d.pending())
	}

	// The form works once: sent again, by a reload or with another choice, it leads to the same place.
	for _, again := range []url.Values{choice(3, 1), choice(2), {}} {
		d.WantDone(d.Submit(chooser, again), "/x?connected="+instagramID(1)+","+instagramID(3))
	}
	if saves := d.count("save"); saves != 1 || len(d.Supabase.Rows()) != 2 {
		t.Errorf("%d saves of %v", saves, d.Supabase.Rows())
	}
}

func TestChooseRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		submit func(d deployment, page answer) answer
		status int
		code   string
	}{
		{"nothing chosen", func(d deployment, page answer) answer { return d.Submit(page, nil) }, 400, "bad_request"},
		{"only an account that Meta does not list", func(d deployment, page answer) answer {
			return d.Submit(page, url.Values{"instagram_id": {"17841499999999999"}})
		}, 400, "bad_request"},
		{"no grant", func(d deployment, page answer) answer { d.newBrowser(); return d.Submit(page, choice(1)) }, 400, "state_mismatch"},
		{"another user", func(d deployment, page answer) answer { d.SignIn(ben); return d.Submit(page, choice(1)) }, 409, "user_changed"},
		{"from another website", func(d deployment, _ answer) answer {
			return d.sendForm("/api/choose", map[string]string{"Origin": "https://evil.example"}, choice(1))
		}, 403, "forbidden_origin"},
		{"from a page without an origin", func(d deployment, _ answer) answer {
			return d.sendForm("/api/choose", map[string]string{"Origin": "null"}, choice(1))
		}, 403, "forbidden_origin"},
		{"a huge form", func(d deployment, page answer) answer {
			return d.Submit(page, url.Values{"x": {strings.Repeat("x", 70_000)}})
		}, 413, "too_large"},
		{"a form that cannot be read", func(d deployment, _ answer) answer {
			return d.Send("POST", "/api/choose", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "a=%zz")
		}, 400, "bad_request"},
		{"the token died meanwhile", func(d deployment, page answer) answer {
			d.Meta.Inject(metasim.Fault{Step: "me", Code: 190, Subcode: 458})
			return d.Submit(page, choice(1))
		}, 502, "token_rejected"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1), brand(2))
			d.WantError(c.submit(d, d.Connect()), c.status, c.code)
		})
	}
}

// Nothing chosen is asked once more, and the choice still counts then.
func TestChooseAskedOnceMore(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, brand(1), brand(2))
	again := d.Submit(chooser, nil)
	d.wantTexts(again, "Choose at least one account, then press Connect.")
	d.WantDone(d.Submit(again, choice(2)), "/?connected="+instagramID(2))
}

// A form without its flow means the newest login.
func TestChooseWithoutFlow(t *testing.T) {
	t.Parallel()
	d, _ := connected(t, brand(1), brand(2))
	d.WantDone(d.Post("/api/choose", choice(2)), "/?connected="+instagramID(2))
}

func TestSupabaseDownAfterChoosing(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, brand(1), brand(2), brand(3))
	d.Supabase.Break("save", html(502))
	down := d.Submit(chooser, choice(2, 3))
	d.WantError(down, 503, "store_unavailable")
	d.Supabase.Break("save", nil)
	got := d.Submit(down, nil) // what was chosen is remembered
	d.WantDone(got, "/?connected="+instagramID(2)+","+instagramID(3))
}

func TestNoAccount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		pages []metasim.Page
		says  string
	}{
		{"no Page", nil, "Ask Meta again"},
		{"a Page without Instagram", []metasim.Page{{ID: "20009", Name: "Bruno's old blog"}}, "Bruno&#39;s old blog"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, c.pages...)
			got := d.ComeBack(d.LogIn("?return_to=/x", metasim.Approval{}))
			d.WantError(got, 422, "no_instagram_account")
			d.wantTexts(got, c.says, `href="/api/login?return_to=%2Fx"`)
		})
	}
}

func Test250Pages(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, deploytest.Brands(1, 250)...)
	for n := range 250 {
		d.wantTexts(chooser, `value="`+instagramID(n+1)+`"`)
	}
	got := d.Choose(chooser)
	if got.StatusCode != http.StatusSeeOther || len(d.Supabase.Rows()) != 250 {
		t.Errorf("%d %s, %d rows", got.StatusCode, got.Code(), len(d.Supabase.Rows()))
	}
}

// A Page that the list does not show, because a business holds it, is found by
// the token's own list of what was shared.
func TestUnlistedPage(t *testing.T) {
	t.Parallel()
	d := deploy(t, unlisted(1))
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

// What came out alike is corrected in one call.
func TestCorrectedInOneCall(t *testing.T) {
	t.Parallel()
	d, chooser := connected(t, brand(1), brand(2), brand(3))
	d.Meta.Inject(metasim.Fault{Step: "subscribe", Code: 100, Message: "no such field"})
	d.Submit(chooser, choice(1, 2, 3))
	for _, row := range d.Supabase.Rows() {
		if row["subscription_error"] != "subscribing the Page: code 100: no such field" {
			t.Errorf("%v", row["subscription_error"])
		}
	}
	if patches := d.count("patch"); patches != 1 {
		t.Errorf("%d patches", patches)
	}
	if log := d.Watch.Log(); strings.Count(log, `"subscription":[`) != 1 || strings.Count(log, `"subscription":`) != 1 {
		t.Errorf("not one list of the failures: %s", log)
	}
}

func TestConnectOneAccount(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))

	begun := d.Get("/api/login?return_to=" + url.QueryEscape("/settings?tab=2#top"))
	dialog, err := url.Parse(begun.Location())
	if err != nil || begun.StatusCode != http.StatusFound {
		t.Fatalf("login answered %d: %s", begun.StatusCode, begun.Body)
	}
	query := dialog.Query()
	if state := query.Get("state"); len(state) != 43 {
		t.Errorf("state %q is not 32 bytes", state)
	}
	query.Del("state")
	want := url.Values{
		"client_id": {deploytest.AppID}, "redirect_uri": {d.RedirectURI()}, "response_type": {"code"}, "auth_type": {"rerequest"},
		"scope": {"instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata"},
	}
	if diff := cmp.Diff(want, query); diff != "" || dialog.Path != "/v24.0/dialog/oauth" {
		t.Errorf("dialog %s: %s", dialog.Path, diff)
	}

	d.WantRedirect(d.Get(d.approve(begun.Location())), http.StatusSeeOther, "/settings?tab=2&connected="+instagramID(1)+"#top")

	row := d.row(ada, 1)
	for _, token := range []string{"token", "page_token"} {
		if value, _ := row[token].(string); len(value) < 20 {
			t.Errorf("%s = %v", token, row[token])
		}
		delete(row, token)
	}
	for _, at := range []string{"token_expires_at", "data_access_expires_at", "checked_at", "connected_at"} {
		if moment, err := time.Parse(time.RFC3339, row[at].(string)); err != nil || time.Until(moment) > 100*24*time.Hour {
			t.Errorf("%s = %v", at, row[at])
		}
		delete(row, at)
	}
	wantRow := map[string]any{
		"user_id": ada, "auth_user_id": ada, "instagram_id": instagramID(1), "page_id": "20001", "page_name": "Page 1",
		"username": "brand_1", "name": "Brand 1", "picture_url": row["picture_url"], "facebook_user_id": "5001",
		"scopes": []any{"public_profile", "pages_show_list", "pages_manage_metadata", "instagram_basic", "instagram_manage_messages"},
		"status": "active", "status_reason": nil, "retry": false, "subscribed_fields": []any{"feed"}, "subscription_error": nil,
	}
	if diff := cmp.Diff(wantRow, row); diff != "" {
		t.Error(diff)
	}
	if got := d.Meta.Subscribed("20001"); !cmp.Equal(got, []string{"feed"}) {
		t.Errorf("subscribed to %v", got)
	}
	if left := d.pending(); len(left) != 0 {
		t.Errorf("cookies left: %v", left)
	}
}

// A Page without a token (a small role on it, reported as "access_token missing from
// me/accounts") leads to no working connection: nobody is told that it does.
func TestPageWithoutToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pages     []int // without a token: those below zero
		connected string
		status    int
	}{
		"the only one":      {[]int{-1}, "", http.StatusUnprocessableEntity},
		"two, both without": {[]int{-1, -2}, "", http.StatusUnprocessableEntity},
		"one of two":        {[]int{-1, 2}, instagramID(2), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t)
			var pages []metasim.Page
			var ids []string
			for _, n := range c.pages {
				page := brand(max(n, -n))
				page.NoToken = n < 0
				pages, ids = append(pages, page), append(ids, page.Instagram.ID)
			}
			d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: pages})
			got := d.ComeBack(d.LogIn("?return_to=/settings", metasim.Approval{}))
			if len(pages) > 1 {
				got = d.Choose(got, ids...)
			}
			back := "/settings"
			if c.connected != "" {
				back += "?connected=" + c.connected
			}
			if got.StatusCode != c.status || !strings.Contains(got.Body, "does not carry messages") || !strings.Contains(got.Body, `"`+back+`"`) {
				t.Errorf("status %d, want %d and a way back to %s\n%s", got.StatusCode, c.status, back, got.Body)
			}
			for _, n := range c.pages {
				row, status, reason := d.row(ada, max(n, -n)), "active", any(nil)
				if n < 0 {
					status, reason = "reconnect", string(graph.LostPageToken)
				}
				if row["status"] != status || row["status_reason"] != reason || row["retry"] != (n < 0) {
					t.Errorf("account %d: %v, %v, retry %v", n, row["status"], row["status_reason"], row["retry"])
				}
			}
		})
	}
}

// grown is a person with one Page of his own and two that businesses hold.
func grown(t *testing.T) deployment {
	t.Helper()
	d := deploy(t)
	own, owned, client := brand(1), brand(2), brand(3)
	d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{own}, Businesses: []metasim.Business{
		{ID: "9001", Name: "Studio", Owned: []metasim.Page{owned, own}},
		{ID: "9002", Name: "Agency", Client: []metasim.Page{client}},
	}})
	return d
}

func TestPagesOfBusinesses(t *testing.T) {
	t.Parallel()
	d := grown(t)
	d.Set("FB_LOGIN_SCOPES", seedScopes+",business_management")
	chooser := d.Connect()
	for n := 1; n <= 3; n++ {
		if got := strings.Count(chooser.Body, `value="`+instagramID(n)+`"`); got != 1 {
			t.Errorf("account %d is offered %d times", n, got)
		}
	}
}

// Without the permission nobody asks about businesses; declined, it costs
// nothing but those Pages.
func TestBusinessesOnlyWhereGranted(t *testing.T) {
	t.Parallel()
	d := grown(t)
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
	d.Set("FB_LOGIN_SCOPES", seedScopes+",business_management")
	d.WantRedirect(d.ComeBack(d.LogIn("", metasim.Approval{Decline: []string{"business_management"}})), http.StatusSeeOther, "/?connected="+instagramID(1))
	if strings.Contains(d.Steps(), "business") {
		t.Errorf("asked: %s", d.Steps())
	}
}

func TestBusinessesFail(t *testing.T) {
	t.Parallel()
	d := grown(t)
	d.Set("FB_LOGIN_SCOPES", seedScopes+",business_management")
	chooser := d.connectWith("", metasim.Fault{Step: "client_pages", Code: 200, Message: "(#200) no"})
	if !strings.Contains(chooser.Body, instagramID(2)) || !strings.Contains(d.Watch.Log(), `"skipped"`) {
		t.Errorf("%d: %s", chooser.StatusCode, d.Watch.Log())
	}
}

// The extra reads happen only where a Page is missing from the list.
func TestDirectReadsOnlyWhereNeeded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		pages []metasim.Page
		reads int
	}{
		{"all listed", []metasim.Page{brand(1)}, 0},
		{"one hidden", []metasim.Page{brand(1), unlisted(2)}, 1},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, c.pages...)
			d.Get(d.LogIn("", metasim.Approval{}))
			if reads := strings.Count(d.Steps()+" ", "page "); reads != c.reads {
				t.Errorf("%d reads: %s", reads, d.Steps())
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	d := deploy(t,
		metasim.Page{ID: "20001", Name: "Bare Page"},
		metasim.Page{ID: "20002", Name: "Private Page", Personal: &metasim.Instagram{ID: "17841400000000777", Username: "dana.moves", Name: "Dana"}},
	)
	got := d.ComeBack(d.LogIn("?return_to=/x", metasim.Approval{}))
	d.WantError(got, 422, "no_instagram_account")
	d.wantTexts(got, "Bare Page", "Private Page", "dana.moves", "Ask Meta again", `href="/api/login?return_to=%2Fx"`, `href="/x"`)
}

// A new grant that leaves an account out stops it, by name.
func TestNotSharedThisTime(t *testing.T) {
	t.Parallel()
	setUp := func(t *testing.T) deployment {
		d := deploy(t, brand(1), brand(2), brand(3))
		d.stored(ada, 1, "5001", nil)
		d.stored(ada, 2, "5001", nil)
		d.stored(ben, 1, "5001", nil) // the same person, for another user of the app
		d.stored(ada, 4, "5009", nil) // another person
		d.stored(ada, 5, "5001", map[string]any{"status": "reconnect", "status_reason": "old"})
		return d
	}
	third := func(d deployment) answer { return d.ComeBack(d.LogIn("", metasim.Approval{Pages: []string{"20003"}})) }
	parallel(t, "one account shared", func(t *testing.T) {
		d := setUp(t)
		d.WantRedirect(third(d), http.StatusSeeOther, "/?connected="+instagramID(3))
		d.wantStatus(ada, 1, "reconnect")
		d.wantStatus(ada, 2, "reconnect")
		d.wantStatus(ben, 1, "reconnect")
		d.wantStatus(ada, 3, "active")
		d.wantStatus(ada, 4, "active")
		if reason := d.row(ada, 1)["status_reason"]; reason != "Not shared with us the last time you connected." {
			t.Errorf("reason: %v", reason)
		}
		if reason := d.row(ada, 5)["status_reason"]; reason != "old" {
			t.Errorf("an earlier reason was replaced: %v", reason)
		}
	})
	parallel(t, "several shared", func(t *testing.T) {
		d := setUp(t)
		chooser := d.ComeBack(d.LogIn("", metasim.Approval{Pages: []string{"20002", "20003"}}))
		d.wantStatus(ada, 1, "reconnect")
		d.wantStatus(ada, 2, "active")
		d.wantTexts(chooser, "@brand_1 was not shared this time and stopped.")
		d.WantDone(d.Submit(chooser, choice(2)), "/?connected="+instagramID(2))
	})
	parallel(t, "none shared", func(t *testing.T) {
		d := setUp(t)
		got := d.ComeBack(d.LogIn("", metasim.Approval{Pages: []string{}}))
		d.want(got, 422, "no_instagram_account")
		d.wantTexts(got, "@brand_1 and @brand_2 were not shared this time and stopped.")
	})
	parallel(t, "a Page that could not be read", func(t *testing.T) {
		d := deploy(t, unlisted(1), brand(2))
		d.stored(ada, 1, "5001", nil)
		d.connectWith("", metasim.Fault{Step: "page", Status: 500})
		d.wantStatus(ada, 1, "active") // it may well be shared
	})
	parallel(t, "shared again", func(t *testing.T) {
		d := setUp(t)
		third(d)
		d.Submit(d.Connect(), choice(1))
		d.wantStatus(ada, 1, "active")
	})
	parallel(t, "Supabase does not mark it", func(t *testing.T) {
		d := setUp(t)
		d.Supabase.Break("patch", html(502))
		d.WantRedirect(third(d), http.StatusSeeOther, "/?connected="+instagramID(3))
		d.wantStatus(ada, 1, "active")
	})
	parallel(t, "Supabase does not list", func(t *testing.T) {
		d := setUp(t)
		d.Supabase.Break("list", html(502))
		chooser := d.ComeBack(d.LogIn("", metasim.Approval{Pages: []string{"20002", "20003"}}))
		d.WantDone(d.Submit(chooser, choice(3)), "/?connected="+instagramID(3))
		d.wantStatus(ada, 1, "reconnect") // the answer to the save names it
	})
}

// The chooser says what is connected already.
func TestChooserKnowsWhatIsConnected(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	d.stored(ada, 1, "5001", nil)
	chooser := d.Connect()
	first, second, _ := strings.Cut(chooser.Body, instagramID(2))
	if !strings.Contains(first, "onnected already") || strings.Contains(second, "onnected already") {
		t.Error(chooser.Body)
	}
}

// Who asks why an account is missing is told after the others are connected.
func TestExplained(t *testing.T) {
	t.Parallel()
	bare := metasim.Page{ID: "20009", Name: "Bare Page"}
	weak := brand(2)
	weak.Tasks = []string{"ANALYZE"}

	parallel(t, "one account and a Page without", func(t *testing.T) {
		d := deploy(t, brand(1), bare)
		got := d.ComeBack(d.LogIn("?return_to=/x&explain=1", metasim.Approval{}))
		if got.StatusCode != 200 || len(d.Supabase.Rows()) != 1 {
			t.Fatalf("%d %s", got.StatusCode, got.Code())
		}
		d.wantTexts(got, "Some of your accounts are connected", "Bare Page", `href="/x?connected=`+instagramID(1)+`"`, `href="/api/login?explain=1&amp;return_to=%2Fx"`)
	})
	parallel(t, "several accounts", func(t *testing.T) {
		d := deploy(t, brand(1), weak, bare, brand(3))
		chooser := d.ComeBack(d.LogIn("?explain=1", metasim.Approval{}))
		got := d.Submit(chooser, choice(1, 2))
		d.wantTexts(got, "Bare Page", "Your role does not cover messages", "brand_2")
		if strings.Contains(got.Body, "brand_3") {
			t.Error("an account that was not chosen is not missing")
		}
	})
	parallel(t, "a refused subscription", func(t *testing.T) {
		d := deploy(t, brand(1))
		d.wantTexts(d.connectWith("?explain=1", metasim.Fault{Step: "subscribe", Code: 100, Message: "no"}), "Connected, but messages do not reach us")
	})
	parallel(t, "nothing is missing", func(t *testing.T) {
		d := deploy(t, brand(1))
		d.WantRedirect(d.ComeBack(d.LogIn("?explain=1", metasim.Approval{})), 303, "/?connected="+instagramID(1))
	})
	parallel(t, "without a session", func(t *testing.T) {
		d := deploy(t, brand(1))
		d.newBrowser()
		d.Set("SIGN_IN_URL", appOrigin)
		d.WantRedirect(d.Get("/api/login?explain=yes"), 302, appOrigin+"?return_to="+url.QueryEscape(d.URL+"/api/login?explain=1"))
	})
}
