package metasim

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	r := newRig(t)
	token := r.Grant(Grant{})
	wants := func(a reply, app, business string) {
		t.Helper()
		if got := a.header.Get("X-App-Usage"); got != app {
			t.Errorf("X-App-Usage %q, want %q", got, app)
		}
		if got := a.header.Get("X-Business-Use-Case-Usage"); got != business {
			t.Errorf("X-Business-Use-Case-Usage %q, want %q", got, business)
		}
	}
	const at91, business91 = `{"call_count":91,"total_time":91,"total_cputime":91}`,
		`{"1234567890":[{"type":"instagram","call_count":91,"total_cputime":91,"total_time":91,"estimated_time_to_regain_access":0}]}`
	wants(r.call("GET", "/me", token), "", "")
	r.SetUsage(91)
	wants(r.call("GET", "/me", token), at91, business91)
	wants(r.call("GET", "/me", "EAAx"), at91, business91)
	wants(r.do("GET", "/v24.0/dialog/oauth", "", nil), "", "")
	r.Order(Order{Step: "me", Times: 1, Code: 4, Header: http.Header{"X-App-Usage": {`{"call_count":100}`}}})
	wants(r.call("GET", "/me", token), `{"call_count":100}`, business91)
	r.SetUsage(100)
	wants(r.call("GET", "/me", token), `{"call_count":100,"total_time":100,"total_cputime":100}`,
		`{"1234567890":[{"type":"instagram","call_count":100,"total_cputime":100,"total_time":100,"estimated_time_to_regain_access":60}]}`)
	r.SetUsage(0)
	wants(r.call("GET", "/me", token), "", "")
}

// Calls that hang are in flight together until the Sim is closed; whatever ends
// a call, it counts no longer.
func TestMaxConcurrent(t *testing.T) {
	const many = 5
	r := newRig(t)
	token := r.Grant(Grant{})
	r.call("GET", "/me", token)
	r.call("GET", "/me", token)
	if got := r.MaxConcurrent(); got != 1 {
		t.Errorf("%d at once, one after the other", got)
	}

	get := func(path string) {
		if res, err := http.Get(r.url + path); err == nil {
			res.Body.Close()
		}
	}
	r.Order(Order{Step: "me", Hang: true})
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
	if got := r.MaxConcurrent(); got != many {
		t.Errorf("%d at once, want %d", got, many)
	}

	r.Clear()
	r.Order(Order{Step: "me", Times: 1, Cut: true})
	get("/v24.0/me")
	r.Reset()
	if got := r.MaxConcurrent(); got != 0 {
		t.Errorf("%d left over after Reset", got)
	}
	r.call("GET", "/me", token)
	if got := r.MaxConcurrent(); got != 1 {
		t.Errorf("%d at once in the end", got)
	}
}
