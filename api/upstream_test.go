package api_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

func TestMetaFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		order  metasim.Fault
		status int // 303: the flow recovers
		code   string
	}{
		{"the exchange: an invalid secret", metasim.Fault{Step: "exchange", Code: 1, Message: "Error validating client secret."}, 500, "misconfigured"},
		{"the exchange: a blocked app", metasim.Fault{Step: "exchange", Code: 200, Message: "API access blocked."}, 500, "misconfigured"},
		{"the lists: a blocked app", metasim.Fault{Step: "accounts", Code: 200, Message: "API access blocked."}, 500, "misconfigured"},
		{"the exchange: an invalid app", metasim.Fault{Step: "exchange", Code: 101, Message: "Error validating application. Invalid application ID."}, 500, "misconfigured"},
		{"the exchange: a wrong redirect_uri", metasim.Fault{Step: "exchange", Code: 100, Message: "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"}, 400, "code_rejected"},
		{"the exchange: a used code", metasim.Fault{Step: "exchange", Code: 100, Subcode: 36009}, 400, "code_rejected"},
		{"the exchange: 500 once is not repeated", metasim.Fault{Step: "exchange", Times: 1, Status: 500}, 502, "meta_unavailable"},
		{"the exchange: null", metasim.Fault{Step: "exchange", Body: new("null")}, 502, "meta_unavailable"},
		{"the exchange: no token", metasim.Fault{Step: "exchange", Body: new(`{"token_type":"bearer"}`)}, 502, "meta_unavailable"},
		{"the exchange: throttled", metasim.Fault{Step: "exchange", Code: 4}, 503, "throttled"},
		{"the upgrade refused", metasim.Fault{Step: "upgrade", Code: 190, Subcode: 463}, 502, "token_rejected"},
		{"the upgrade refused otherwise", metasim.Fault{Step: "upgrade", Code: 100}, 502, "token_rejected"},
		{"the upgrade: 500 always", metasim.Fault{Step: "upgrade", Status: 500}, 502, "meta_unavailable"},
		{"the upgrade: 500 once", metasim.Fault{Step: "upgrade", Times: 1, Status: 500}, 303, ""},
		{"the upgrade: HTML", metasim.Fault{Step: "upgrade", Body: new("<html>"), ContentType: "text/html"}, 502, "meta_unavailable"},
		{"the list: 500 once", metasim.Fault{Step: "accounts", Times: 1, Status: 500}, 303, ""},
		{"the list: 500 always", metasim.Fault{Step: "accounts", Status: 500}, 502, "meta_unavailable"},
		{"the list: HTML", metasim.Fault{Step: "accounts", Body: new("<html>"), ContentType: "text/html"}, 502, "meta_unavailable"},
		{"the list: empty", metasim.Fault{Step: "accounts", Body: new("")}, 502, "meta_unavailable"},
		{"the list: other types", metasim.Fault{Step: "accounts", Body: new(`{"data":"none"}`)}, 502, "meta_unavailable"},
		{"the list: cut", metasim.Fault{Step: "accounts", Cut: true}, 502, "meta_unavailable"},
		{"the list: too long", metasim.Fault{Step: "accounts", Body: new(`{"data":[],"x":"` + strings.Repeat("x", 5<<20) + `"}`)}, 502, "meta_unavailable"},
		{"the list: throttled", metasim.Fault{Step: "accounts", Status: 403, Code: 80001}, 503, "throttled"},
		{"the person: the token died", metasim.Fault{Step: "me", Code: 190, Subcode: 460}, 502, "token_rejected"},
		{"the permissions refused", metasim.Fault{Step: "permissions", Code: 200}, 422, "missing_permission"},
		{"the token check fails: it costs nothing", metasim.Fault{Step: "debug_token", Status: 500}, 303, ""},
		{"the subscription fails: it costs nothing", metasim.Fault{Step: "subscribe", Code: 100, Message: "no"}, 303, ""},
	} {
		parallel(t, c.name, func(t *testing.T) {
			if repeated := c.code == "meta_unavailable" && c.order.Step != "exchange"; testing.Short() && repeated && c.name != "the list: 500 always" {
				t.Skip("like the list's 500, which is tried three times")
			}
			d := deploy(t, brand(1))
			got := d.connectWith("", c.order)
			if c.code == "" {
				d.WantRedirect(got, c.status, "/?connected="+instagramID(1))
			} else {
				d.WantError(got, c.status, c.code)
			}
			d.Meta.ClearFaults()
			d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1)) // the next attempt succeeds
		})
	}
}

