package metasim

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// Meta's own sample, as its SDKs' tests have it.
func TestSignedRequestVector(t *testing.T) {
	payload := `{"oauth_token":"foo_token","algorithm":"HMAC-SHA256","issued_at":321,"code":"foo_code","state":"foo_state","user_id":123,"foo":"bar"}`
	got := New(Config{AppSecret: "foo_app_secret"}).SignedRequest("", Signing{Padded: true, Payload: &payload})
	const want = "U0_O1MqqNKUt32633zAkdd2Ce-jGVgRgJeRauyx_zC8=.eyJvYXV0aF90b2tlbiI6ImZvb190b2tlbiIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjozMjEsImNvZGUiOiJmb29fY29kZSIsInN0YXRlIjoiZm9vX3N0YXRlIiwidXNlcl9pZCI6MTIzLCJmb28iOiJiYXIifQ=="
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestSignedRequest(t *testing.T) {
	r := newRig(t)
	r.Jump(time.Second)
	usual := `{"algorithm":"HMAC-SHA256","expires":1773484014,"issued_at":1773480414,"user_id":"501"}`
	empty := ""
	tests := []struct {
		name    string
		o       Signing
		payload string
	}{
		{"as Meta does", Signing{}, usual},
		{"padded", Signing{Padded: true}, usual},
		{"a numeric id", Signing{NumericID: true}, strings.Replace(usual, `"501"`, `501`, 1)},
		{"another algorithm", Signing{Algorithm: "none"}, strings.Replace(usual, "HMAC-SHA256", "none", 1)},
		{"old", Signing{IssuedAt: time.Unix(100, 0)}, `{"algorithm":"HMAC-SHA256","expires":3700,"issued_at":100,"user_id":"501"}`},
		{"an empty payload", Signing{Payload: &empty}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			signature, text, _ := strings.Cut(r.SignedRequest("501", tt.o), ".")
			encoding := base64.RawURLEncoding
			if tt.o.Padded {
				encoding = base64.URLEncoding
			}
			payload, err := encoding.DecodeString(text)
			if err != nil || string(payload) != tt.payload {
				t.Errorf("payload %s, %v, want %s", payload, err, tt.payload)
			}
			if mac, err := encoding.DecodeString(signature); err != nil || len(mac) != 32 {
				t.Errorf("signature %s: %v", signature, err)
			}
		})
	}
	mine, _, _ := strings.Cut(r.SignedRequest("501", Signing{}), ".")
	other, text, _ := strings.Cut(r.SignedRequest("501", Signing{Secret: "old-secret"}), ".")
	if mine == other || text == "" {
		t.Errorf("another secret makes the same signature")
	}
}
