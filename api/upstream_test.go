package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/internal/metasim"
)

func TestMetaFails(t *testing.T) {
	page := func(body string) *string { return &body }
	for _, c := range []struct {
		name   string
		order  metasim.Order
		status int // 303: the flow recovers
		code   string
	}{
		{"the exchange: an invalid secret", metasim.Order{Step: "exchange", Code: 1, Message: "Error validating client secret."}, 500, "misconfigured"},
		{"the exchange: an invalid app", metasim.Order{Step: "exchange", Code: 101, Message: "Error validating application. Invalid application ID."}, 500, "misconfigured"},
		{"the exchange: a wrong redirect_uri", metasim.Order{Step: "exchange", Code: 100, Message: "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"}, 400, "code_rejected"},
		{"the exchange: a used code", metasim.Order{Step: "exchange", Code: 100, Subcode: 36009}, 400, "code_rejected"},
		{"the exchange: 500 once is not repeated", metasim.Order{Step: "exchange", Times: 1, Status: 500}, 502, "meta_unavailable"},
		{"the exchange: null", metasim.Order{Step: "exchange", Body: page("null")}, 502, "meta_unavailable"},
		{"the exchange: no token", metasim.Order{Step: "exchange", Body: page(`{"token_type":"bearer"}`)}, 502, "meta_unavailable"},
		{"the exchange: throttled", metasim.Order{Step: "exchange", Code: 4}, 503, "throttled"},
		{"the upgrade refused", metasim.Order{Step: "upgrade", Code: 190, Subcode: 463}, 502, "token_rejected"},
		{"the upgrade refused otherwise", metasim.Order{Step: "upgrade", Code: 100}, 502, "token_rejected"},
		{"the upgrade: 500 always", metasim.Order{Step: "upgrade", Status: 500}, 502, "meta_unavailable"},
		{"the upgrade: 500 once", metasim.Order{Step: "upgrade", Times: 1, Status: 500}, 303, ""},
		{"the upgrade: HTML", metasim.Order{Step: "upgrade", Body: page("<html>"), ContentType: "text/html"}, 502, "meta_unavailable"},
		{"the list: 500 once", metasim.Order{Step: "accounts", Times: 1, Status: 500}, 303, ""},
		{"the list: 500 always", metasim.Order{Step: "accounts", Status: 500}, 502, "meta_unavailable"},
		{"the list: HTML", metasim.Order{Step: "accounts", Body: page("<html>"), ContentType: "text/html"}, 502, "meta_unavailable"},
		{"the list: empty", metasim.Order{Step: "accounts", Body: page("")}, 502, "meta_unavailable"},
		{"the list: other types", metasim.Order{Step: "accounts", Body: page(`{"data":"none"}`)}, 502, "meta_unavailable"},
		{"the list: cut", metasim.Order{Step: "accounts", Cut: true}, 502, "meta_unavailable"},
		{"the list: too long", metasim.Order{Step: "accounts", Body: page(`{"data":[],"x":"` + strings.Repeat("x", 5<<20) + `"}`)}, 502, "meta_unavailable"},
		{"the list: throttled", metasim.Order{Step: "accounts", Status: 403, Code: 80001}, 503, "throttled"},
		{"the person: the token died", metasim.Order{Step: "me", Code: 190, Subcode: 460}, 502, "token_rejected"},
		{"the permissions refused", metasim.Order{Step: "permissions", Code: 200}, 422, "missing_permission"},
		{"the token check fails: it costs nothing", metasim.Order{Step: "debug_token", Status: 500}, 303, ""},
		{"the subscription fails: it costs nothing", metasim.Order{Step: "subscribe", Code: 100, Message: "no"}, 303, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if repeated := c.code == "meta_unavailable" && c.order.Step != "exchange"; testing.Short() && repeated && c.name != "the list: 500 always" {
				t.Skip("like the list's 500, which is tried three times")
			}
			w := start(t, brand(1))
			callback := w.login("", metasim.Approval{})
			w.meta.Order(c.order)
			got := w.get(callback)
			if c.code == "" {
				w.wantRedirect(got, c.status, "/?connected="+instagramID(1))
			} else {
				w.wantError(got, c.status, c.code)
			}
			w.meta.Clear()
			w.wantRedirect(w.connect(), http.StatusSeeOther, "/?connected="+instagramID(1)) // the next attempt succeeds
		})
	}
}