func TestThrottledSaysHowLong(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	usage := http.Header{"X-Business-Use-Case-Usage": {`{"1":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":7}]}`}}
	got := d.connectWith("", metasim.Fault{Step: "accounts", Code: 80001, Header: usage})
	d.WantError(got, 503, "throttled")
	if after := got.Header.Get("Retry-After"); after != "420" {
		t.Errorf("Retry-After: %s", after)
	}
}

// A refused subscription stands in the row; a missing expires_in is asked for.
func TestPatchedAfterwards(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	d.Meta.Inject(metasim.Fault{Step: "subscribe", Code: 100, Message: "no such field"})
	d.Meta.Inject(metasim.Fault{Step: "upgrade", NoExpiry: true})
	d.Connect()
	row := d.row(ada, 1)
	if problem, _ := row["subscription_error"].(string); !strings.Contains(problem, "no such field") || len(row["subscribed_fields"].([]any)) != 0 {
		t.Errorf("%v, %v", row["subscription_error"], row["subscribed_fields"])
	}
	expires, err := time.Parse(time.RFC3339, row["token_expires_at"].(string))
	if left := time.Until(expires); err != nil || left < 50*24*time.Hour || left > 61*24*time.Hour {
		t.Errorf("token_expires_at: %v", row["token_expires_at"])
	}
}

func TestSubscribedWithPagesMessaging(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"FB_LOGIN_SCOPES": seedScopes + ",pages_messaging", "WEBHOOK_FIELDS": "messages,standby"}, brand(1))
	d.Connect()
	if got := strings.Join(d.Meta.Subscribed("20001"), ","); got != "messages,standby" {
		t.Errorf("subscribed to %s", got)
	}
	if d.count("patch") != 0 {
		t.Error("patched although all came out as expected")
	}
}

func TestDeclinedPermission(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"instagram_basic", "instagram_manage_messages", "pages_show_list", "pages_manage_metadata"} {
		parallel(t, scope, func(t *testing.T) {
			d := deploy(t, brand(1))
			got := d.Get(d.LogIn("?return_to=/x", metasim.Approval{Decline: []string{scope}}))
			d.WantError(got, 422, "missing_permission")
			d.wantTexts(got, scope, `href="/api/login?return_to=%2Fx"`)
		})
	}
	parallel(t, "one that was not asked for", func(t *testing.T) {
		d := deployWith(t, map[string]string{"FB_LOGIN_SCOPES": "instagram_basic,pages_show_list,pages_manage_metadata"}, brand(1))
		d.WantRedirect(d.Connect(), 303, "/?connected="+instagramID(1))
	})
}

func TestSupabaseFailsAtLogin(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the pauses between tries")
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
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			d.Supabase.Break("user", c.answer)
			d.WantError(d.Get("/api/login"), c.status, c.code)
			if len(d.Cookies("igconnect")) != 0 {
				t.Error("a cookie was set")
			}
		})
	}
}

