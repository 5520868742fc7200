package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/api"
	"igconnect/internal/deploytest"
	"igconnect/internal/metasim"
	"igconnect/lib/web"
)

// deliver posts a body to the webhook with the given signature.
func (d deployment) deliver(body, signature string) answer {
	d.T.Helper()
	header := map[string]string{"Content-Type": "application/json"}
	if signature != "" {
		header["X-Hub-Signature-256"] = signature
	}
	return d.Send("POST", "/api/webhook", header, body)
}

func signed(body, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// ofMeta is Meta's signature of a body.
func ofMeta(body string) string { return signed(body, deploytest.AppSecret) }

const message = `{"object":"instagram","entry":[{"time":1668022334834,"id":"17841452691600098","messaging":[` +
	`{"sender":{"id":"5614879045272581"},"recipient":{"id":"17841452691600098"},"timestamp":1668022333735,"message":{"mid":"aWdf","text":"hello"}}]}]}`

// ingested are the events that reached the database, a list for each call.
func (d deployment) ingested() [][]map[string]any {
	d.T.Helper()
	var calls [][]map[string]any
	for _, request := range d.Supabase.Requests() {
		if request.Step == "ingest" {
			var arguments struct{ Events []map[string]any }
			if err := json.Unmarshal([]byte(request.Body), &arguments); err != nil {
				d.T.Fatal(err)
			}
			calls = append(calls, arguments.Events)
		}
	}
	return calls
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	handshake := func(mode, token, challenge string) answer {
		return d.Get("/api/webhook?" + url.Values{"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": {challenge}}.Encode())
	}
	got := handshake("subscribe", deploytest.VerifyToken, "1158201444<b>")
	if got.StatusCode != 200 || got.Body != "1158201444<b>" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %q %v", got.StatusCode, got.Body, got.Header)
	}
	for name, got := range map[string]answer{
		"another token": handshake("subscribe", "x", "1"), "no token": handshake("subscribe", "", "1"),
		"another mode": handshake("unsubscribe", deploytest.VerifyToken, "1"), "no parameters": d.Get("/api/webhook"),
	} {
		d.want(got, 403, "forbidden", name)
	}
	d.Set("WEBHOOK_VERIFY_TOKEN", "")
	d.want(handshake("subscribe", "", "1"), 500, "misconfigured", "without a token set")
	d.want(d.deliver(message, ofMeta(message)), 200, "", "deliveries need no verify token")
	d.WantRedirect(d.Get("/api/login?return_to=//x"), 400, "") // nor does the login care
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"FB_APP_SECRET": "a-new-secret," + deploytest.AppSecret}) // Meta still signs with the old one
	d.want(d.deliver(message, ofMeta(message)), 200, "")
	want := [][]map[string]any{{{
		"account": "17841452691600098", "key": "message/aWdf", "counterpart": "5614879045272581", "recipient": "17841452691600098", "kind": "message",
		"occurred_at": "2022-11-09T19:32:13.735Z",
		"payload": map[string]any{
			"sender": map[string]any{"id": "5614879045272581"}, "recipient": map[string]any{"id": "17841452691600098"},
			"timestamp": 1668022333735.0, "message": map[string]any{"mid": "aWdf", "text": "hello"},
		},
	}}}
	if diff := cmp.Diff(want, d.ingested()); diff != "" {
		t.Error(diff)
	}
}

