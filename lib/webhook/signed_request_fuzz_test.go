package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"igconnect/lib/secret"
	"igconnect/lib/webhook"
)

// signedNow is the clock of FuzzParseSignedRequest: an hour after Meta's own
// example was issued.
var signedNow = time.Unix(1291836800, 0).Add(time.Hour)

// FuzzParseSignedRequest gives anything that somebody may send, and any payload
// signed by us. Nothing is believed without the signature; a good payload is,
// in each way of writing it.
func FuzzParseSignedRequest(f *testing.F) {
	secrets := []secret.String{secret.New("new"), secret.New(""), secret.New("old")}
	f.Fuzz(func(t *testing.T, request string, payload []byte, issued int64) {
		parsed, err := webhook.ParseSignedRequest(request, secrets, signedNow)
		checkSigned(t, request, parsed, err)
		if _, err := webhook.ParseSignedRequest(request, []secret.String{secret.New("")}, signedNow); err != webhook.ErrBadSignedRequest {
			t.Errorf("by an empty secret: %v", err)
		}

		for _, key := range []string{"new", "old", "another", ""} {
			for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding} {
				sent := signedRequest(string(payload), key, encoding)
				parsed, err := webhook.ParseSignedRequest(sent, secrets, signedNow)
				checkSigned(t, sent, parsed, err)
			}
		}

		person := base64.RawURLEncoding.EncodeToString(payload[:min(len(payload), 40)])
		good, _ := json.Marshal(map[string]any{"algorithm": "HMAC-SHA256", "issued_at": issued, "user_id": person})
		parsed, err = webhook.ParseSignedRequest(signedRequest(string(good), "old", base64.URLEncoding), secrets, signedNow)
		inTime := issued >= signedNow.Add(-24*time.Hour).Unix() && issued <= signedNow.Add(5*time.Minute).Unix()
		if valid := inTime && person != ""; valid != (err == nil) || valid && (parsed.PersonID != person || parsed.Issued.Unix() != issued) {
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
	age := signedNow.Sub(parsed.Issued)
	if !signed || !goodID.MatchString(parsed.PersonID) || age > 24*time.Hour || age < -5*time.Minute || len(sent) > 8<<10 {
		t.Errorf("%q was believed: %+v", sent, parsed)
	}
}
