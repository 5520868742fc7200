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
	return signedBy(secrets, body, []byte(header), func(sum []byte) []byte {
		return []byte("sha256=" + hex.EncodeToString(sum))
	})
}

// signedBy tells whether sent is the MAC of the message under one of the
// secrets, as written by Meta. All are tried, in constant time each; an empty
// one signs nothing.
func signedBy(secrets []secret.String, message, sent []byte, written func(sum []byte) []byte) bool {
	valid := false
	for _, s := range secrets {
		if !s.Empty() {
			valid = hmac.Equal(written(mac(s, message)), sent) || valid
		}
	}
	return valid
}

// mac is the HMAC-SHA256 of the message.
func mac(key secret.String, message []byte) []byte {
	h := hmac.New(sha256.New, []byte(key.Reveal()))
	h.Write(message)
	return h.Sum(nil)
}