func TestDeliveryRefused(t *testing.T) {
	t.Parallel()
	big := `{"object":"instagram","x":"` + strings.Repeat("x", 4_500_000-29) + `"}`
	for _, c := range []struct {
		name, body, signature string
		status                int
		code                  string
	}{
		{"no signature", message, "", 401, "bad_signature"},
		{"malformed", message, "sha256=zz", 401, "bad_signature"},
		{"wrong", message, ofMeta(message + " "), 401, "bad_signature"},
		{"truncated", message, ofMeta(message)[:70], 401, "bad_signature"},
		{"upper case", message, "sha256=" + strings.ToUpper(ofMeta(message)[7:]), 401, "bad_signature"},
		{"another secret's", message, signed(message, "another"), 401, "bad_signature"},
		{"a byte altered", strings.Replace(message, "hello", "hullo", 1), ofMeta(message), 401, "bad_signature"},
		{"sha1 only", message, "sha1=" + ofMeta(message)[7:], 401, "bad_signature"},
		{"an empty body", "", ofMeta(""), 400, "bad_request"},
		{"not JSON", "hello", ofMeta("hello"), 400, "bad_request"},
		{"not JSON and not signed", "hello", "", 401, "bad_signature"},
		{"another shape", "[]", ofMeta("[]"), 200, ""},
		{"another object", `{"object":"page","entry":[{"id":"1"}]}`, ofMeta(`{"object":"page","entry":[{"id":"1"}]}`), 200, ""},
		{"as large as the platform takes", big, ofMeta(big), 200, ""},
	} {
		parallel(t, c.name, func(t *testing.T) {
			d := deploy(t)
			got := d.deliver(c.body, c.signature)
			d.want(got, c.status, c.code)
			if calls := d.ingested(); len(calls) != 0 {
				t.Errorf("the database was asked: %v", calls)
			}
			if c.code != "" && got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("not JSON: %s", got.Body)
			}
		})
	}
}

// Beside a platform that has a limit we have our own.
func TestDeliveryTooLarge(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	body, got := strings.NewReader(strings.Repeat(" ", 9<<19+1)), httptest.NewRecorder()
	api.Webhook(got, httptest.NewRequestWithContext(web.WithApp(t.Context(), d.App()), http.MethodPost, "/api/webhook", body))
	if code := got.Header().Get("X-Error-Code"); got.Code != http.StatusRequestEntityTooLarge || code != "too_large" {
		t.Errorf("%d %s", got.Code, code)
	}
}

// What is not committed is not acknowledged: Meta delivers it again.
func TestDeliveryWhileSupabaseFails(t *testing.T) {
	t.Parallel()
	skipShort(t, "waits for the pauses between tries")
	for name, answer := range map[string]http.HandlerFunc{
		"HTML 502": html(502), "null": reply(200, "null!"), "a refusal": reply(409, `{"code":"55P03"}`), "a redirect": reply(307, ""),
	} {
		parallel(t, name, func(t *testing.T) {
			d := deploy(t)
			d.Supabase.Break("ingest", answer)
			d.want(d.deliver(message, ofMeta(message)), 503, "store_unavailable")
			d.Supabase.Break("ingest", nil)
			d.want(d.deliver(message, ofMeta(message)), 200, "", "again")
		})
	}
	parallel(t, "hanging", func(t *testing.T) {
		d := deploy(t)
		d.Supabase.Break("ingest", d.Supabase.Hang)
		begun := time.Now()
		got := d.deliver(message, ofMeta(message))
		if took := time.Since(begun); got.StatusCode != 503 || took > 5*time.Second {
			t.Errorf("%d after %v", got.StatusCode, took)
		}
	})
}

// callBack posts a signed_request to one of the callbacks.
func (d deployment) callBack(path, signedRequest string) answer {
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
			d.want(got, 401, "bad_signature", path, name)
			if kind := got.Header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("%s, %s: %s", path, name, kind)
			}
		}
	}
	for _, path := range []string{"/api/deauthorize", "/api/deletion"} {
		d.want(d.Send("POST", path, nil, ""), 401, "bad_signature", path, "without a form")
		d.want(d.sendForm(path+"?signed_request="+url.QueryEscape(good), nil, nil), 401, "bad_signature", path, "in the query")
		d.want(d.callBack(path, strings.Repeat("a", 70_000)), 413, "too_large", path, "70 kB")
		d.want(d.Send("PUT", path, nil, ""), 405, "method_not_allowed", path, "PUT")
	}
	d.want(d.Get("/api/deauthorize"), 405, "method_not_allowed")
	if calls := d.Supabase.Requests(); len(calls) != 0 {
		t.Errorf("the database was asked: %v", calls)
	}
	d.Supabase.Break("", html(502))
	for _, path := range []string{"/api/deauthorize", "/api/deletion"} { // Meta delivers again what was not done
		d.want(d.callBack(path, good), 503, "store_unavailable", path, "while the database fails")
	}
}
