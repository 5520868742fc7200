package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

func TestChooseTwoOfThree(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2), metasim.Page{ID: "20009", Name: "No Instagram here"}, brand(3))
	chooser := d.Get(d.LogIn("?return_to=/x", metasim.Approval{}))
	if chooser.StatusCode != 200 || len(d.Supabase.Rows()) != 0 {
		t.Fatalf("%d %s, %v", chooser.StatusCode, chooser.Code(), d.Supabase.Rows())
	}
	for n := 1; n <= 3; n++ {
		if !strings.Contains(chooser.Body, `value="`+instagramID(n)+`"`) {
			t.Errorf("account %d is not offered", n)
		}
	}

	got := d.Submit(chooser, url.Values{"instagram_id": {instagramID(3), instagramID(1), "17841499999999999"}})
	d.WantRedirect(got, http.StatusSeeOther, "/x?connected="+instagramID(1)+","+instagramID(3))
	rows := d.Supabase.Rows()
	if len(rows) != 2 || rows[ada+"/"+instagramID(1)] == nil || rows[ada+"/"+instagramID(3)] == nil {
		t.Errorf("rows: %v", rows)
	}
	if d.Meta.Subscribed("20002") != nil || d.Meta.Subscribed("20003") == nil {
		t.Error("other Pages are subscribed than those chosen")
	}
	if saves := d.count("save"); saves != 1 || len(d.Cookies("igconnect")) != 0 {
		t.Errorf("%d saves, cookies left: %v", saves, d.Cookies("igconnect"))
	}

	// The form works once.
	if got := d.Submit(chooser, choice(2)); got.Code() != "state_mismatch" {
		t.Errorf("a second time: %d %s", got.StatusCode, got.Code())
	}
}

func TestChooseRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		submit func(d deployment, chooser deploytest.Answer) deploytest.Answer
		status int
		code   string
	}{
		{"nothing chosen", func(d deployment, chooser deploytest.Answer) deploytest.Answer { return d.Submit(chooser, nil) }, 400, "bad_request"},
		{"only an account that Meta does not list", func(d deployment, chooser deploytest.Answer) deploytest.Answer {
			return d.Submit(chooser, url.Values{"instagram_id": {"17841499999999999"}})
		}, 400, "bad_request"},
		{"no grant", func(d deployment, chooser deploytest.Answer) deploytest.Answer {
			d.Browser = deploytest.NewBrowser(d.T)
			return d.Submit(chooser, choice(1))
		}, 400, "state_mismatch"},
		{"another user", func(d deployment, chooser deploytest.Answer) deploytest.Answer {
			d.SignIn(ben)
			return d.Submit(chooser, choice(1))
		}, 409, "user_changed"},
		{"from another website", func(d deployment, _ deploytest.Answer) deploytest.Answer {
			return d.sendForm("/api/choose", map[string]string{"Origin": "https://evil.example"}, choice(1))
		}, 403, "forbidden_origin"},
		{"from a page without an origin", func(d deployment, _ deploytest.Answer) deploytest.Answer {
			return d.sendForm("/api/choose", map[string]string{"Origin": "null"}, choice(1))
		}, 403, "forbidden_origin"},
		{"a huge form", func(d deployment, chooser deploytest.Answer) deploytest.Answer {
			return d.Submit(chooser, url.Values{"x": {strings.Repeat("x", 70_000)}})
		}, 413, "too_large"},
		{"a form that cannot be read", func(d deployment, _ deploytest.Answer) deploytest.Answer {
			return d.Send("POST", "/api/choose", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, "a=%zz")
		}, 400, "bad_request"},
		{"the token died meanwhile", func(d deployment, chooser deploytest.Answer) deploytest.Answer {
			d.Meta.Inject(metasim.Fault{Step: "me", Code: 190, Subcode: 458})
			return d.Submit(chooser, choice(1))
		}, 502, "token_rejected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, brand(1), brand(2))
			chooser := d.Get(d.LogIn("", metasim.Approval{}))
			got := c.submit(d, chooser)
			d.WantError(got, c.status, c.code)
		})
	}
}

// Nothing chosen is asked once more, and the choice still counts then.
func TestChooseAskedOnceMore(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	again := d.Submit(d.Get(d.LogIn("", metasim.Approval{})), nil)
	if !strings.Contains(again.Body, "Choose at least one account, then press Connect.") {
		t.Error(again.Body)
	}
	got := d.Submit(again, choice(2))
	d.WantRedirect(got, http.StatusSeeOther, "/?connected="+instagramID(2))
}

// A form without its flow means the newest login.
func TestChooseWithoutFlow(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2))
	d.Get(d.LogIn("", metasim.Approval{}))
	got := d.Post("/api/choose", choice(2))
	d.WantRedirect(got, http.StatusSeeOther, "/?connected="+instagramID(2))
}

func TestSupabaseDownAfterChoosing(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2), brand(3))
	chooser := d.Get(d.LogIn("", metasim.Approval{}))
	d.Supabase.Break("save", html(502))
	down := d.Submit(chooser, choice(2, 3))
	d.WantError(down, 503, "store_unavailable")
	d.Supabase.Break("save", nil)
	got := d.Submit(down, nil) // what was chosen is remembered
	d.WantRedirect(got, http.StatusSeeOther, "/?connected="+instagramID(2)+","+instagramID(3))
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
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, c.pages...)
			got := d.Get(d.LogIn("?return_to=/x", metasim.Approval{}))
			d.WantError(got, 422, "no_instagram_account")
			if !strings.Contains(got.Body, c.says) || !strings.Contains(got.Body, `href="/api/login?return_to=%2Fx"`) {
				t.Error(got.Body)
			}
		})
	}
}

func Test250Pages(t *testing.T) {
	t.Parallel()
	pages, form := brands(250)
	d := deploy(t, pages...)
	chooser := d.Get(d.LogIn("", metasim.Approval{}))
	for n := 1; n <= 250; n++ {
		if !strings.Contains(chooser.Body, `value="`+instagramID(n)+`"`) {
			t.Errorf("account %d is not offered", n)
		}
	}
	got := d.Submit(chooser, form)
	if got.StatusCode != http.StatusSeeOther || len(d.Supabase.Rows()) != 250 {
		t.Errorf("%d %s, %d rows", got.StatusCode, got.Code(), len(d.Supabase.Rows()))
	}
}

// A Page that the list does not show, because a business holds it, is found by
// the token's own list of what was shared.
func TestUnlistedPage(t *testing.T) {
	t.Parallel()
	hidden := brand(1)
	hidden.Unlisted = true
	d := deploy(t, hidden)
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

// What came out alike is corrected in one call.
func TestCorrectedInOneCall(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1), brand(2), brand(3))
	chooser := d.Get(d.LogIn("", metasim.Approval{}))
	d.Meta.Inject(metasim.Fault{Step: "subscribe", Code: 100, Message: "no such field"})
	d.Submit(chooser, url.Values{"instagram_id": {instagramID(1), instagramID(2), instagramID(3)}})
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
