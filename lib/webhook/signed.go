package webhook

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"igconnect/lib/metajson"
	"igconnect/lib/secret"
)

// VerifySignature reports whether one of the app's secrets signed a delivery.
// header is X-Hub-Signature-256: "sha256=" and the lower-case hex of the
// HMAC-SHA256 over the body's raw bytes. Without secrets nothing is valid.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#event-notifications
func VerifySignature(body []byte, header string, secrets []secret.String) bool {
	return signedBy(secrets, body, []byte(header), func(sum []byte) []byte {
		return []byte("sha256=" + hex.EncodeToString(sum))
	})
}

// signedBy reports whether sent is the MAC of the message under one of the
// secrets, in the given encoding. It tries all secrets, in constant time each;
// an empty one signs nothing.
func signedBy(secrets []secret.String, message, sent []byte, encode func(sum []byte) []byte) bool {
	valid := false
	for _, s := range secrets {
		if !s.Empty() {
			valid = hmac.Equal(encode(s.MAC(message)), sent) || valid
		}
	}
	return valid
}

// ErrBadSignedRequest says that a signed_request is malformed, not signed by
// one of the app's secrets, or not of this day.
var ErrBadSignedRequest = errors.New("bad signed_request")

const (
	maxSignedRequest = 8 << 10 // bytes
	maxSignedAge     = 24 * time.Hour
	maxClockSkew     = 5 * time.Minute
)

// SignedRequest is what Meta posts when a person removes the app or asks for
// erasure.
type SignedRequest struct {
	PersonID string // app-scoped id
	Issued   time.Time
	Code     uuid.UUID // names this request: the same if it comes again, padded or not
}

// ParseSignedRequest verifies a signed_request, whose signature is over the
// encoded payload exactly as sent. A request is good for one day after it was
// issued. The error is [ErrBadSignedRequest].
// https://developers.facebook.com/docs/facebook-login/guides/advanced/existing-system#parsingsr
func ParseSignedRequest(sent string, secrets []secret.String, now time.Time) (SignedRequest, error) {
	signature, payload, ok := strings.Cut(sent, ".")
	sum, err := base64url(signature)
	unencoded := func(sum []byte) []byte { return sum }
	if !ok || len(sent) > maxSignedRequest || err != nil || !signedBy(secrets, []byte(payload), sum, unencoded) {
		return SignedRequest{}, ErrBadSignedRequest
	}
	var request struct {
		Algorithm string      `json:"algorithm"`
		IssuedAt  int64       `json:"issued_at"` // Unix seconds
		UserID    metajson.ID `json:"user_id"`   // a number in older apps
	}
	decoded, err := base64url(payload)
	if err != nil || json.Unmarshal(decoded, &request) != nil {
		return SignedRequest{}, ErrBadSignedRequest
	}
	issued := time.Unix(request.IssuedAt, 0).UTC()
	age := now.Sub(issued)
	if request.UserID == "" || !strings.EqualFold(request.Algorithm, "HMAC-SHA256") ||
		age > maxSignedAge || age < -maxClockSkew {
		return SignedRequest{}, ErrBadSignedRequest
	}
	code := uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.ReplaceAll(sent, "=", "")))
	return SignedRequest{PersonID: string(request.UserID), Issued: issued, Code: code}, nil
}

// base64url decodes with or without padding: Meta has sent both. It refuses line
// breaks, which the decoder would pass over: with them one request could be
// written in many ways.
func base64url(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, ErrBadSignedRequest
	}
	return base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
}
