package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"igconnect/internal/metasim"
)

// grown is a person with one Page of his own and two that businesses hold.
func grown(w *world) {
	own, owned, client := brand(1), brand(2), brand(3)
	w.meta.AddPerson(metasim.Person{ID: "5001", Name: "Ada", Pages: []metasim.Page{own}, Businesses: []metasim.Business{
		{ID: "9001", Name: "Studio", Owned: []metasim.Page{owned, own}},
		{ID: "9002", Name: "Agency", Client: []metasim.Page{client}},
	}})
}

func TestPagesOfBusinesses(t *testing.T) {
	w := start(t)
	grown(w)
	t.Setenv("FB_LOGIN_SCOPES", "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,business_management")
	chooser := w.get(w.login("", metasim.Approval{}))
	for n := 1; n <= 3; n++ {
		if got := strings.Count(chooser.body, `value="`+instagramID(n)+`"`); got != 1 {
			t.Errorf("account %d is offered %d times", n, got)
		}
	}
}

// Without the permission nobody asks about businesses; declined, it costs
// nothing but those Pages.
func TestBusinessesOnlyWhereGranted(t *testing.T) {
	w := start(t)
	grown(w)
	w.wantRedirect(w.connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
	t.Setenv("FB_LOGIN_SCOPES", "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,business_management")
	w.wantRedirect(w.get(w.login("", metasim.Approval{Decline: []string{"business_management"}})), http.StatusSeeOther, "/?connected="+instagramID(1))
	if strings.Contains(w.steps(), "business") {
		t.Errorf("asked: %s", w.steps())
	}
}

func TestBusinessesFail(t *testing.T) {
	w := start(t)
	grown(w)
	t.Setenv("FB_LOGIN_SCOPES", "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,business_management")
	callback := w.login("", metasim.Approval{})
	w.meta.Order(metasim.Order{Step: "client_pages", Code: 200, Message: "(#200) no"})
	chooser := w.get(callback)
	if !strings.Contains(chooser.body, instagramID(2)) || !strings.Contains(w.logged(), `"skipped"`) {
		t.Errorf("%d: %s", chooser.StatusCode, w.logged())
	}
}

// The extra reads happen only where a Page is missing from the list.
func TestDirectReadsOnlyWhereNeeded(t *testing.T) {
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
		t.Run(c.name, func(t *testing.T) {
			w := start(t, c.pages...)
			w.connect()
			reads := 0
			for _, request := range w.meta.Requests() {
				if request.Step == "page" {
					reads++
				}
			}
			if reads != c.reads {
				t.Errorf("%d reads", reads)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	w := start(t,
		metasim.Page{ID: "20001", Name: "Bare Page"},
		metasim.Page{ID: "20002", Name: "Private Page", Personal: &metasim.Instagram{ID: "17841400000000777", Username: "dana.moves", Name: "Dana"}},
	)
	got := w.get(w.login("?return_to=/x", metasim.Approval{}))
	w.wantError(got, 422, "no_instagram_account")
	for _, text := range []string{"Bare Page", "Private Page", "dana.moves", "Ask Meta again", `href="/api/login?return_to=%2Fx"`, `href="/x"`} {
		if !strings.Contains(got.body, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
}

// A new grant that leaves an account out stops it, by name.
func TestNotSharedThisTime(t *testing.T) {
	three := []metasim.Page{brand(1), brand(2), brand(3)}
	setUp := func(t *testing.T) *world {
		w := start(t, three...)
		w.stored(ada, 1, "5001", nil)
		w.stored(ada, 2, "5001", nil)
		w.stored(ben, 1, "5001", nil) // the same person, for another user of the app
		w.stored(ada, 4, "5009", nil) // another person
		w.stored(ada, 5, "5001", map[string]any{"status": "reconnect", "status_reason": "old"})
		return w
	}
	wantStatus := func(w *world, user string, n int, status string) {
		w.t.Helper()
		row := w.supa.rows()[user+"/"+instagramID(n)]
		if row["status"] != status {
			w.t.Errorf("%s's account %d is %v: %v", user, n, row["status"], row["status_reason"])
		}
	}

	t.Run("one account shared", func(t *testing.T) {
		w := setUp(t)
		w.wantRedirect(w.get(w.login("", metasim.Approval{Pages: []string{"20003"}})), http.StatusSeeOther, "/?connected="+instagramID(3))
		wantStatus(w, ada, 1, "reconnect")
		wantStatus(w, ada, 2, "reconnect")
		wantStatus(w, ben, 1, "reconnect")
		wantStatus(w, ada, 3, "active")
		wantStatus(w, ada, 4, "active")
		if reason := w.supa.rows()[ada+"/"+instagramID(1)]["status_reason"]; reason != "Not shared with us the last time you connected." {
			t.Errorf("reason: %v", reason)
		}
		if reason := w.supa.rows()[ada+"/"+instagramID(5)]["status_reason"]; reason != "old" {
			t.Errorf("an earlier reason was replaced: %v", reason)
		}
	})
	t.Run("several shared", func(t *testing.T) {
		w := setUp(t)
		chooser := w.get(w.login("", metasim.Approval{Pages: []string{"20002", "20003"}}))
		wantStatus(w, ada, 1, "reconnect")
		wantStatus(w, ada, 2, "active")
		if !strings.Contains(chooser.body, "@brand_1 was not shared this time and stopped.") {
			t.Error(chooser.body)
		}
		w.wantRedirect(w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(2)}}), 303, "/?connected="+instagramID(2))
	})
	t.Run("none shared", func(t *testing.T) {
		w := setUp(t)
		got := w.get(w.login("", metasim.Approval{Pages: []string{}}))
		if got.code() != "no_instagram_account" || !strings.Contains(got.body, "@brand_1 and @brand_2 were not shared this time and stopped.") {
			t.Errorf("%d %s: %s", got.StatusCode, got.code(), got.body)
		}
	})
	t.Run("a Page that could not be read", func(t *testing.T) {
		hidden := brand(1)
		hidden.Unlisted = true
		w := start(t, hidden, brand(2))
		w.stored(ada, 1, "5001", nil)
		callback := w.login("", metasim.Approval{})
		w.meta.Order(metasim.Order{Step: "page", Status: 500})
		w.get(callback)
		wantStatus(w, ada, 1, "active") // it may well be shared
	})
	t.Run("shared again", func(t *testing.T) {
		w := setUp(t)
		w.get(w.login("", metasim.Approval{Pages: []string{"20003"}}))
		chooser := w.get(w.login("", metasim.Approval{}))
		w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}})
		wantStatus(w, ada, 1, "active")
	})
	t.Run("Supabase does not list", func(t *testing.T) {
		w := setUp(t)
		w.supa.broken("list", html(502))
		w.wantRedirect(w.get(w.login("", metasim.Approval{Pages: []string{"20003"}})), http.StatusSeeOther, "/?connected="+instagramID(3))
	})
}