func TestSupabaseDownAtTheSave(t *testing.T) {
	t.Parallel()
	var leaked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked.Add(1) }))
	t.Cleanup(func() { // after the parallel tests below
		elsewhere.Close()
		if leaked.Load() != 0 {
			t.Error("the redirect was followed")
		}
	})
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		wrong  bool // the set-up is: the operator can mend it while the person waits
	}{
		{"HTML 502", html(502), false},
		{"null", reply(500, "null"), false},
		{"empty", reply(503, ""), false},
		{"409", reply(409, `{"code":"23505","message":"duplicate key value violates unique constraint"}`), false},
		{"a redirect to another host", http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, false},
		{"an ambiguous 300", reply(300, `{"code":"PGRST203"}`), false},
		{"no table", reply(404, `{"code":"PGRST205","message":"Could not find the table"}`), true},
		{"a key for browsers", reply(401, `{"code":"42501","message":"new row violates row-level security policy for table \"user_configs\""}`), true},
	} {
		parallel(t, c.name, func(t *testing.T) {
			if testing.Short() && c.name != "HTML 502" && c.name != "409" && !c.wrong {
				t.Skip("like HTML 502, which is tried three times")
			}
			d := deploy(t, brand(1))
			d.Supabase.Break("save", c.answer)
			status, code := 503, "store_unavailable"
			if c.wrong {
				status, code = 500, "misconfigured"
			}
			got := d.Get(d.LogIn("?return_to=/x", metasim.Approval{}))
			d.WantError(got, status, code)
			d.Meta.Reset()
			again := d.Submit(got, nil)
			d.WantError(again, status, code) // still down: still offered
			d.Supabase.Break("save", nil)
			d.WantDone(d.Submit(again, nil), "/x?connected="+instagramID(1))
			if steps := d.Steps(); strings.Contains(steps, "dialog") || strings.Contains(steps, "exchange") || strings.Contains(steps, "upgrade") {
				t.Errorf("trying again asked Meta for %s", steps)
			}
			if len(d.Supabase.Rows()) != 1 || len(d.pending()) != 0 {
				t.Errorf("rows %v, cookies %v", d.Supabase.Rows(), d.pending())
			}
		})
	}
}

// TestWrongSetUp: public reports. With a key of another project, one for browsers, the address of
// another service, or a database without the migrations, people read "wait a minute, then try again"
// or were sent to the sign-in for ever. What Supabase or the gateway before it answers is measured.
func TestWrongSetUp(t *testing.T) {
	t.Parallel()
	always := func(answer http.HandlerFunc) func(deployment) {
		return func(d deployment) {
			for _, step := range []string{"user", "list", "save", "ingest"} {
				d.Supabase.Break(step, answer)
			}
		}
	}
	key := func(value string) func(deployment) {
		return func(d deployment) { d.Set("SUPABASE_SECRET_KEY", value) }
	}
	missing := func(code string) func(deployment) {
		return func(d deployment) {
			for _, step := range []string{"list", "save", "ingest"} { // Auth is well
				d.Supabase.Break(step, reply(404, `{"code":"`+code+`","details":null,"hint":null,"message":"gone"}`))
			}
		}
	}
	const claims = "eyJyb2xlIjoiYW5vbiIsInJlZiI6IngifQ" // {"role":"anon","ref":"x"}
	for _, c := range []struct {
		name string
		set  func(deployment)
		log  string // names what to mend
	}{
		{"a key of another project", key("sb_secret_of-another-project"), "SUPABASE_SECRET_KEY"},
		{"a publishable key", key("sb_publishable_of-this-project"), "SUPABASE_SECRET_KEY"},
		{"an anon key", key("eyJh." + claims + ".c2lnbmF0dXJl"), "SUPABASE_SECRET_KEY"},
		{"another key for browsers", key(deploytest.BrowserKey), "SUPABASE_SECRET_KEY"},
		{"a gateway in plain text", always(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "Unauthorized", http.StatusUnauthorized) }), "SUPABASE_SECRET_KEY"},
		{"a gateway's page", always(html(403)), "SUPABASE_SECRET_KEY"},
		{"Kong", always(reply(401, `{"message":"Invalid authentication credentials"}`)), "SUPABASE_SECRET_KEY"},
		{"another service", always(html(404)), "SUPABASE_URL"},
		{"no tables", missing("PGRST205"), "supabase db push --remote"},
		{"no functions", missing("PGRST202"), "supabase db push --remote"},
		{"no table in a function", missing("42P01"), "supabase db push --remote"},
		{"no function in a function", missing("42883"), "supabase db push --remote"},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			c.set(d)
			d.want(d.Get("/api/accounts"), 500, "misconfigured")
			d.want(d.deliver(message, ofMeta(message)), 500, "misconfigured")
			login := d.Get("/api/login")
			if login.StatusCode == http.StatusSeeOther || login.StatusCode == http.StatusFound { // Auth is well
				login = d.Connect()
			}
			d.WantError(login, 500, "misconfigured")
			if log := d.Watch.Log(); strings.Count(log, c.log) < 3 {
				t.Errorf("the log does not name %s: %s", c.log, log)
			}
		})
	}
}

