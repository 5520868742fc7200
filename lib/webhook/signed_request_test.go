package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/webhook"
)

// issued is when Meta's own example was issued; inTime is an hour later.
var (
	issued = time.Unix(1291836800, 0)
	inTime = issued.Add(time.Hour)
)

// signedRequest signs a payload as Meta does.
func signedRequest(payload, key string, encoding *base64.Encoding) string {
	encoded := encoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(encoded))
	return encoding.EncodeToString(mac.Sum(nil)) + "." + encoded
}

func TestParseSignedRequest(t *testing.T) {
	const good = `{"algorithm":"HMAC-SHA256","expires":1291840400,"issued_at":1291836800,"user_id":"218471"}`
	raw, padded := base64.RawURLEncoding, base64.URLEncoding
	change := func(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }
	valid := signedRequest(good, "new", raw)
	for _, c := range []struct {
		name, request string
		now           time.Time
		want          string // "": refused
	}{
		{"as sent", valid, inTime, "218471"},
		{"padded", signedRequest(good, "new", padded), inTime, "218471"},
		{"by a rotated secret", signedRequest(good, "old", raw), inTime, "218471"},
		{"a numeric id", signedRequest(change(`"218471"`, `218471`), "new", raw), inTime, "218471"},
		{"the algorithm in lower case", signedRequest(change("HMAC-SHA256", "hmac-sha256"), "new", raw), inTime, "218471"},
		{"a day old", valid, issued.Add(24 * time.Hour), "218471"},
		{"a clock behind", valid, issued.Add(-5 * time.Minute), "218471"},

		{"older than a day", valid, issued.Add(24*time.Hour + time.Second), ""},
		{"from the future", valid, issued.Add(-6 * time.Minute), ""},
		{"another app's", signedRequest(good, "other", raw), inTime, ""},
		{"by an empty secret", signedRequest(good, "", raw), inTime, ""},
		{"another algorithm", signedRequest(change("HMAC-SHA256", "none"), "new", raw), inTime, ""},
		{"no algorithm", signedRequest(change(`"algorithm":"HMAC-SHA256",`, ""), "new", raw), inTime, ""},
		{"no time", signedRequest(change(`"issued_at":1291836800,`, ""), "new", raw), inTime, ""},
		{"no user", signedRequest(change(`,"user_id":"218471"`, ""), "new", raw), inTime, ""},
		{"an id that is none", signedRequest(change("218471", "../me"), "new", raw), inTime, ""},
		{"not JSON", signedRequest("hello", "new", raw), inTime, ""},
		{"another payload", strings.Split(valid, ".")[0] + "." + raw.EncodeToString([]byte(change("218471", "218472"))), inTime, ""},
		{"no signature", "." + strings.Split(valid, ".")[1], inTime, ""},
		{"truncated", valid[:20] + valid[21:], inTime, ""},
		{"without a dot", strings.Replace(valid, ".", "", 1), inTime, ""},
		{"empty", "", inTime, ""},
		{"huge", valid + strings.Repeat("=", 9000), inTime, ""},
	} {
		got, err := webhook.ParseSignedRequest(c.request, secrets, c.now)
		if got.PersonID != c.want || (err == nil) != (c.want != "") || err == nil && !got.Issued.Equal(issued) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if _, err := webhook.ParseSignedRequest(signedRequest(good, "", raw), nil, inTime); err != webhook.ErrBadSignedRequest {
		t.Errorf("without any secret: %v", err)
	}
}

// A vector of Meta's own: padded, a numeric id, and long ago.
func TestParseSignedRequestVector(t *testing.T) {
	const vector = "U0_O1MqqNKUt32633zAkdd2Ce-jGVgRgJeRauyx_zC8=.eyJvYXV0aF90b2tlbiI6ImZvb190b2tlbiIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjozMjEsImNvZGUiOiJmb29fY29kZSIsInN0YXRlIjoiZm9vX3N0YXRlIiwidXNlcl9pZCI6MTIzLCJmb28iOiJiYXIifQ=="
	got, err := webhook.ParseSignedRequest(vector, []secret.String{secret.New("foo_app_secret")}, time.Unix(400, 0))
	if got.PersonID != "123" || got.Issued.Unix() != 321 || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestCode: one request has one code, padded or not; each request has its own.
func TestCode(t *testing.T) {
	code := func(at string, encoding *base64.Encoding) string {
		payload := `{"algorithm":"HMAC-SHA256","issued_at":` + at + `,"user_id":"218471"}`
		got, err := webhook.ParseSignedRequest(signedRequest(payload, "new", encoding), secrets, issued)
		if err != nil {
			t.Fatal(err)
		}
		return got.Code.String()
	}
	first, padded := code("1291836800", base64.RawURLEncoding), code("1291836800", base64.URLEncoding)
	if first != padded || first == code("1291836801", base64.RawURLEncoding) || first[14] != '5' {
		t.Errorf("codes %s, %s", first, padded)
	}
}

// FuzzParseSignedRequest gives anything that somebody may send, and any payload
// signed by us. Nothing is believed without the signature; a good payload is,
// in each way of writing it.
func FuzzParseSignedRequest(f *testing.F) {
	f.Fuzz(func(t *testing.T, request string, payload []byte, issued int64) {
		parsed, err := webhook.ParseSignedRequest(request, secrets, inTime)
		checkSigned(t, request, parsed, err)
		if _, err := webhook.ParseSignedRequest(request, []secret.String{secret.New("")}, inTime); err != webhook.ErrBadSignedRequest {
			t.Errorf("by an empty secret: %v", err)
		}

		for _, key := range []string{"new", "old", "another", ""} {
			for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding} {
				sent := signedRequest(string(payload), key, encoding)
				parsed, err := webhook.ParseSignedRequest(sent, secrets, inTime)
				checkSigned(t, sent, parsed, err)
			}
		}

		person := base64.RawURLEncoding.EncodeToString(payload[:min(len(payload), 40)])
		good, _ := json.Marshal(map[string]any{"algorithm": "HMAC-SHA256", "issued_at": issued, "user_id": person})
		parsed, err = webhook.ParseSignedRequest(signedRequest(string(good), "old", base64.URLEncoding), secrets, inTime)
		fresh := issued >= inTime.Add(-24*time.Hour).Unix() && issued <= inTime.Add(5*time.Minute).Unix()
		if valid := fresh && person != ""; valid != (err == nil) || valid && (parsed.PersonID != person || parsed.Issued.Unix() != issued) {
			t.Errorf("%s: %+v, %v", good, parsed, err)
		}
	})
}

// checkSigned wants either the one error or a person of a request that one of
// the secrets signed, here reckoned anew.
func checkSigned(t *testing.T, sent string, parsed webhook.SignedRequest, err error) {
	t.Helper()
	if err != nil {
		if err != webhook.ErrBadSignedRequest || parsed != (webhook.SignedRequest{}) {
			t.Errorf("%q: %+v, %v", sent, parsed, err)
		}
		return
	}
	sum, payload, _ := strings.Cut(sent, ".")
	mac, _ := base64.RawURLEncoding.DecodeString(strings.TrimRight(sum, "="))
	header := fmt.Sprintf("sha256=%x", mac) // the same MAC as a delivery's
	signed := header == signature(payload, "new") || header == signature(payload, "old")
	age := inTime.Sub(parsed.Issued)
	if !signed || !goodID.MatchString(parsed.PersonID) || age > 24*time.Hour || age < -5*time.Minute || len(sent) > 8<<10 {
		t.Errorf("%q was believed: %+v", sent, parsed)
	}
}
