package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"igconnect/internal/metasim"
)

func TestChooseTwoOfThree(t *testing.T) {
	w := start(t, brand(1), brand(2), metasim.Page{ID: "20009", Name: "No Instagram here"}, brand(3))
	chooser := w.get(w.login("?return_to=/x", metasim.Approval{}))
	if chooser.StatusCode != 200 || len(w.supa.rows()) != 0 {
		t.Fatalf("%d %s, %v", chooser.StatusCode, chooser.code(), w.supa.rows())
	}
	for n := 1; n <= 3; n++ {
		if !strings.Contains(chooser.body, `value="`+instagramID(n)+`"`) {
			t.Errorf("account %d is not offered", n)
		}
	}

	got := w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(3), instagramID(1), "17841499999999999"}})
	w.wantRedirect(got, http.StatusSeeOther, "/x?connected="+instagramID(1)+","+instagramID(3))
	rows := w.supa.rows()
	if len(rows) != 2 || rows[ada+"/"+instagramID(1)] == nil || rows[ada+"/"+instagramID(3)] == nil {
		t.Errorf("rows: %v", rows)
	}
	if w.meta.Subscribed("20002") != nil || w.meta.Subscribed("20003") == nil {
		t.Error("other Pages are subscribed than those chosen")
	}
	saves := 0
	for _, request := range w.supa.seen() {
		if request.step == "save" {
			saves++
		}
	}
	if saves != 1 || len(w.cookies("igconnect")) != 0 {
		t.Errorf("%d saves, cookies left: %v", saves, w.cookies("igconnect"))
	}

	// The form works once.
	if got := w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(2)}}); got.code() != "state_mismatch" {
		t.Errorf("a second time: %d %s", got.StatusCode, got.code())
	}
}

func TestChooseRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		submit func(w *world, chooser answer) answer
		status int
		code   string
	}{
		{"nothing chosen", func(w *world, chooser answer) answer { return w.tryAgain(chooser, nil) }, 400, "bad_request"},
		{"only an account that Meta does not list", func(w *world, chooser answer) answer {
			return w.tryAgain(chooser, url.Values{"instagram_id": {"17841499999999999"}})
		}, 400, "bad_request"},
		{"no grant", func(w *world, chooser answer) answer {
			w.browser = newBrowser(w.t)
			return w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}})
		}, 400, "state_mismatch"},
		{"another user", func(w *world, chooser answer) answer {
			w.signIn(ben)
			return w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}})
		}, 409, "user_changed"},
		{"from another website", func(w *world, _ answer) answer {
			return w.postFrom("https://evil.example", url.Values{"instagram_id": {instagramID(1)}})
		}, 403, "forbidden_origin"},
		{"from a page without an origin", func(w *world, _ answer) answer {
			return w.postFrom("null", url.Values{"instagram_id": {instagramID(1)}})
		}, 403, "forbidden_origin"},
		{"a huge form", func(w *world, chooser answer) answer {
			return w.tryAgain(chooser, url.Values{"x": {strings.Repeat("x", 70_000)}})
		}, 413, "too_large"},
		{"a form that cannot be read", func(w *world, _ answer) answer {
			request, _ := http.NewRequest("POST", w.url+"/api/choose", strings.NewReader("a=%zz"))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			return w.do(request)
		}, 400, "bad_request"},
		{"the token died meanwhile", func(w *world, chooser answer) answer {
			w.meta.Order(metasim.Order{Step: "me", Code: 190, Subcode: 458})
			return w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1)}})
		}, 502, "token_rejected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1), brand(2))
			chooser := w.get(w.login("", metasim.Approval{}))
			got := c.submit(w, chooser)
			w.wantError(got, c.status, c.code)
		})
	}
}