func TestThrottledSaysHowLong(t *testing.T) {
	w := start(t, brand(1))
	callback := w.login("", metasim.Approval{})
	w.meta.Order(metasim.Order{Step: "accounts", Code: 80001, Header: http.Header{
		"X-Business-Use-Case-Usage": {`{"1":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":7}]}`},
	}})
	got := w.get(callback)
	w.wantError(got, 503, "throttled")
	if after := got.Header.Get("Retry-After"); after != "420" {
		t.Errorf("Retry-After: %s", after)
	}
}

// A refused subscription stands in the row; a missing expires_in is asked for.
func TestPatchedAfterwards(t *testing.T) {
	w := start(t, brand(1))
	w.meta.Order(metasim.Order{Step: "subscribe", Code: 100, Message: "no such field"})
	w.meta.Order(metasim.Order{Step: "upgrade", NoExpiry: true})
	w.connect()
	row := w.supa.rows()[ada+"/"+instagramID(1)]
	if problem, _ := row["subscription_error"].(string); !strings.Contains(problem, "no such field") || len(row["subscribed_fields"].([]any)) != 0 {
		t.Errorf("%v, %v", row["subscription_error"], row["subscribed_fields"])
	}
	expires, err := time.Parse(time.RFC3339, row["token_expires_at"].(string))
	if left := time.Until(expires); err != nil || left < 50*24*time.Hour || left > 61*24*time.Hour {
		t.Errorf("token_expires_at: %v", row["token_expires_at"])
	}
}

func TestSubscribedWithPagesMessaging(t *testing.T) {
	w := start(t, brand(1))
	t.Setenv("FB_LOGIN_SCOPES", "instagram_basic,instagram_manage_messages,pages_show_list,pages_manage_metadata,pages_messaging")
	t.Setenv("WEBHOOK_FIELDS", "messages,standby")
	w.connect()
	if got := strings.Join(w.meta.Subscribed("20001"), ","); got != "messages,standby" {
		t.Errorf("subscribed to %s", got)
	}
	for _, request := range w.supa.seen() {
		if request.step == "patch" {
			t.Error("patched although all came out as expected")
		}
	}
}

func TestDeclinedPermission(t *testing.T) {
	for _, scope := range []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"} {
		t.Run(scope, func(t *testing.T) {
			w := start(t, brand(1))
			got := w.get(w.login("?return_to=/x", metasim.Approval{Decline: []string{scope}}))
			w.wantError(got, 422, "missing_permission")
			if !strings.Contains(got.body, scope) || !strings.Contains(got.body, `href="/api/login?return_to=%2Fx"`) {
				t.Error(got.body)
			}
		})
	}
	t.Run("one that was not asked for", func(t *testing.T) {
		w := start(t, brand(1))
		t.Setenv("FB_LOGIN_SCOPES", "instagram_basic,pages_show_list,pages_manage_metadata")
		w.wantRedirect(w.connect(), 303, "/?connected="+instagramID(1))
	})
}

func TestSupabaseFailsAtLogin(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the pauses between tries")
	}
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		code   string
	}{
		{"HTML 502", html(502), 503, "store_unavailable"},
		{"null", reply(200, "null"), 503, "store_unavailable"},
		{"a redirect", reply(307, ""), 503, "store_unavailable"},
		{"500 with null", reply(500, "null"), 503, "store_unavailable"},
		{"a wrong key", reply(401, `{"message":"Invalid API key"}`), 500, "misconfigured"},
		{"a banned user", reply(403, `{"code":403,"error_code":"user_banned","msg":"User is banned"}`), 401, "signed_out"},
		{"an expired session", reply(401, `{"code":401,"error_code":"no_authorization","msg":"This endpoint requires a Bearer token"}`), 401, "signed_out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1))
			w.supa.broken("user", c.answer)
			got := w.get("/api/login")
			w.wantError(got, c.status, c.code)
			if len(w.cookies("igconnect")) != 0 {
				t.Error("a cookie was set")
			}
		})
	}
}