func TestSupabaseFailsOnce(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	d.Supabase.Fault("save", html(502))
	d.Supabase.Fault("user", html(503))
	d.WantRedirect(d.Connect(), http.StatusSeeOther, "/?connected="+instagramID(1))
}

// Whatever hangs, there is an answer before the function's time is up.
func TestHanging(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for real limits")
	for _, c := range []struct {
		name, step, code string
	}{
		{"Meta at the exchange", "exchange", "meta_unavailable"},
		{"Meta at the upgrade", "upgrade", "meta_unavailable"},
		{"Meta at the list", "accounts", "meta_unavailable"},
		{"Meta at the token check", "debug_token", ""},
		{"Meta at the subscription", "subscribe", ""},
		{"Supabase at the save", "save", "store_unavailable"},
		{"Supabase at what stopped", "patch", ""},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			callback := d.LogIn("", metasim.Approval{})
			if c.step == "patch" {
				d.stored(ada, 2, "5001", nil)
			}
			if c.step == "save" || c.step == "patch" {
				d.Supabase.Break(c.step, d.Supabase.Hang)
			} else {
				d.Meta.Inject(metasim.Fault{Step: c.step, Hang: true})
			}
			begun := time.Now()
			got := d.Get(callback)
			if took := time.Since(begun); took > 25*time.Second {
				t.Errorf("answered after %v", took)
			}
			if got.Code() != c.code || (d.row(ada, 1) == nil) != (c.code != "") {
				t.Errorf("got %d %s with rows %v", got.StatusCode, got.Code(), d.Supabase.Rows())
			}
			if c.step == "save" {
				d.Supabase.Break("save", nil)
				d.WantDone(d.Submit(got, nil), "/?connected="+instagramID(1))
			}
		})
	}
}

func TestSupabaseHangsAtLogin(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for real limits")
	d := deploy(t)
	d.Supabase.Break("user", d.Supabase.Hang)
	begun := time.Now()
	d.WantError(d.Get("/api/login"), 503, "store_unavailable")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("answered after %v", took)
	}
}

// latency of each call is long enough for those side by side to begin in, on a
// machine that runs other tests at the same time.
const latency = 400 * time.Millisecond

func (d deployment) slow() { d.Meta.SetLatency(latency); d.Supabase.SetLatency(latency) }

// interval is one upstream call as the upstream saw it.
type interval struct {
	step       string
	start, end time.Time
}

// since are the calls to Meta and to Supabase that came after a moment.
func (d deployment) since(moment time.Time) []interval {
	var calls []interval
	for _, r := range d.Meta.Requests() {
		calls = append(calls, interval{r.Step, r.Start, r.End})
	}
	for _, r := range d.Supabase.Requests() {
		calls = append(calls, interval{r.Step, r.Start, r.End})
	}
	return slices.DeleteFunc(calls, func(i interval) bool { return i.start.Before(moment) })
}

