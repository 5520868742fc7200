package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
)

// callBack posts a signed_request to one of the callbacks.
func (d deployment) callBack(path, signedRequest string) deploytest.Answer {
	d.T.Helper()
	return d.sendForm(path, nil, url.Values{"signed_request": {signedRequest}})
}

// What did not come from Meta for this app is refused, before the database is
// asked.
func TestSignedRequestRefused(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	sign := func(s metasim.Signing) string { return d.Meta.SignedRequest("5001", s) }
	good := sign(metasim.Signing{})
	signature, payload, _ := strings.Cut(good, ".")
	for name, sent := range map[string]string{
		"another app's":         sign(metasim.Signing{Secret: "another app's secret"}),
		"another algorithm":     sign(metasim.Signing{Algorithm: "HMAC-SHA1"}),
		"no algorithm":          sign(metasim.Signing{Algorithm: "none"}),
		"a day and an hour":     sign(metasim.Signing{IssuedAt: time.Now().Add(-25 * time.Hour)}),
		"of tomorrow":           sign(metasim.Signing{IssuedAt: time.Now().Add(time.Hour)}),
		"no payload":            sign(metasim.Signing{Payload: new("")}),
		"not JSON":              sign(metasim.Signing{Payload: new("hello")}),
		"a list":                sign(metasim.Signing{Payload: new("[]")}),
		"no user":               sign(metasim.Signing{Payload: new(fmt.Sprintf(`{"algorithm":"HMAC-SHA256","issued_at":%d}`, time.Now().Unix()))}),
		"no time":               sign(metasim.Signing{Payload: new(`{"algorithm":"HMAC-SHA256","user_id":"5001"}`)}),
		"a broken id":           sign(metasim.Signing{Payload: new(fmt.Sprintf(`{"algorithm":"HMAC-SHA256","issued_at":%d,"user_id":"5001') or true--"}`, time.Now().Unix()))}),
		"a truncated one":       good[:len(good)-2],
		"a changed payload":     signature + "." + payload[:len(payload)-1] + "A",
		"no signature":          "." + payload,
		"no dot":                signature + payload,
		"a line break in it":    signature[:9] + "\n" + signature[9:] + "." + payload,
		"a return at its end":   good + "\r",
		"empty":                 "",
		"the standard alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(signature) + "+." + payload,
	} {
		for _, path := range []string{"/api/deauthorize", "/api/deletion"} {
			got := d.callBack(path, sent)
			if got.StatusCode != http.StatusUnauthorized || got.Code() != "bad_signature" || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s, %s: %d %s", path, name, got.StatusCode, got.Code())
			}
		}
	}
	for _, path := range []string{"/api/deauthorize", "/api/deletion"} {
		if got := d.Send("POST", path, nil, ""); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a form: %d %s", path, got.StatusCode, got.Code())
		}
		if got := d.sendForm(path+"?signed_request="+url.QueryEscape(good), nil, nil); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s in the query: %d %s", path, got.StatusCode, got.Code())
		}
		if got := d.callBack(path, strings.Repeat("a", 70_000)); got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s, 70 kB: %d %s", path, got.StatusCode, got.Code())
		}
		if got := d.Send("PUT", path, nil, ""); got.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("PUT %s: %d", path, got.StatusCode)
		}
	}
	if got := d.Get("/api/deauthorize"); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", got.StatusCode)
	}
	if calls := d.Supabase.Requests(); len(calls) != 0 {
		t.Errorf("the database was asked: %v", calls)
	}
	d.Supabase.Break("", html(502))
	for _, path := range []string{"/api/deauthorize", "/api/deletion"} { // Meta delivers again what was not done
		if got := d.callBack(path, good); got.StatusCode != http.StatusServiceUnavailable || got.Code() != "store_unavailable" {
			t.Errorf("%s while the database fails: %d %s", path, got.StatusCode, got.Code())
		}
	}
}
