package graph

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"igconnect/lib/secret"
)

// VerifyDelivery tells whether one of the app's secrets signed a webhook
// delivery: header is X-Hub-Signature-256, "sha256=" and the lower-case hex of
// the HMAC-SHA256 over the body's raw bytes. Without secrets nothing is valid.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
func VerifyDelivery(body []byte, header string, secrets []secret.String) bool {
	valid := false
	for _, s := range secrets {
		if s.Empty() {
			continue
		}
		mac := hmac.New(sha256.New, []byte(s.Reveal()))
		mac.Write(body)
		expected := "sha256=" + hex.EncodeToString(mac.Sum(nil))
		valid = hmac.Equal([]byte(expected), []byte(header)) || valid
	}
	return valid
}