// depth is the length of the longest chain of calls in which each began after
// the one before it had ended: the round trips that a person waits for.
func depth(calls []interval) int {
	slices.SortFunc(calls, func(a, b interval) int { return a.end.Compare(b.end) })
	chain := make([]int, len(calls))
	longest := 0
	for i, call := range calls {
		for j := range i {
			if !calls[j].end.After(call.start) {
				chain[i] = max(chain[i], chain[j])
			}
		}
		chain[i]++
		longest = max(longest, chain[i])
	}
	return longest
}

func TestDepth(t *testing.T) {
	t.Parallel()
	at := func(start, end int) interval {
		return interval{"", time.UnixMilli(int64(start)), time.UnixMilli(int64(end))}
	}
	for _, c := range []struct {
		name  string
		calls []interval
		want  int
	}{
		{"none", nil, 0},
		{"one after the other", []interval{at(0, 1), at(1, 2), at(3, 4)}, 3},
		{"side by side", []interval{at(0, 5), at(1, 5), at(2, 5)}, 1},
		{"two beside one", []interval{at(0, 9), at(0, 2), at(3, 5), at(6, 8)}, 3},
	} {
		if got := depth(c.calls); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// It does not run beside other tests: a stalled machine would look like a round trip.
func TestRoundTrips(t *testing.T) {
	for _, c := range []struct {
		name, calls string
		depth       int
		faults      []metasim.Fault
	}{
		{"as usual", "accounts debug_token exchange me permissions save subscribe upgrade", 4, nil},
		{"a subscription that comes out differently", "accounts debug_token exchange me patch permissions save subscribe upgrade", 5, []metasim.Fault{{Step: "subscribe", Code: 100}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := deploy(t, brand(1))
			d.slow()
			for _, fault := range c.faults {
				d.Meta.Inject(fault)
			}
			callback := d.LogIn("", metasim.Approval{})
			begun := time.Now()
			d.WantRedirect(d.Get(callback), http.StatusSeeOther, "/?connected="+instagramID(1))

			calls := d.since(begun)
			var steps []string
			for _, call := range calls {
				steps = append(steps, call.step)
			}
			slices.Sort(steps)
			if got := strings.Join(steps, " "); got != c.calls {
				t.Errorf("calls: %s", got)
			}
			t.Logf("%d round trips one after the other, of %d calls", depth(calls), len(calls))
			if got := depth(calls); got != c.depth {
				t.Errorf("%d round trips one after the other, want %d", got, c.depth)
			}
		})
	}
}

// 300 Pages on three list pages, and two more that only the token names.
func TestRoundTripsWithManyPages(t *testing.T) {
	d := deploy(t, append(deploytest.Brands(1, 300), unlisted(301), unlisted(302))...)
	d.slow()
	callback := d.LogIn("", metasim.Approval{})
	begun := time.Now()
	back := d.Get(callback)
	if got := depth(d.since(begun)); got > 7 {
		t.Errorf("%d round trips one after the other", got)
	}
	begun = time.Now()
	chooser := d.Get(back.Location())
	if got := depth(d.since(begun)); got > 5 {
		t.Errorf("%d round trips one after the other for the chooser", got)
	}
	if got := strings.Count(chooser.Body, `name="instagram_id"`); got != 302 {
		t.Errorf("%d accounts are offered", got)
	}
}

// In production the cookie is bound to the host and to https.
func TestCookieInProduction(t *testing.T) {
	t.Parallel()
	d := deploy(t, brand(1))
	d.Set("REDIRECT_URI", "https://app.example/api/auth/callback")
	got := d.Send("GET", "/api/login", map[string]string{"Host": "app.example"}, "")
	set := got.Header.Get("Set-Cookie")
	if !strings.HasPrefix(set, "__Host-igconnect_state_") || !strings.HasSuffix(set, "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %s", set)
	}
}
