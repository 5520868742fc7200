package metasim

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFaultAnswers(t *testing.T) {
	html, empty := "<html>Sorry</html>", ""
	for _, tt := range []struct {
		name   string
		fault  Fault
		status int
		body   string
		header string // "Name: value"
	}{
		{"error", Fault{Code: 190, Subcode: 460, Message: "No."}, 400, `{"error":{"message":"No.","type":"OAuthException","code":190,"error_subcode":460,"fbtrace_id":"`, "Content-Type: application/json; charset=UTF-8"},
		{"transient error", Fault{Code: 2, Status: 503, Transient: true}, 503, `"is_transient":true`, ""},
		{"permission error", Fault{Code: 10}, 403, `"code":10`, ""},
		{"status alone", Fault{Status: 500}, 500, `"code":2,"is_transient":true`, ""},
		{"HTML", Fault{Body: &html, Status: 502, ContentType: "text/html"}, 502, html, "Content-Type: text/html"},
		{"empty body", Fault{Body: &empty}, 200, "", "Content-Length: 0"},
		{"header on an error", Fault{Code: 4, Header: http.Header{"x-app-usage": {`{"call_count":100}`}}}, 400, `"code":4`, `X-App-Usage: {"call_count":100}`},
		{"header on a real answer", Fault{Header: http.Header{"X-App-Usage": {"1"}}}, 200, `"name":"Ada"`, "X-App-Usage: 1"},
		{"redirect", Fault{Redirect: "http://127.0.0.1:1/x"}, 307, "", "Location: http://127.0.0.1:1/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			token := r.Grant(Grant{})
			tt.fault.Step, tt.fault.Times = "me", 1
			r.Inject(tt.fault)
			a := r.call("GET", "/me", token)
			if a.status != tt.status || !strings.Contains(a.body, tt.body) {
				t.Errorf("got %d %s", a.status, a.body)
			}
			if name, value, ok := strings.Cut(tt.header, ": "); ok && a.header.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, a.header.Get(name), value)
			}
			r.call("GET", "/me", token).want(t, 200, 0, 0, "")
		})
	}
}

// Faults are served in turn, each by its step, after those it lets pass.
func TestFaultQueue(t *testing.T) {
	r := newRig(t)
	token := r.Grant(Grant{})
	statuses := func(path string, want ...int) {
		t.Helper()
		for i, status := range want {
			if a := r.call("GET", path, token); a.status != status {
				t.Errorf("request %d of %s: %d, want %d", i, path, a.status, status)
			}
		}
	}
	r.Inject(Fault{Step: "me", Skip: 1, Times: 2, Status: 500})
	r.Inject(Fault{Step: "me", Times: 1, Status: 503})
	r.Inject(Fault{Step: "permissions", Status: 502})
	statuses("/me", 200, 500, 500, 503, 200)
	statuses("/me/accounts", 200)
	statuses("/me/permissions", 502, 502, 502)
	r.ClearFaults()
	statuses("/me/permissions", 200)

	r.Inject(Fault{Status: 500, Times: 1})
	if err := r.approve(Approval{}); err != nil {
		t.Errorf("a fault for any step hit the dialog: %v", err)
	}
	r.do("GET", "/pictures/17841001.svg", "", nil)
	statuses("/me/accounts", 500, 200)

	r.Inject(Fault{Step: "dialog", Times: 1, Status: 500})
	if err := r.approve(Approval{}); err == nil {
		t.Errorf("a fault for the dialog did not hit it")
	}
}

func TestNoExpiry(t *testing.T) {
	r := newRig(t)
	short := r.shortToken(Approval{})
	r.Inject(Fault{Step: "upgrade", Times: 1, NoExpiry: true})
	a := r.oauth(upgradeForm(short))
	if strings.Contains(a.body, "expires_in") {
		t.Errorf("got %s", a.body)
	}
	r.debug(r.token(a)).has(t, "data.expires_at", start.Unix()+60*86400-53)
}