// The chooser says what is connected already.
func TestChooserKnowsWhatIsConnected(t *testing.T) {
	w := start(t, brand(1), brand(2))
	w.stored(ada, 1, "5001", nil)
	chooser := w.get(w.login("", metasim.Approval{}))
	first, second, _ := strings.Cut(chooser.body, instagramID(2))
	if !strings.Contains(first, "onnected already") || strings.Contains(second, "onnected already") {
		t.Error(chooser.body)
	}
}

// Who asks why an account is missing is told after the others are connected.
func TestExplained(t *testing.T) {
	bare := metasim.Page{ID: "20009", Name: "Bare Page"}
	weak := brand(2)
	weak.Tasks = []string{"ANALYZE"}

	t.Run("one account and a Page without", func(t *testing.T) {
		w := start(t, brand(1), bare)
		got := w.get(w.login("?return_to=/x&explain=1", metasim.Approval{}))
		if got.StatusCode != 200 || len(w.supa.rows()) != 1 {
			t.Fatalf("%d %s", got.StatusCode, got.code())
		}
		for _, text := range []string{"Some of your accounts are connected", "Bare Page", `href="/x?connected=` + instagramID(1) + `"`, `href="/api/login?explain=1&amp;return_to=%2Fx"`} {
			if !strings.Contains(got.body, text) {
				t.Errorf("the page lacks %q: %s", text, got.body)
			}
		}
	})
	t.Run("several accounts", func(t *testing.T) {
		w := start(t, brand(1), weak, bare, brand(3))
		chooser := w.get(w.login("?explain=1", metasim.Approval{}))
		got := w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1), instagramID(2)}})
		for _, text := range []string{"Bare Page", "Your role does not cover messages", "brand_2"} {
			if !strings.Contains(got.body, text) {
				t.Errorf("the page lacks %q: %s", text, got.body)
			}
		}
		if strings.Contains(got.body, "brand_3") {
			t.Error("an account that was not chosen is not missing")
		}
	})
	t.Run("a refused subscription", func(t *testing.T) {
		w := start(t, brand(1))
		callback := w.login("?explain=1", metasim.Approval{})
		w.meta.Order(metasim.Order{Step: "subscribe", Code: 100, Message: "no"})
		if got := w.get(callback); !strings.Contains(got.body, "Connected, but messages do not reach us") {
			t.Error(got.body)
		}
	})
	t.Run("nothing is missing", func(t *testing.T) {
		w := start(t, brand(1))
		w.wantRedirect(w.get(w.login("?explain=1", metasim.Approval{})), 303, "/?connected="+instagramID(1))
	})
	t.Run("without a session", func(t *testing.T) {
		w := start(t, brand(1))
		w.browser = newBrowser(t)
		t.Setenv("SIGN_IN_URL", appOrigin)
		w.wantRedirect(w.get("/api/login?explain=yes"), 302, appOrigin+"?return_to="+url.QueryEscape(w.url+"/api/login?explain=1"))
	})
}
