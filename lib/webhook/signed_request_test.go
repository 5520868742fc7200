package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/webhook"
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
	now := time.Unix(1291836800, 0).Add(time.Hour)
	secrets := []secret.String{secret.New("new"), secret.New(""), secret.New("old")}
	raw, padded := base64.RawURLEncoding, base64.URLEncoding
	change := func(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }
	valid := signedRequest(good, "new", raw)
	for _, c := range []struct {
		name, request string
		now           time.Time
		want          string // "": refused
	}{
		{"as sent", valid, now, "218471"},
		{"padded", signedRequest(good, "new", padded), now, "218471"},
		{"by a rotated secret", signedRequest(good, "old", raw), now, "218471"},
		{"a numeric id", signedRequest(change(`"218471"`, `218471`), "new", raw), now, "218471"},
		{"the algorithm in lower case", signedRequest(change("HMAC-SHA256", "hmac-sha256"), "new", raw), now, "218471"},
		{"a day old", valid, time.Unix(1291836800, 0).Add(24 * time.Hour), "218471"},
		{"a clock behind", valid, time.Unix(1291836800, 0).Add(-5 * time.Minute), "218471"},

		{"older than a day", valid, time.Unix(1291836800, 0).Add(24*time.Hour + time.Second), ""},
		{"from the future", valid, time.Unix(1291836800, 0).Add(-6 * time.Minute), ""},
		{"another app's", signedRequest(good, "other", raw), now, ""},
		{"by an empty secret", signedRequest(good, "", raw), now, ""},
		{"another algorithm", signedRequest(change("HMAC-SHA256", "none"), "new", raw), now, ""},
		{"no algorithm", signedRequest(change(`"algorithm":"HMAC-SHA256",`, ""), "new", raw), now, ""},
		{"no time", signedRequest(change(`"issued_at":1291836800,`, ""), "new", raw), now, ""},
		{"no user", signedRequest(change(`,"user_id":"218471"`, ""), "new", raw), now, ""},
		{"an id that is none", signedRequest(change("218471", "../me"), "new", raw), now, ""},
		{"not JSON", signedRequest("hello", "new", raw), now, ""},
		{"another payload", strings.Split(valid, ".")[0] + "." + raw.EncodeToString([]byte(change("218471", "218472"))), now, ""},
		{"no signature", "." + strings.Split(valid, ".")[1], now, ""},
		{"truncated", valid[:20] + valid[21:], now, ""},
		{"without a dot", strings.Replace(valid, ".", "", 1), now, ""},
		{"empty", "", now, ""},
		{"huge", valid + strings.Repeat("=", 9000), now, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := webhook.ParseSignedRequest(c.request, secrets, c.now)
			if got.PersonID != c.want || (err == nil) != (c.want != "") || err == nil && got.Issued.Unix() != 1291836800 {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	if _, err := webhook.ParseSignedRequest(signedRequest(good, "", raw), nil, now); err != webhook.ErrBadSignedRequest {
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
	secrets, now := []secret.String{secret.New("key")}, time.Unix(1291836800, 0)
	code := func(issued string, encoding *base64.Encoding) string {
		payload := `{"algorithm":"HMAC-SHA256","issued_at":` + issued + `,"user_id":"218471"}`
		got, err := webhook.ParseSignedRequest(signedRequest(payload, "key", encoding), secrets, now)
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
