package graph

import (
	"crypto/hmac"
	"crypto/sha256"
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

// PersonOf verifies a signed_request, which Meta posts when a person removes
// the app or asks for erasure, and returns the person's app-scoped Facebook id.
// The signature is over the encoded payload, exactly as sent. A request is good
// for one day after it was issued. The error is ErrBadSignedRequest.
// https://developers.facebook.com/docs/facebook-login/guides/advanced/existing-system#parsingsr
func PersonOf(signedRequest string, secrets []secret.String, now time.Time) (personID string, err error) {
	signature, payload, ok := strings.Cut(signedRequest, ".")
	if !ok || len(signedRequest) > maxSignedRequest || !signedBy(signature, payload, secrets) {
		return "", ErrBadSignedRequest
	}
	decoded, err := base64url(payload)
	if err != nil {
		return "", ErrBadSignedRequest
	}
	var request struct {
		Algorithm string `json:"algorithm"`
		IssuedAt  int64  `json:"issued_at"` // Unix seconds
		UserID    id     `json:"user_id"`   // a text, or a number in older apps
	}
	if json.Unmarshal(decoded, &request) != nil || request.UserID == "" {
		return "", ErrBadSignedRequest
	}
	age := now.Sub(time.Unix(request.IssuedAt, 0))
	if !strings.EqualFold(request.Algorithm, "HMAC-SHA256") || age > maxSignedAge || age < -maxClockSkew {
		return "", ErrBadSignedRequest
	}
	return string(request.UserID), nil
}

func signedBy(signature, payload string, secrets []secret.String) bool {
	sent, err := base64url(signature)
	if err != nil {
		return false
	}
	valid := false
	for _, s := range secrets {
		if s.Empty() {
			continue
		}
		mac := hmac.New(sha256.New, []byte(s.Reveal()))
		mac.Write([]byte(payload))
		valid = hmac.Equal(sent, mac.Sum(nil)) || valid
	}
	return valid
}

// base64url decodes with or without padding: Meta has sent both.
func base64url(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
