package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"igconnect/internal/metasim"
)

// grown is a person with one Page of his own and two that businesses hold.
func grown(d deployment) {
	own, owned, client := brand(1), brand(2), brand(3)
	d.Meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{own}, Businesses: []metasim.Business{
		{ID: "9001", Name: "Studio", Owned: []metasim.Page{owned, own}},
		{ID: "9002", Name: "Agency", Client: []metasim.Page{client}},
	}})
}

func TestPagesOfBusinesses(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	grown(d)
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
	d := deploy(t)
	grown(d)
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
	d.Set("FB_LOGIN_SCOPES", seedScopes+",business_management")
	d.WantRedirect(d.Get(d.LogIn("", metasim.Approval{Decline: []string{"business_management"}})), http.StatusSeeOther, "/?connected="+instagramID(1))
	if strings.Contains(d.Steps(), "business") {
		t.Errorf("asked: %s", d.Steps())
	}
}

func TestBusinessesFail(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	grown(d)
	d.Set("FB_LOGIN_SCOPES", seedScopes+",business_management")
	callback := d.LogIn("", metasim.Approval{})
	d.Meta.Inject(metasim.Fault{Step: "client_pages", Code: 200, Message: "(#200) no"})
	chooser := d.Get(callback)
	if !strings.Contains(chooser.Body, instagramID(2)) || !strings.Contains(d.Watch.Log(), `"skipped"`) {
		t.Errorf("%d: %s", chooser.StatusCode, d.Watch.Log())
	}
}

// The extra reads happen only where a Page is missing from the list.
func TestDirectReadsOnlyWhereNeeded(t *testing.T) {
	t.Parallel()
	hidden := brand(2)
	hidden.Unlisted = true
	for _, c := range []struct {
		name  string
		pages []metasim.Page
		reads int
	}{
		{"all listed", []metasim.Page{brand(1)}, 0},
		{"one hidden", []metasim.Page{brand(1), hidden}, 1},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, c.pages...)
			d.Connect()
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
	got := d.Get(d.LogIn("?return_to=/x", metasim.Approval{}))
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
	wantStatus := func(d deployment, user string, n int, status string) {
		d.T.Helper()
		row := d.row(user, n)
		if row["status"] != status {
			d.T.Errorf("%s's account %d is %v: %v", user, n, row["status"], row["status_reason"])
		}
	}

	parallel(t, "one account shared", func(t *testing.T) {
		d := setUp(t)
		d.WantRedirect(d.Get(d.LogIn("", metasim.Approval{Pages: []string{"20003"}})), http.StatusSeeOther, "/?connected="+instagramID(3))
		wantStatus(d, ada, 1, "reconnect")
		wantStatus(d, ada, 2, "reconnect")
		wantStatus(d, ben, 1, "reconnect")
		wantStatus(d, ada, 3, "active")
		wantStatus(d, ada, 4, "active")
		if reason := d.row(ada, 1)["status_reason"]; reason != "Not shared with us the last time you connected." {
			t.Errorf("reason: %v", reason)
		}
		if reason := d.row(ada, 5)["status_reason"]; reason != "old" {
			t.Errorf("an earlier reason was replaced: %v", reason)
		}
	})
	parallel(t, "several shared", func(t *testing.T) {
		d := setUp(t)
		chooser := d.Get(d.LogIn("", metasim.Approval{Pages: []string{"20002", "20003"}}))
		wantStatus(d, ada, 1, "reconnect")
		wantStatus(d, ada, 2, "active")
		d.wantTexts(chooser, "@brand_1 was not shared this time and stopped.")
		d.WantRedirect(d.Submit(chooser, choice(2)), 303, "/?connected="+instagramID(2))
	})
	parallel(t, "none shared", func(t *testing.T) {
		d := setUp(t)
		got := d.Get(d.LogIn("", metasim.Approval{Pages: []string{}}))
		d.want(got, 422, "no_instagram_account")
		d.wantTexts(got, "@brand_1 and @brand_2 were not shared this time and stopped.")
	})
	parallel(t, "a Page that could not be read", func(t *testing.T) {
		hidden := brand(1)
		hidden.Unlisted = true
		d := deploy(t, hidden, brand(2))
		d.stored(ada, 1, "5001", nil)
		callback := d.LogIn("", metasim.Approval{})
		d.Meta.Inject(metasim.Fault{Step: "page", Status: 500})
		d.Get(callback)
		wantStatus(d, ada, 1, "active") // it may well be shared
	})
	parallel(t, "shared again", func(t *testing.T) {
		d := setUp(t)
		d.Get(d.LogIn("", metasim.Approval{Pages: []string{"20003"}}))
		chooser := d.Connect()
		d.Submit(chooser, choice(1))
		wantStatus(d, ada, 1, "active")
	})
	parallel(t, "Supabase does not list", func(t *testing.T) {
		d := setUp(t)
		d.Supabase.Break("list", html(502))
		d.WantRedirect(d.Get(d.LogIn("", metasim.Approval{Pages: []string{"20003"}})), http.StatusSeeOther, "/?connected="+instagramID(3))
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
		got := d.Get(d.LogIn("?return_to=/x&explain=1", metasim.Approval{}))
		if got.StatusCode != 200 || len(d.Supabase.Rows()) != 1 {
			t.Fatalf("%d %s", got.StatusCode, got.Code())
		}
		d.wantTexts(got, "Some of your accounts are connected", "Bare Page", `href="/x?connected=`+instagramID(1)+`"`, `href="/api/login?explain=1&amp;return_to=%2Fx"`)
	})
	parallel(t, "several accounts", func(t *testing.T) {
		d := deploy(t, brand(1), weak, bare, brand(3))
		chooser := d.Get(d.LogIn("?explain=1", metasim.Approval{}))
		got := d.Submit(chooser, choice(1, 2))
		d.wantTexts(got, "Bare Page", "Your role does not cover messages", "brand_2")
		if strings.Contains(got.Body, "brand_3") {
			t.Error("an account that was not chosen is not missing")
		}
	})
	parallel(t, "a refused subscription", func(t *testing.T) {
		d := deploy(t, brand(1))
		callback := d.LogIn("?explain=1", metasim.Approval{})
		d.Meta.Inject(metasim.Fault{Step: "subscribe", Code: 100, Message: "no"})
		d.wantTexts(d.Get(callback), "Connected, but messages do not reach us")
	})
	parallel(t, "nothing is missing", func(t *testing.T) {
		d := deploy(t, brand(1))
		d.WantRedirect(d.Get(d.LogIn("?explain=1", metasim.Approval{})), 303, "/?connected="+instagramID(1))
	})
	parallel(t, "without a session", func(t *testing.T) {
		d := deploy(t, brand(1))
		d.newBrowser()
		d.Set("SIGN_IN_URL", appOrigin)
		d.WantRedirect(d.Get("/api/login?explain=yes"), 302, appOrigin+"?return_to="+url.QueryEscape(d.URL+"/api/login?explain=1"))
	})
}