var flowField = regexp.MustCompile(`name="flow" value="([0-9a-f]+)"`)

// tryAgain submits the form of an error page or a chooser.
func (w *world) tryAgain(page answer, form url.Values) answer {
	w.t.Helper()
	flow := flowField.FindStringSubmatch(page.body)
	if flow == nil || !strings.Contains(page.body, `action="/api/choose"`) {
		w.t.Fatalf("no form: %s", page.body)
	}
	if form == nil {
		form = url.Values{}
	}
	form.Set("flow", flow[1])
	return w.post("/api/choose", form)
}

func TestSupabaseDownAtTheSave(t *testing.T) {
	var leaked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	defer elsewhere.Close()
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}

	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"HTML 502", html(502)},
		{"null", reply(500, "null")},
		{"empty", reply(503, "")},
		{"409", reply(409, `{"code":"23503","message":"violates foreign key constraint"}`)},
		{"a redirect to another host", redirect},
		{"an ambiguous 300", reply(300, `{"code":"PGRST203"}`)},
		{"no table", reply(404, `{"code":"PGRST205","message":"Could not find the table"}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.name != "HTML 502" && c.name != "409" {
				t.Skip("like HTML 502, which is tried three times")
			}
			w := start(t, brand(1))
			w.supa.broken("save", c.answer)
			got := w.get(w.login("?return_to=/x", metasim.Approval{}))
			w.wantError(got, 503, "store_unavailable")

			w.meta.Reset()
			again := w.tryAgain(got, nil)
			w.wantError(again, 503, "store_unavailable") // still down: still offered
			w.supa.broken("save", nil)
			w.wantRedirect(w.tryAgain(again, nil), http.StatusSeeOther, "/x?connected="+instagramID(1))
			if steps := w.steps(); strings.Contains(steps, "dialog") || strings.Contains(steps, "exchange") || strings.Contains(steps, "upgrade") {
				t.Errorf("trying again asked Meta for %s", steps)
			}
			if len(w.supa.rows()) != 1 || len(w.cookies("igconnect")) != 0 {
				t.Errorf("rows %v, cookies %v", w.supa.rows(), w.cookies("igconnect"))
			}
		})
	}
	if leaked.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestSupabaseFailsOnce(t *testing.T) {
	w := start(t, brand(1))
	w.supa.fault("save", html(502))
	w.supa.fault("user", html(503))
	w.wantRedirect(w.connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

// Whatever hangs, there is an answer before the function's time is up.
func TestHanging(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for real limits")
	}
	for _, c := range []struct {
		name, step string
		code       string
	}{
		{"Meta at the exchange", "exchange", "meta_unavailable"},
		{"Meta at the upgrade", "upgrade", "meta_unavailable"},
		{"Meta at the list", "accounts", "meta_unavailable"},
		{"Meta at the token check", "debug_token", ""},
		{"Meta at the subscription", "subscribe", ""},
		{"Supabase at the save", "save", "store_unavailable"},
		{"Supabase at the list", "list", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, brand(1))
			callback := w.login("", metasim.Approval{})
			if c.step == "save" || c.step == "list" {
				w.supa.broken(c.step, w.supa.hang)
			} else {
				w.meta.Order(metasim.Order{Step: c.step, Hang: true})
			}
			begun := time.Now()
			got := w.get(callback)
			if took := time.Since(begun); took > 25*time.Second {
				t.Errorf("answered after %v", took)
			}
			if got.code() != c.code || (len(w.supa.rows()) == 0) != (c.code != "") {
				t.Errorf("got %d %s with rows %v", got.StatusCode, got.code(), w.supa.rows())
			}
			if c.step == "save" {
				w.supa.broken("save", nil)
				w.wantRedirect(w.tryAgain(got, nil), http.StatusSeeOther, "/?connected="+instagramID(1))
			}
		})
	}
}

func TestSupabaseHangsAtLogin(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for real limits")
	}
	w := start(t)
	w.supa.broken("user", w.supa.hang)
	begun := time.Now()
	w.wantError(w.get("/api/login"), 503, "store_unavailable")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("answered after %v", took)
	}
}
