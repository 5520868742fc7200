package metasim

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

// Signing is how a signed_request is made; its zero value is Meta's way.
type Signing struct {
	Padded    bool      // base64url with its "=", which Meta leaves out
	NumericID bool      // user_id as a number, not as a string
	Algorithm string    // "": HMAC-SHA256. What signs is always that
	IssuedAt  time.Time // zero: Sim.Now
	Secret    string    // "": Config.AppSecret
	Payload   *string   // signed as it stands, in place of what the fields above say
}

// SignedRequest returns the signed_request of Meta's callbacks: "signature.payload",
// the signature over the payload's encoded text. An id that is no number stays
// a string.
func (s *Sim) SignedRequest(personID string, o Signing) string {
	payload := ""
	if o.Payload != nil {
		payload = *o.Payload
	} else {
		payload = s.callbackPayload(personID, o)
	}
	encoding := base64.RawURLEncoding
	if o.Padded {
		encoding = base64.URLEncoding
	}
	text := encoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, []byte(cmp.Or(o.Secret, s.cfg.AppSecret)))
	mac.Write([]byte(text))
	return encoding.EncodeToString(mac.Sum(nil)) + "." + text
}

// callbackPayload writes the four members that Meta documents, times in
// seconds.
func (s *Sim) callbackPayload(personID string, o Signing) string {
	if o.IssuedAt.IsZero() {
		o.IssuedAt = s.Now()
	}
	text, err := json.Marshal(struct {
		Algorithm string `json:"algorithm"`
		Expires   int64  `json:"expires"`
		IssuedAt  int64  `json:"issued_at"`
		UserID    any    `json:"user_id"`
	}{cmp.Or(o.Algorithm, "HMAC-SHA256"), o.IssuedAt.Add(time.Hour).Unix(), o.IssuedAt.Unix(), wireID(personID, o.NumericID)})
	if err != nil {
		panic(fmt.Sprintf("metasim: a signed_request that is no JSON: %v", err))
	}
	return string(text)
}