func (w *world) postFrom(origin string, form url.Values) answer {
	w.t.Helper()
	request, _ := http.NewRequest("POST", w.url+"/api/choose", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", origin)
	return w.do(request)
}

// Nothing chosen is asked once more, and the choice still counts then.
func TestChooseAskedOnceMore(t *testing.T) {
	w := start(t, brand(1), brand(2))
	again := w.tryAgain(w.get(w.login("", metasim.Approval{})), nil)
	if !strings.Contains(again.body, "Choose at least one account, then press Connect.") {
		t.Error(again.body)
	}
	got := w.tryAgain(again, url.Values{"instagram_id": {instagramID(2)}})
	w.wantRedirect(got, http.StatusSeeOther, "/?connected="+instagramID(2))
}

// A form without its flow means the newest login.
func TestChooseWithoutFlow(t *testing.T) {
	w := start(t, brand(1), brand(2))
	w.get(w.login("", metasim.Approval{}))
	got := w.post("/api/choose", url.Values{"instagram_id": {instagramID(2)}})
	w.wantRedirect(got, http.StatusSeeOther, "/?connected="+instagramID(2))
}

func TestSupabaseDownAfterChoosing(t *testing.T) {
	w := start(t, brand(1), brand(2), brand(3))
	chooser := w.get(w.login("", metasim.Approval{}))
	w.supa.broken("save", html(502))
	down := w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(2), instagramID(3)}})
	w.wantError(down, 503, "store_unavailable")
	w.supa.broken("save", nil)
	got := w.tryAgain(down, nil) // what was chosen is remembered
	w.wantRedirect(got, http.StatusSeeOther, "/?connected="+instagramID(2)+","+instagramID(3))
}

func TestNoAccount(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages []metasim.Page
		says  string
	}{
		{"no Page", nil, "Ask Meta again"},
		{"a Page without Instagram", []metasim.Page{{ID: "20009", Name: "Bruno's old blog"}}, "Bruno&#39;s old blog"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, c.pages...)
			got := w.get(w.login("?return_to=/x", metasim.Approval{}))
			w.wantError(got, 422, "no_instagram_account")
			if !strings.Contains(got.body, c.says) || !strings.Contains(got.body, `href="/api/login?return_to=%2Fx"`) {
				t.Error(got.body)
			}
		})
	}
}

func Test250Pages(t *testing.T) {
	var pages []metasim.Page
	for n := 1; n <= 250; n++ {
		pages = append(pages, brand(n))
	}
	w := start(t, pages...)
	chooser := w.get(w.login("", metasim.Approval{}))
	form := url.Values{}
	for n := 1; n <= 250; n++ {
		if !strings.Contains(chooser.body, `value="`+instagramID(n)+`"`) {
			t.Errorf("account %d is not offered", n)
		}
		form.Add("instagram_id", instagramID(n))
	}
	got := w.tryAgain(chooser, form)
	if got.StatusCode != http.StatusSeeOther || len(w.supa.rows()) != 250 {
		t.Errorf("%d %s, %d rows", got.StatusCode, got.code(), len(w.supa.rows()))
	}
}

// A Page that the list does not show, because a business holds it, is found by
// the token's own list of what was shared.
func TestUnlistedPage(t *testing.T) {
	hidden := brand(1)
	hidden.Unlisted = true
	w := start(t, hidden)
	w.wantRedirect(w.connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

// What came out alike is corrected in one call.
func TestCorrectedInOneCall(t *testing.T) {
	w := start(t, brand(1), brand(2), brand(3))
	chooser := w.get(w.login("", metasim.Approval{}))
	w.meta.Order(metasim.Order{Step: "subscribe", Code: 100, Message: "no such field"})
	w.tryAgain(chooser, url.Values{"instagram_id": {instagramID(1), instagramID(2), instagramID(3)}})
	patches := 0
	for _, request := range w.supa.seen() {
		if request.step == "patch" {
			patches++
		}
	}
	for _, row := range w.supa.rows() {
		if row["subscription_error"] != "subscribing the Page: code 100: no such field" {
			t.Errorf("%v", row["subscription_error"])
		}
	}
	if patches != 1 {
		t.Errorf("%d patches", patches)
	}
}