// A cut answer arrives by half, and what it reports has been done.
func TestCut(t *testing.T) {
	r := newRig(t)
	code := r.code(Approval{})
	r.Inject(Fault{Step: "exchange", Times: 1, Cut: true})
	res := must(http.PostForm(r.url+"/v24.0/oauth/access_token", exchangeForm(code)))
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != io.ErrUnexpectedEOF || int64(len(body)) != res.ContentLength/2 {
		t.Errorf("read %d of %d bytes: %v", len(body), res.ContentLength, err)
	}
	r.oauth(exchangeForm(code)).want(t, 400, 100, 36009, "")
}

func TestHang(t *testing.T) {
	r := newRig(t)
	r.Inject(Fault{Step: "me", Hang: true})
	r.Inject(Fault{Step: "dialog", Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := http.DefaultClient.Do(must(http.NewRequestWithContext(ctx, "GET", r.url+"/v24.0/me", nil))); ctx.Err() == nil {
		t.Errorf("answered: %v", err)
	}
	if _, err := r.Approve(ctx, r.dialogURL(), Approval{}); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("the dialog: %v", err)
	}
	time.AfterFunc(30*time.Millisecond, r.Close)
	if res, err := http.Get(r.url + "/v24.0/me"); err == nil {
		t.Errorf("Close answered %d, want a closed connection", res.StatusCode)
	}
	for _, req := range r.Requests() {
		if req.Status != 0 {
			t.Errorf("recorded status %d", req.Status)
		}
	}
}

// Latency delays answers, not the work, and calls side by side wait side by side.
func TestLatencyAndRecords(t *testing.T) {
	const delay = 40 * time.Millisecond
	r := newRig(t)
	token := r.Grant(Grant{})
	r.SetLatency(delay)
	r.Inject(Fault{Step: "permissions", Times: 1, Latency: delay})
	var side sync.WaitGroup
	for _, path := range []string{"/me", "/me/accounts", "/me/permissions"} {
		side.Go(func() { r.call("GET", path, token, "fields", "id") })
	}
	side.Wait()
	if got := r.Requests(); len(got) != 3 {
		t.Fatalf("%d records", len(got))
	}
	for _, req := range r.Requests() {
		least := map[string]time.Duration{"permissions": 2 * delay}[req.Step]
		if took := req.End.Sub(req.Start); took < max(least, delay) {
			t.Errorf("%s took %v", req.Step, took)
		}
		if req.Status != 200 || req.Method != "GET" || !strings.HasPrefix(req.Path, "/v24.0/me") || req.Query.Get("appsecret_proof") == "" || req.Header.Get("Authorization") == "" {
			t.Errorf("recorded %+v", req)
		}
	}
	r.SetLatency(0)
	r.Reset()
	r.do("POST", "/v24.0/oauth/access_token?x=1", "", exchangeForm("c", "grant_type", "fb_exchange_token"))
	got := r.Requests()
	if len(got) != 1 || got[0].Step != "upgrade" || got[0].Form.Get("code") != "c" || got[0].Query.Get("x") != "1" || got[0].Query.Has("code") {
		t.Errorf("recorded %+v", got)
	}
}

// A client that gives up waiting has used its code all the same.
func TestLatencyAfterTheWork(t *testing.T) {
	r := newRig(t)
	code := r.code(Approval{})
	r.Inject(Fault{Step: "exchange", Times: 1, Latency: time.Minute})
	client := http.Client{Timeout: time.Second} // enough to arrive on a busy machine
	if _, err := client.PostForm(r.url+"/v24.0/oauth/access_token", exchangeForm(code)); err == nil {
		t.Fatal("answered at once")
	}
	r.oauth(exchangeForm(code)).want(t, 400, 100, 36009, "")
}

// JSON bodies are parameters too, as the Graph API takes them.
func TestJSONBody(t *testing.T) {
	r := newRig(t)
	r.send("POST", "/v24.0/901/messages", "", "application/json; charset=utf-8", `{"recipient":{"id":"5"},"tag":"x"}`)
	if form := r.Requests()[0].Form; form.Get("recipient") != `{"id":"5"}` || form.Get("tag") != "x" {
		t.Errorf("read as %v", form)
	}
}

// The dev server's people: every id is used once, and each can approve.
func TestDemo(t *testing.T) {
	r := newRig(t, Demo()...)
	seen := map[string]bool{}
	once := func(id string) {
		if id == "" || seen[id] {
			t.Errorf("id %q is empty or used twice", id)
		}
		seen[id] = true
	}
	for _, p := range Demo() {
		once(p.ID)
		for _, page := range p.allPages() {
			once(page.ID)
			for _, ig := range []*Instagram{page.Instagram, page.Personal} {
				if ig != nil {
					once(ig.ID)
				}
			}
		}
		r.call("GET", "/me/accounts", r.longToken(Approval{Person: p.ID})).want(t, 200, 0, 0, "")
	}
}

func TestUsage(t *testing.T) {
	r := newRig(t)
	token := r.Grant(Grant{})
	wants := func(a reply, app, business string) {
		t.Helper()
		if a.header.Get("X-App-Usage") != app || a.header.Get("X-Business-Use-Case-Usage") != business {
			t.Errorf("got %v", a.header)
		}
	}
	at := func(percent, regain int) (app, business string) {
		return fmt.Sprintf(`{"call_count":%d,"total_time":%[1]d,"total_cputime":%[1]d}`, percent),
			fmt.Sprintf(`{"1234567890":[{"type":"instagram","call_count":%d,"total_cputime":%[1]d,"total_time":%[1]d,"estimated_time_to_regain_access":%d}]}`, percent, regain)
	}
	app, business := at(91, 0)
	wants(r.call("GET", "/me", token), "", "")
	r.SetUsage(91)
	wants(r.call("GET", "/me", token), app, business)
	wants(r.call("GET", "/me", "EAAx"), app, business)
	wants(r.do("GET", "/v24.0/dialog/oauth", "", nil), "", "")
	r.Inject(Fault{Step: "me", Times: 1, Code: 4, Header: http.Header{"X-App-Usage": {`{"call_count":100}`}}})
	wants(r.call("GET", "/me", token), `{"call_count":100}`, business)
	r.SetUsage(100)
	app, business = at(100, 60)
	wants(r.call("GET", "/me", token), app, business)
	r.SetUsage(0)
	wants(r.call("GET", "/me", token), "", "")
}

// Calls that hang are in flight together until the Sim is closed; whatever ends
// a call, it counts no longer.
func TestMaxConcurrent(t *testing.T) {
	const many = 5
	r := newRig(t)
	token := r.Grant(Grant{})
	atOnce := func(want int) {
		t.Helper()
		if got := r.MaxConcurrent(); got != want {
			t.Errorf("%d at once, want %d", got, want)
		}
	}
	r.call("GET", "/me", token)
	r.call("GET", "/me", token)
	atOnce(1) // one after the other

	get := func(path string) {
		if res, err := http.Get(r.url + path); err == nil {
			res.Body.Close()
		}
	}
	r.Inject(Fault{Step: "me", Hang: true})
	var side sync.WaitGroup
	for range many {
		side.Go(func() { get("/v24.0/me") })
		side.Go(func() { get("/pictures/17841001.svg") }) // no call of the Graph API
	}
	for deadline := time.Now().Add(20 * time.Second); r.MaxConcurrent() < many && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	r.Close()
	side.Wait()
	atOnce(many)

	r.ClearFaults()
	r.Inject(Fault{Step: "me", Times: 1, Cut: true})
	get("/v24.0/me")
	r.Reset()
	atOnce(0)
	r.call("GET", "/me", token)
	atOnce(1)
}
