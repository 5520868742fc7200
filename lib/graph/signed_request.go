package graph

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"igconnect/lib/secret"
)

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
	PersonID string // app-scoped Facebook id
	Issued   time.Time
}

// ParseSignedRequest verifies a signed_request. The signature is over the
// encoded payload, exactly as sent. A request is good for one day after it was
// issued. The error is ErrBadSignedRequest.
// https://developers.facebook.com/docs/facebook-login/guides/advanced/existing-system#parsingsr
func ParseSignedRequest(signedRequest string, secrets []secret.String, now time.Time) (SignedRequest, error) {
	signature, payload, ok := strings.Cut(signedRequest, ".")
	if !ok || len(signedRequest) > maxSignedRequest {
		return SignedRequest{}, ErrBadSignedRequest
	}
	sent, err := base64url(signature)
	asItIs := func(sum []byte) []byte { return sum }
	if err != nil || !signedBy(secrets, []byte(payload), sent, asItIs) {
		return SignedRequest{}, ErrBadSignedRequest
	}
	decoded, err := base64url(payload)
	if err != nil {
		return SignedRequest{}, ErrBadSignedRequest
	}
	var request struct {
		Algorithm string `json:"algorithm"`
		IssuedAt  int64  `json:"issued_at"` // Unix seconds
		UserID    id     `json:"user_id"`   // a text, or a number in older apps
	}
	if json.Unmarshal(decoded, &request) != nil || request.UserID == "" {
		return SignedRequest{}, ErrBadSignedRequest
	}
	issued := time.Unix(request.IssuedAt, 0).UTC()
	age := now.Sub(issued)
	if !strings.EqualFold(request.Algorithm, "HMAC-SHA256") || age > maxSignedAge || age < -maxClockSkew {
		return SignedRequest{}, ErrBadSignedRequest
	}
	return SignedRequest{PersonID: string(request.UserID), Issued: issued}, nil
}

// base64url decodes with or without padding: Meta has sent both. A line break,
// which the decoder would pass over, makes one request look like another.
func base64url(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, ErrBadSignedRequest
	}
	return base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
}
