package api_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"igconnect/internal/deploytest"
)

// deliver posts a body to the webhook with the given signature.
func (d deployment) deliver(body, signature string) deploytest.Answer {
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
	handshake := func(mode, token, challenge string) deploytest.Answer {
		return d.Get("/api/webhook?" + url.Values{"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": {challenge}}.Encode())
	}
	got := handshake("subscribe", deploytest.VerifyToken, "1158201444<b>")
	if got.StatusCode != 200 || got.Body != "1158201444<b>" || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %q %v", got.StatusCode, got.Body, got.Header)
	}
	for name, got := range map[string]deploytest.Answer{
		"another token": handshake("subscribe", "x", "1"), "no token": handshake("subscribe", "", "1"),
		"another mode": handshake("unsubscribe", deploytest.VerifyToken, "1"), "no parameters": d.Get("/api/webhook"),
	} {
		if got.StatusCode != 403 || got.Code() != "forbidden" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Code())
		}
	}
	d.Set("WEBHOOK_VERIFY_TOKEN", "")
	if got := handshake("subscribe", "", "1"); got.StatusCode != 500 || got.Code() != "misconfigured" {
		t.Errorf("without a token set: %d %s", got.StatusCode, got.Code())
	}
	if got := d.deliver(message, signed(message, deploytest.AppSecret)); got.StatusCode != 200 {
		t.Errorf("deliveries need no verify token: %d %s", got.StatusCode, got.Code())
	}
	d.WantRedirect(d.Get("/api/login?return_to=//x"), 400, "") // nor does the login care
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	d := deployWith(t, map[string]string{"FB_APP_SECRET": "a-new-secret," + deploytest.AppSecret}) // Meta still signs with the old one
	got := d.deliver(message, signed(message, deploytest.AppSecret))
	if got.StatusCode != 200 {
		t.Fatalf("%d %s: %s", got.StatusCode, got.Code(), got.Body)
	}
	want := [][]map[string]any{{{
		"account": "17841452691600098", "key": "message/aWdf/1668022333735/", "counterpart": "5614879045272581", "kind": "message",
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

// However large a delivery is, it is one call.
func TestDeliveryIsOneCall(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	var entries []string
	for i := range 1000 {
		entries = append(entries, fmt.Sprintf(`{"id":"1784145269160%04d","messaging":[{"sender":{"id":"%d"},"timestamp":1668022333735,"message":{"mid":"m%d"}}]}`, i%7, i, i))
	}
	body := `{"object":"instagram","entry":[` + strings.Join(entries, ",") + `]}`
	got := d.deliver(body, signed(body, deploytest.AppSecret))
	if calls := d.ingested(); got.StatusCode != 200 || len(calls) != 1 || len(calls[0]) != 1000 {
		t.Errorf("%d, %d calls", got.StatusCode, len(calls))
	}
}

func TestDeliveryRefused(t *testing.T) {
	t.Parallel()
	big := `{"object":"instagram","x":"` + strings.Repeat("x", 4<<20-29) + `"}`
	for _, c := range []struct {
		name, body, signature string
		status                int
		code                  string
	}{
		{"no signature", message, "", 401, "bad_signature"},
		{"malformed", message, "sha256=zz", 401, "bad_signature"},
		{"wrong", message, signed(message+" ", deploytest.AppSecret), 401, "bad_signature"},
		{"truncated", message, signed(message, deploytest.AppSecret)[:70], 401, "bad_signature"},
		{"upper case", message, "sha256=" + strings.ToUpper(signed(message, deploytest.AppSecret)[7:]), 401, "bad_signature"},
		{"another secret's", message, signed(message, "another"), 401, "bad_signature"},
		{"a byte altered", strings.Replace(message, "hello", "hullo", 1), signed(message, deploytest.AppSecret), 401, "bad_signature"},
		{"sha1 only", message, "sha1=" + signed(message, deploytest.AppSecret)[7:], 401, "bad_signature"},
		{"an empty body", "", signed("", deploytest.AppSecret), 400, "bad_request"},
		{"not JSON", "hello", signed("hello", deploytest.AppSecret), 400, "bad_request"},
		{"not JSON and not signed", "hello", "", 401, "bad_signature"},
		{"another shape", "[]", signed("[]", deploytest.AppSecret), 200, ""},
		{"another object", `{"object":"page","entry":[{"id":"1"}]}`, signed(`{"object":"page","entry":[{"id":"1"}]}`, deploytest.AppSecret), 200, ""},
		{"4 MB", big, signed(big, deploytest.AppSecret), 200, ""},
		{"4 MB and one byte", big + " ", signed(big+" ", deploytest.AppSecret), 413, "too_large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t)
			got := d.deliver(c.body, c.signature)
			if got.StatusCode != c.status || got.Code() != c.code {
				t.Errorf("%d %s, want %d %s", got.StatusCode, got.Code(), c.status, c.code)
			}
			if calls := d.ingested(); len(calls) != 0 {
				t.Errorf("the database was asked: %v", calls)
			}
			if c.code != "" && got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("not JSON: %s", got.Body)
			}
		})
	}
}

// What is not committed is not acknowledged: Meta delivers it again.
func TestDeliveryWhileSupabaseFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the pauses between tries")
	}
	for name, answer := range map[string]http.HandlerFunc{
		"HTML 502": html(502), "null": reply(200, "null!"), "a refusal": reply(404, `{"code":"PGRST202"}`), "a redirect": reply(307, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t)
			d.Supabase.Break("ingest", answer)
			if got := d.deliver(message, signed(message, deploytest.AppSecret)); got.StatusCode != 503 || got.Code() != "store_unavailable" {
				t.Errorf("%d %s", got.StatusCode, got.Code())
			}
			d.Supabase.Break("ingest", nil)
			if got := d.deliver(message, signed(message, deploytest.AppSecret)); got.StatusCode != 200 {
				t.Errorf("again: %d %s", got.StatusCode, got.Code())
			}
		})
	}
	t.Run("hanging", func(t *testing.T) {
		t.Parallel()
		d := deploy(t)
		d.Supabase.Break("ingest", d.Supabase.Hang)
		begun := time.Now()
		got := d.deliver(message, signed(message, deploytest.AppSecret))
		if took := time.Since(begun); got.StatusCode != 503 || took > 5*time.Second {
			t.Errorf("%d after %v", got.StatusCode, took)
		}
	})
}
